extension TLSStream {
    /// Encrypts what is pending, sends close_notify and then FIN, and closes when the peer has closed too or `linger`
    /// has passed since; what arrives meanwhile is discarded. Safe from any thread.
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

    /// Starts an orderly end. The outbox takes nothing more.
    func beginClosing(linger: Duration) {
        if phase == .handshaking { handshakeFailed("closed by this side", linger: .zero) }
        guard phase == .open else { return }
        phase = .draining
        held = []
        // So that a peer that leaves is noticed.
        if isPaused { below.resumeReading() }
        continueClosing()
    }

    /// Says goodbye once everything is encrypted.
    func continueClosing() {
        encrypt()
        guard phase == .draining, outgoing.remaining == 0 else { return }
        guard case .closing(let linger) = outbox.withLock({ $0.bytes.isEmpty ? $0.ending : .none }) else {
            return
        }
        phase = .ending
        connection?.sendEnd()
        below.close(linger: linger)
    }

    /// Ends a connection whose protocol was violated. OpenSSL has sent an alert, if there is one for it.
    func abort(_ reason: String) {
        guard phase == .open || phase == .draining else { return }
        abandon(.error("TLS: \(reason)"))
        below.close(linger: Self.alertLinger)
    }

    /// Gives the protocol up: nothing more is encrypted or decrypted. The handler hears of it when the stream below is
    /// closed.
    func abandon(_ reason: CloseReason) {
        phase = .ending
        closeReason = reason
        timer?.cancel()
        timer = nil
        held = []
        endOutbox()
    }

    func endOutbox() {
        outbox.withLock { outbox in
            _ = outbox.end(.closed)
            outbox.discard()
        }
        recycleOutgoing()
    }
}
