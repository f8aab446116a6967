/// One end of a connection that is nothing but memory: what one end sends, the other one's handler receives, later in the same
/// turn of the loop on which both live. It behaves as a TCP connection does: watermarks, a paused reader that makes the
/// other end's outbox fill, half-closing, and a reset.
///
/// Sound as `Sendable`: the outbox is behind a lock, constants are constants, and everything else is touched on the
/// loop's thread only.
package final class MemoryStream: ByteStream, TurnFlushed, @unchecked Sendable {
    package let loop: EventLoop
    package let remoteAddress: SocketAddress?
    package var isSecure: Bool { false }
    package var handler: (any ByteStreamHandler)?

    private let limits: StreamLimits
    private let outbox = Lock(Outbox())

    // The loop's thread only, from here on.

    /// The other end; nil when this one is closed.
    private var peer: MemoryStream?
    /// What was taken from the outbox and the other end does not take yet.
    private var outgoing: [UInt8] = []
    private var isPaused = false
    /// Told the other end that nothing more comes.
    private var hasSentEnd = false
    private var hasReceivedEnd = false
    private var stall: LoopTimer?

    private init(loop: EventLoop, remoteAddress: SocketAddress?, limits: StreamLimits) {
        self.loop = loop
        self.remoteAddress = remoteAddress
        self.limits = limits
    }

    /// Two ends. Give both handlers, on the loop, before anything is sent.
    ///
    /// - Parameter clientAddress: what the server's end has as its peer's address.
    package static func pair(
        on loop: EventLoop, clientAddress: SocketAddress? = nil, limits: StreamLimits = StreamLimits()
    ) -> (client: MemoryStream, server: MemoryStream) {
        let client = MemoryStream(loop: loop, remoteAddress: nil, limits: limits)
        let server = MemoryStream(loop: loop, remoteAddress: clientAddress, limits: limits)
        client.peer = server
        server.peer = client
        return (client, server)
    }
}

// MARK: - Sending

extension MemoryStream {
    package var pendingBytes: Int { outbox.withLock { $0.pending } }

    package var isWritable: Bool { outbox.withLock { $0.ending == .none && !$0.isAboveHigh } }

    package func send(_ bytes: Span<UInt8>) {
        bytes.withUnsafeBufferPointer { bytes in
            guard !bytes.isEmpty else { return }
            queue { $0.send(bytes, limits: limits) { [] } }
        }
    }

    package func send(shared bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        queue { $0.send(shared: bytes, limits: limits) { [] } }
    }

    package func awaitWritable() { queue { $0.awaitLow() } }

    package func close(linger: Duration) { queue { $0.end(.closing(linger: linger)) && $0.queue() } }

    package func reset() { queue { $0.end(.reset) && $0.queue() } }

    /// Changes the outbox, and puts this end onto the list of what is flushed where that is asked for.
    private func queue(_ change: (inout Outbox) -> Bool) {
        if outbox.withLock({ change(&$0) }) { loop.enqueueFlush(self, onLoop: loop.isCurrent) }
    }

    package func flush() {
        let ending = outbox.withLock { outbox in
            outbox.isQueued = false
            let taken = outbox.take()
            outgoing += taken.bytes
            outbox.inFlight = outgoing.count
            return outbox.ending
        }
        switch ending {
        case .closed: break
        case .reset: finish(.reset, peerReason: .peer)
        case .slowPeer: finish(.slowPeer, peerReason: .peer)
        case .none, .closing: deliver(ending)
        }
    }
}

// MARK: - Receiving

extension MemoryStream {
    package func pauseReading() { isPaused = true }

    package func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        guard let peer else { return }
        // Not inline: a handler that resumes while it receives would be called within its own call.
        peer.queue { $0.queue() }
    }

    /// Hands what is pending to the other end, and the end of the stream behind it.
    private func deliver(_ ending: Outbox.Ending) {
        guard let peer else { return }
        if !outgoing.isEmpty {
            let isEnding = peer.outbox.withLock { $0.ending != .none }
            if isEnding { outgoing = [] } else if !peer.isPaused { pass(to: peer) }
        }
        noteProgress()
        guard outgoing.isEmpty, case .closing(let linger) = ending, !hasSentEnd else { return }
        hasSentEnd = true
        peer.receiveEnd()
        if hasReceivedEnd || linger == .zero {
            finish(.closed, peerReason: .closed)
        } else {
            stall = loop.schedule(after: linger) { [weak self] in
                self?.finish(.closed, peerReason: .peer)
            }
        }
    }

    private func pass(to peer: MemoryStream) {
        var bytes: [UInt8] = []
        swap(&bytes, &outgoing)
        var span = bytes.mutableSpan
        peer.handler?.received(&span, from: peer)
    }

    private func noteProgress() {
        let isWritable = outbox.withLock { outbox in
            outbox.inFlight = outgoing.count
            outbox.isPeerBehind = !outgoing.isEmpty
            return outbox.passedLow(limits)
        }
        if outgoing.isEmpty {
            stall?.cancel()
            stall = nil
        } else if stall == nil {
            stall = loop.schedule(after: limits.stallTimeout) { [weak self] in
                self?.finish(.slowPeer, peerReason: .peer)
            }
        }
        if isWritable { handler?.becameWritable(self) }
    }

    private func receiveEnd() {
        hasReceivedEnd = true
        if hasSentEnd { return finish(.closed, peerReason: .closed) }
        if outbox.withLock({ $0.ending == .none }) { handler?.receivedEnd(from: self) }
    }

    /// Both ends are gone; each handler hears why, this one's first.
    private func finish(_ reason: CloseReason, peerReason: CloseReason) {
        guard let peer else { return }
        self.peer = nil
        peer.peer = nil
        end(reason)
        peer.end(peerReason)
    }

    private func end(_ reason: CloseReason) {
        stall?.cancel()
        stall = nil
        outgoing = []
        outbox.withLock { outbox in
            _ = outbox.end(.closed)
            outbox.discard()
        }
        guard let handler else { return }
        self.handler = nil
        handler.closed(self, reason: reason)
    }
}
