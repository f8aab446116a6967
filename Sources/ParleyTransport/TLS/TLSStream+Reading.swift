extension TLSStream {
    /// Stops reading, also below: the peer's window closes while nobody reads. Loop only.
    public func pauseReading() {
        isPaused = true
        guard phase == .open else { return }
        below.pauseReading()
    }

    /// Starts reading again, with what arrived before: that comes at the end of the turn, never from within this call.
    /// Loop only.
    public func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        guard phase == .open else { return }
        mustReadOn = true
        if outbox.withLock({ $0.queue() }) { loop.enqueueFlush(self, onLoop: true) }
    }

    /// Goes on after a pause.
    func readOn() {
        mustReadOn = false
        guard phase == .open, !isPaused, !isEnding else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &held)
        bytes.withUnsafeBytes { decrypt($0) }
        guard phase == .open, !isPaused, !isEnding else { return }
        if hasEndedBelow { return endedBelow() }
        below.resumeReading()
    }

    /// Decrypts bytes and hands them to the handler, until it pauses: what is left then is held.
    func decrypt(_ bytes: UnsafeRawBufferPointer) {
        guard let connection, !hasEnded else { return }
        let scratch = loop.scratch.take()
        defer { loop.scratch.put(scratch) }
        connection.input = bytes
        while phase == .open, !isPaused, !isEnding {
            guard decryptSome(connection, into: scratch) else { break }
        }
        if phase == .open, !isEnding, connection.input.count > 0 { held += connection.input }
        connection.input = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Fills the scratch memory with as many records as there are, so that they reach the handler in one call. False
    /// when there is nothing more to decrypt.
    private func decryptSome(_ connection: SSLConnection, into scratch: UnsafeMutableRawBufferPointer) -> Bool
    {
        var filled = 0
        repeat {
            let outcome = connection.read(into: UnsafeMutableRawBufferPointer(rebasing: scratch[filled...]))
            guard case .bytes(let count) = outcome else {
                deliver(scratch, filled)
                return conclude(outcome)
            }
            filled += count
        } while filled < scratch.count && connection.hasMore
        deliver(scratch, filled)
        return connection.hasMore
    }

    private func deliver(_ scratch: UnsafeMutableRawBufferPointer, _ count: Int) {
        guard count > 0, let base = scratch.baseAddress, let handler else { return }
        var bytes = MutableSpan<UInt8>(
            _unsafeStart: base.assumingMemoryBound(to: UInt8.self), count: count)
        handler.received(&bytes, from: self)
    }

    /// Sees to the outcome of a read that yielded nothing; always false, as there is nothing more.
    private func conclude(_ outcome: SSLConnection.Read) -> Bool {
        switch outcome {
        case .bytes, .needsInput: break
        case .failed(let failure): abort(failure.reason)
        case .ended:
            // A handler that has just paused learns of it when it resumes: OpenSSL says so again then.
            guard phase == .open, !isPaused, !isEnding else { break }
            hasEnded = true
            handler?.receivedEnd(from: self)
        }
        return false
    }
}

// MARK: - Events of the stream below

extension TLSStream: ByteStreamHandler {
    /// Takes ciphertext from the stream below.
    public func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
        bytes.withUnsafeMutableBytes { received(UnsafeRawBufferPointer($0)) }
    }

    private func received(_ bytes: UnsafeRawBufferPointer) {
        switch phase {
        case .handshaking:
            connection?.input = bytes
            continueHandshake()
            let rest = connection?.input ?? UnsafeRawBufferPointer(start: nil, count: 0)
            connection?.input = UnsafeRawBufferPointer(start: nil, count: 0)
            if phase == .open { received(rest) }
        case .open:
            guard !isEnding else { return }
            // More may have come in one go than the pause could stop.
            if isPaused || !held.isEmpty { held += bytes } else { decrypt(bytes) }
        case .draining, .ending, .closed: break
        }
    }

    /// The stream below has ended: in order after close_notify, and cut off without it.
    public func receivedEnd(from stream: any ByteStream) {
        hasEndedBelow = true
        switch phase {
        case .handshaking: handshakeFailed("the peer left", linger: .zero)
        case .open: if !isPaused, held.isEmpty, !isEnding { endedBelow() }
        case .draining, .ending, .closed: break
        }
    }

    /// An attacker can forge a FIN, but not close_notify (RFC 8446, section 6.1): what was received may be less than
    /// what was sent, and must not look complete.
    func endedBelow() {
        guard !hasEnded else { return }
        abandon(.error("TLS: the peer's stream was cut off: it ended without close_notify"))
        below.close(linger: .zero)
    }

    /// Goes on to encrypt.
    public func becameWritable(_ stream: any ByteStream) {
        if phase == .draining { continueClosing() } else { encrypt() }
    }

    /// Passes the request on to the handler; a handshake is broken off.
    public func shutDown(_ stream: any ByteStream, spread: Duration) {
        if phase == .handshaking {
            handshakeFailed("the server shuts down", linger: .zero)
        } else {
            handler?.shutDown(self, spread: spread)
        }
    }

    /// The stream below is gone, and this one with it.
    public func closed(_ stream: any ByteStream, reason: CloseReason) {
        phase = .closed
        timer?.cancel()
        timer = nil
        makeHandler = nil
        connection = nil
        held = []
        endOutbox()
        // The handler usually holds the stream.
        let last = handler
        handler = nil
        last?.closed(self, reason: closeReason ?? reason)
    }
}
