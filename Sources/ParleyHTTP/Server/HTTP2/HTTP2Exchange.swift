import ParleyTransport
import ParleyWire

/// A stream of HTTP/2 (RFC 9113 5): a request and its response, or the tunnel that it became (RFC 8441).
///
/// Sound as `Sendable`: everything that changes is touched on the loop's thread only.
final class HTTP2Exchange: RequestBodySource, @unchecked Sendable {
    enum Phase {
        /// The response is awaited.
        case waiting
        /// The response's head was sent, and its body is being written.
        case streaming
        /// The response is complete, but for what waits to be sent of it.
        case responded
        case tunnel(HTTP2Tunnel)
        /// The stream is gone.
        case closed
    }

    let id: Int32
    let connection: HTTP2Connection
    let isHead: Bool
    /// The protocol that the client would switch to.
    let upgrade: String?
    /// The request, until it is handed to its endpoint.
    @exclusivity(unchecked) var request: Request?
    @exclusivity(unchecked) private(set) var content = RequestBody.empty
    @exclusivity(unchecked) var phase = Phase.waiting
    /// True once the request's content is complete.
    @exclusivity(unchecked) private(set) var isRequestEnded: Bool
    /// True while the client waits for `100 Continue`.
    @exclusivity(unchecked) private var expectsContinue: Bool
    /// The content that came and that the windows are still charged for.
    @exclusivity(unchecked) private var unconsumed = 0
    /// What came for a tunnel before there was one; the stream's window bounds it.
    @exclusivity(unchecked) private var early: [UInt8] = []
    /// Once set, content is discarded: how much more of it is put up with.
    @exclusivity(unchecked) private var discardLimit: Int?
    @exclusivity(unchecked) private var contentWatch: ContentWatch?
    @exclusivity(unchecked) private var drainStart: MonotonicInstant?

    /// Cancelled when the stream is gone.
    @exclusivity(unchecked) var task: Task<Void, Never>?
    @exclusivity(unchecked) var output = HTTP2SendQueue()
    @exclusivity(unchecked) var body: StreamedBody?
    @exclusivity(unchecked) var stall = HTTP2StallWatch()

    init(id: Int32, head: consuming HTTPRequestHead, isEnded: Bool, connection: HTTP2Connection) {
        self.id = id
        self.connection = connection
        isHead = head.method == .head
        isRequestEnded = isEnded
        expectsContinue = head.expectsContinue
        upgrade = head.isExtendedConnect ? head.upgradeProtocol : nil
        let length = head.contentLength
        let context = RequestContext(head: head, loop: connection.server.loop, connection: connection.info)
        // What a tunnel carries is no content of the request.
        if !isEnded, upgrade == nil {
            // Whatever nobody has read keeps the window closed, so that the buffer never holds more than the window.
            content = RequestBody(announcedLength: length, source: self, watermark: 0)
        }
        request = Request(context: context, body: content)
        if !isEnded, upgrade == nil, !expectsContinue {
            contentWatch = ContentWatch(now: connection.server.loop.now)
        }
    }

    private var loop: EventLoop { connection.server.loop }

    var tunnel: HTTP2Tunnel? {
        if case .tunnel(let tunnel) = phase { tunnel } else { nil }
    }

    /// True while the response is awaited.
    var isAwaited: Bool {
        if case .waiting = phase { true } else { false }
    }

    var isClosed: Bool {
        if case .closed = phase { true } else { false }
    }
}

// MARK: - The request's content

