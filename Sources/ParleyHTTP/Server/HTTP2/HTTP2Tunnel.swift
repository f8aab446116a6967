import ParleyTransport

/// A stream of HTTP/2 that another protocol took over (RFC 8441): to that protocol it is what a TCP connection is.
///
/// Sound as `Sendable`: the outbox is behind a lock, constants are constants, and everything else is touched on the loop's
/// thread only.
final class HTTP2Tunnel: ByteStream, TurnFlushed, @unchecked Sendable {
    let loop: EventLoop
    let remoteAddress: SocketAddress?
    let isSecure: Bool
    let tls: TLSSession?
    let proxiedClient: ProxiedClient?
    private let limits: StreamLimits
    private let outbox = Lock(Outbox())
    @exclusivity(unchecked) var handler: (any ByteStreamHandler)?
    private let id: Int32
    private let connection: HTTP2Connection
    /// Nil once the stream is gone.
    @exclusivity(unchecked) private var exchange: HTTP2Exchange?
    @exclusivity(unchecked) private var isPaused = false
    @exclusivity(unchecked) private var isEnding = false
    /// What came while reading was paused; the stream's window bounds it.
    @exclusivity(unchecked) private var held: [UInt8] = []
    @exclusivity(unchecked) private var hasEnded = false
    @exclusivity(unchecked) private var toldEnd = false
    @exclusivity(unchecked) private var lingerTimer: LoopTimer?

    init(exchange: HTTP2Exchange, connection: HTTP2Connection) {
        self.exchange = exchange
        id = exchange.id
        self.connection = connection
        loop = connection.loop
        limits = connection.tunnelLimits
        remoteAddress = connection.info.remoteAddress
        isSecure = connection.info.isSecure
        tls = connection.info.tls
        proxiedClient = connection.info.proxiedClient
    }
}

// MARK: - Receiving

extension HTTP2Tunnel {
    /// Begins with what came before there was a tunnel.
    func start(with content: HTTP2RequestContent?) {
        var early = content?.takeEarly() ?? []
        if !early.isEmpty {
            var span = early.mutableSpan
            receive(&span)
        }
        if content?.isEnded ?? true { receiveEnd() }
    }

    /// Passes on what came, which opens the windows again; unless nobody reads.
    func receive(_ bytes: inout MutableSpan<UInt8>) {
        guard !isPaused, held.isEmpty else { return held.append(span: bytes.span) }
        if !isEnding { handler?.received(&bytes, from: self) }
        consume(bytes.count)
    }

    private func consume(_ count: Int) {
        connection.consume(count, of: id)
    }

    func receiveEnd() {
        hasEnded = true
        deliverEnd()
    }

    private func deliverEnd() {
        guard hasEnded, held.isEmpty, !toldEnd, !isPaused else { return }
        toldEnd = true
        if !isEnding { handler?.receivedEnd(from: self) }
    }

    func pauseReading() { isPaused = true }

    func resumeReading() {
        isPaused = false
        guard !held.isEmpty || hasEnded else { return }
        // Not from within the handler's own call.
        loop.execute { [self] in deliverHeld() }
    }

    private func deliverHeld() {
        guard !isPaused, exchange != nil else { return }
        if !held.isEmpty {
            var bytes: [UInt8] = []
            swap(&bytes, &held)
            if !isEnding {
                var span = bytes.mutableSpan
                handler?.received(&span, from: self)
            }
            consume(bytes.count)
        }
        deliverEnd()
    }
}

// MARK: - Sending, on any thread

extension HTTP2Tunnel {
    var pendingBytes: Int { outbox.withLock { $0.pending } }

    var isWritable: Bool { outbox.withLock { $0.ending == .none && !$0.isAboveHigh } }

    func send(_ bytes: Span<UInt8>) {
        bytes.withUnsafeBufferPointer { bytes in
            guard !bytes.isEmpty else { return }
            push { $0.send(bytes, limits: limits) { [] } }
        }
    }

    func send(shared bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        push { $0.send(shared: bytes, limits: limits) { [] } }
    }

    private func push(_ send: (inout Outbox) -> Bool) {
        if outbox.withLock({ send(&$0) }) { loop.enqueueFlush(self, onLoop: loop.isCurrent) }
    }

    func awaitWritable() { push { $0.awaitLow() } }

    func close(linger: Duration) { requestEnd(.closing(linger: max(linger, .zero))) }

    func reset() { requestEnd(.reset) }

    private func requestEnd(_ ending: Outbox.Ending) {
        let onLoop = loop.isCurrent
        if onLoop { isEnding = true }
        let mustQueue = outbox.withLock { $0.end(ending) && $0.queue() }
        if mustQueue { loop.enqueueFlush(self, onLoop: onLoop) }
    }
}

// MARK: - On the loop

extension HTTP2Tunnel {
    /// Gives what was sent during the turn to the stream.
    func flush() {
        guard let exchange else { return }
        // What is left there from the turn before, the peer's window did not let through.
        let isPeerBehind = !exchange.output.isEmpty
        let (bytes, ending) = outbox.withLock { outbox in
            outbox.isQueued = false
            outbox.isPeerBehind = isPeerBehind
            return (outbox.take().bytes, outbox.ending)
        }
        if ending != .none { isEnding = true }
        switch ending {
        case .reset: return connection.reset(exchange, .cancel, reason: .reset)
        case .slowPeer: return connection.reset(exchange, .enhanceYourCalm, reason: .slowPeer)
        case .closing: exchange.output.end()
        case .none, .closed: break
        }
        if isPeerBehind, !bytes.isEmpty, connection.isOutboxFull,
            exchange.output.pending > limits.highWatermark
        {
            return connection.reset(exchange, .enhanceYourCalm, reason: .slowPeer)
        }
        connection.enqueue(bytes, on: exchange)
        noteProgress(exchange)
    }

    /// Tells the outbox how much of what it gave is left, and the handler when it can send again. The connection calls it,
    /// too, when it has taken something.
    func noteProgress(_ exchange: HTTP2Exchange) {
        let canSendAgain = outbox.withLock { outbox in
            outbox.inFlight = exchange.output.pending
            if outbox.inFlight == 0 { outbox.isPeerBehind = false }
            return outbox.passedLow(limits)
        }
        if canSendAgain, !isEnding { handler?.becameWritable(self) }
    }

    /// Everything was taken, and the end of this side with it: the peer has so long to end its own.
    func didEndOutput() {
        guard case .closing(let linger) = outbox.withLock({ $0.ending }), lingerTimer == nil else { return }
        lingerTimer = loop.schedule(after: linger) { [weak self] in
            guard let self, let exchange = self.exchange else { return }
            connection.reset(exchange, .noError, reason: .closed)
        }
    }

    func didClose(_ reason: CloseReason) {
        exchange = nil
        lingerTimer?.cancel()
        connection.consume(held.count, of: id)
        held = []
        outbox.withLock { outbox in
            _ = outbox.end(.closed)
            outbox.discard()
        }
        guard let handler else { return }
        // The handler usually holds the stream.
        self.handler = nil
        handler.closed(self, reason: reason)
    }
}
