import ParleyTransport

/// One task serves all events that a read brings a socket: what comes behind the first of them queues up for it. A task for each would
/// cost more than most handlers.
extension Client: ReadFollower {
    /// Runs what is left of a handler, in a task that prefers the loop: behind the bytes that are being read.
    func finish(_ work: AsyncWorks, of socket: Socket) {
        let loop = EventLoop.current
        guard loop === session.loop else {
            (loop ?? session.loop).start { await socket.finish(work) }
            return
        }
        begun.append((socket, work))
        if begun.count == 1 { session.loop.afterRead(self) }
    }

    /// Before a socket ends: what came before that is handled while it is connected.
    func followAtOnce() {
        if EventLoop.current === session.loop { follow() }
    }

    func follow() {
        guard !begun.isEmpty else { return }
        var started: [(Socket, AsyncWorks)] = []
        swap(&started, &begun)
        for (socket, work) in started {
            // What EventLoop.start does, which would hold this closure by another.
            Task.immediate(executorPreference: session.loop) { await socket.finish(work) }
        }
        if begun.isEmpty {
            started.removeAll(keepingCapacity: true)
            swap(&started, &begun)
        }
    }
}