extension HTTP2Exchange {
    /// Content came. False when more was discarded than is worth it.
    func receive(_ bytes: inout MutableSpan<UInt8>) -> Bool {
        unconsumed += bytes.count
        if let tunnel {
            tunnel.receive(&bytes)
            return true
        }
        if let limit = discardLimit {
            discardLimit = limit - bytes.count
            consume()
            return bytes.count <= limit
        }
        guard upgrade == nil else {
            // The tunnel isn't there yet; the window bounds what is held for it.
            early.append(span: bytes.span)
            return true
        }
        if expectsContinue {
            // The client didn't wait.
            expectsContinue = false
            contentWatch = ContentWatch(now: loop.now)
        }
        contentWatch?.received(bytes.count, at: loop.now)
        if content.append(bytes.span) {
            contentWatch?.pause(at: loop.now)
        } else {
            consume()
        }
        return true
    }

    func endRequest(trailers: HTTPHeaderBlock?) {
        isRequestEnded = true
        contentWatch = nil
        drainStart = nil
        content.finish(trailers: trailers)
        tunnel?.receiveEnd()
    }

    /// Gives what came early to the tunnel that is there now.
    func startTunnel(_ tunnel: HTTP2Tunnel) {
        guard !early.isEmpty || isRequestEnded else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &early)
        if !bytes.isEmpty {
            var span = bytes.mutableSpan
            tunnel.receive(&span)
        }
        if isRequestEnded { tunnel.receiveEnd() }
    }

    /// Opens the windows for everything that came.
    func consume() { consume(unconsumed) }

    func consume(_ count: Int) {
        let count = min(count, unconsumed)
        unconsumed -= count
        connection.consume(count, of: id)
    }

    /// The consumer of the content waits for it. On any thread.
    func bodyIsWanted() {
        if loop.isCurrent {
            serveContent()
        } else {
            loop.execute { [self] in serveContent() }
        }
    }

    private func serveContent() {
        guard !isClosed else { return }
        if expectsContinue, isAwaited {
            expectsContinue = false
            connection.sendContinue(on: self)
            contentWatch = ContentWatch(now: loop.now)
        }
        contentWatch?.resume(at: loop.now)
        consume()
        connection.watch(self)
    }

    /// The response is complete: what is left of the content is discarded. False when that is not worth it.
    func discardContent(limit: Int) -> Bool {
        contentWatch = nil
        content.finish(throwing: RequestBodyError.abandoned)
        // A client that waits for `100 Continue` may never send anything.
        guard !expectsContinue, content.announcedLength.map({ $0 <= UInt64(limit) }) ?? true else { return false }
        discardLimit = limit
        drainStart = loop.now
        consume()
        connection.watch(self)
        return true
    }
}

// MARK: - Time, and the end

extension HTTP2Exchange {
    enum Verdict {
        case wait
        case bodyTimeout
        case drainTimeout
        case stalled
    }

    func deadline(_ timeouts: ServerTimeouts) -> MonotonicInstant? {
        var earliest = contentWatch?.deadline(timeouts)
        for other in [drainStart?.adding(timeouts.drain), stall.deadline(timeouts.streamStall)] {
            guard let other else { continue }
            earliest = earliest.map { min($0, other) } ?? other
        }
        return earliest
    }

    func check(at now: MonotonicInstant, _ timeouts: ServerTimeouts) -> Verdict {
        if stall.isStalled(at: now, taken: output.takenBytes, timeout: timeouts.streamStall) { return .stalled }
        if let drainStart, drainStart.adding(timeouts.drain) <= now { return .drainTimeout }
        if let deadline = contentWatch?.deadline(timeouts), deadline <= now { return .bodyTimeout }
        return .wait
    }

    /// The stream is gone: whoever waits for something of it hears so.
    func close(_ reason: CloseReason) {
        let tunnel = tunnel
        phase = .closed
        request = nil
        contentWatch = nil
        drainStart = nil
        stall.stop()
        consume()
        if !isRequestEnded { content.finish(throwing: RequestBodyError.connectionClosed) }
        body?.takeWaiter()?.resume(throwing: ResponseWriterError.connectionClosed)
        body = nil
        output = HTTP2SendQueue()
        task?.cancel()
        task = nil
        tunnel?.didClose(reason)
    }
}
