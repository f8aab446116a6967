extension SessionRecovery {
    /// The sessions of clients that are away end with the sockets that are made to leave, and those of clients that are coming
    /// back but aren't there yet. O(clients that are away).
    func end(_ target: BroadcastTarget) {
        let ended = state.withLock { state in
            for (pid, session) in state.claimed where target.covers(id: session.id, rooms: session.rooms) {
                state.claimed[pid]?.isEnded = true
            }
            return state.saved.takeAll { target.covers(id: $0.id, rooms: $0.rooms) }
        }
        report(ended.map { ExpiredSession($0, .disconnected) })
    }
}

extension Namespace {
    /// Sockets were made to leave by another server: for adapters. Disconnects this server's, and gives up the sessions of
    /// clients that are away.
    public func receiveDisconnection(of target: BroadcastTarget, close: Bool) {
        for socket in adapter.sockets(in: target) { socket.disconnect(close: close) }
        recovery?.end(target)
    }
}
