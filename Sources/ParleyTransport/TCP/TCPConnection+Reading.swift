import CUV

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension TCPConnection {
    /// Stops reading: the peer's window closes while nobody reads. Loop only.
    public func pauseReading() {
        isPaused = true
        guard phase == .open else { return }
        stopReading()
    }

    /// Starts reading again. Loop only.
    public func resumeReading() {
        isPaused = false
        guard phase == .open else { return }
        startReading()
    }

    func startReading() {
        guard !isReading, !hasEnded else { return }
        isReading = true
        watchLater()
    }

    func stopReading() {
        guard isReading else { return }
        isReading = false
        watchLater()
    }

    /// Reads once: whoever has more than the buffer takes is read again in the next turn, behind the others.
    func readSome() {
        let buffer = loop.handles.readBuffer
        let count = parley_receive(descriptor, buffer, LoopHandles.readBufferSize)
        guard count > 0 else { return count == 0 ? didReadEnd() : didFailToRead(errno) }
        guard phase == .open, !isEnding, let handler else { return }
        // The loop's one buffer belongs to this call.
        var bytes = MutableSpan<UInt8>(_unsafeStart: buffer, count: count)
        handler.received(&bytes, from: self)
    }

    private func didReadEnd() {
        hasEnded = true
        stopReading()
        switch phase {
        case .open: if !isEnding { handler?.receivedEnd(from: self) }
        case .lingering: closeHandle(.closed)
        case .opening, .draining, .closed: break
        }
    }

    private func didFailToRead(_ code: Int32) {
        guard code != EAGAIN, code != EWOULDBLOCK, code != EINTR else { return }
        // A peer that resets after everything was written to it and FIN was sent is as good as closed.
        closeHandle(phase == .lingering ? .closed : Self.reason(code))
    }

    /// What a failed read or write says about the connection's end.
    static func reason(_ code: Int32) -> CloseReason {
        switch code {
        case ECONNRESET, EPIPE, ECONNABORTED: .peer
        default: .error(SystemError.text(errno: code))
        }
    }
}
