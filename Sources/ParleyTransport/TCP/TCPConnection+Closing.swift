import CUV

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension TCPConnection {
    /// Writes what is pending, sends FIN, and closes when the peer has closed too or `linger` has passed since;
    /// what arrives meanwhile is discarded. Safe from any thread.
    public func close(linger: Duration) {
        requestEnd(.closing(linger: max(linger, .zero)))
    }

    /// Closes at once with a reset (RST), and discards what is pending. Safe from any thread.
    public func reset() {
        requestEnd(.reset)
    }

    private func requestEnd(_ ending: Outbox.Ending) {
        let onLoop = loop.isCurrent
        if onLoop { isEnding = true }
        let mustQueue = outbox.withLock { $0.end(ending) && $0.queue() }
        if mustQueue { loop.enqueueFlush(self, onLoop: onLoop) }
    }

    /// Starts an orderly end. The outbox takes nothing more, so that it is empty when no write is under way.
    func beginClosing(linger: Duration) {
        guard phase == .open || phase == .opening else { return }
        phase = .draining
        startReading()
        if !isBlocked, phase == .draining { finishDraining() }
    }

    /// Everything is written: sends FIN, and waits for the peer's.
    func finishDraining() {
        guard case .closing(let linger) = outbox.withLock({ $0.ending }) else { return }
        if hasEnded || linger == .zero { return closeHandle(.closed) }
        guard shutdown(descriptor, Int32(SHUT_WR)) == 0 else { return closeHandle(.peer) }
        phase = .lingering
        timer?.cancel()
        timer = loop.schedule(after: linger) { [weak self] in self?.closeHandle(.closed) }
    }

    /// Closes with RST, so that the peer learns that it did not get everything.
    func abort(_ reason: CloseReason) {
        guard phase != .closed else { return }
        var atOnce = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout.size(ofValue: atOnce)))
        closeHandle(reason)
    }

    /// Closes the socket at once. The handler hears of it later.
    func closeHandle(_ reason: CloseReason) {
        guard phase != .closed else { return }
        phase = .closed
        closeReason = reason
        isReading = false
        isBlocked = false
        timer?.cancel()
        timer = nil
        drained = nil
        connecting = nil
        outbox.withLock { outbox in
            _ = outbox.end(.closed)
            outbox.discard()
        }
        recycleOutgoing()
        if let handle = handle.take() { loop.endWatch(handle, of: descriptor) }
        systemClose(descriptor)
        descriptor = -1
        loop.execute { [self] in didClose() }
        itself = nil
    }

    private func didClose() {
        origin.leave()
        loop.resourceClosed()
        guard let handler else { return }
        // The handler usually holds the connection.
        self.handler = nil
        handler.closed(self, reason: closeReason)
    }

    func loopIsStopping() {
        abort(.reset)
    }
}

/// `close`, where a method of that name hides it.
func systemClose(_ descriptor: Int32) {
    _ = close(descriptor)
}
