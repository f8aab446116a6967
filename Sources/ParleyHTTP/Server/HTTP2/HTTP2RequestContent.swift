import ParleyTransport
import ParleyWire

/// The content of a request that is not complete yet: what keeps the stream's window closed while nobody reads it, and opens
/// it again. The connection's window is charged for the same bytes.
///
/// Sound as `Sendable`: everything that changes is touched on the loop's thread only.
final class HTTP2RequestContent: RequestBodySource, @unchecked Sendable {
    enum Verdict {
        case wait
        case bodyTimeout
        case drainTimeout
    }

    private let stream: Int32
    private let connection: HTTP2Connection
    @exclusivity(unchecked) private(set) var body = RequestBody.empty
    /// True once the content is complete.
    @exclusivity(unchecked) private(set) var isEnded = false
    /// True while the client waits for `100 Continue`.
    @exclusivity(unchecked) private var expectsContinue: Bool
    /// The bytes that came and that the windows are still charged for.
    @exclusivity(unchecked) private var unconsumed = 0
    /// What came for a tunnel before there was one; the stream's window bounds it.
    @exclusivity(unchecked) private var early: [UInt8]?
    /// Once set, content is discarded: how much more of it is let in.
    @exclusivity(unchecked) private var discardLimit: Int?
    @exclusivity(unchecked) private var watch: ContentWatch?
    /// Until when it is discarded.
    @exclusivity(unchecked) private var drainEnd: MonotonicInstant?
    /// How many milliseconds a client has, that sends more than is discarded, to see the response before the stream is reset.
    private static let grace: UInt64 = 500

    /// The content of a request that was refused: only to be discarded.
    init(stream: Int32, connection: HTTP2Connection) {
        self.stream = stream
        self.connection = connection
        expectsContinue = false
    }

    init(_ head: borrowing HTTPRequestHead, stream: Int32, connection: HTTP2Connection) {
        self.stream = stream
        self.connection = connection
        expectsContinue = head.expectsContinue
        // What a tunnel carries is no content of the request.
        if head.isExtendedConnect {
            early = []
            return
        }
        // Whatever nobody has read keeps the window closed, so that the buffer never holds more than the window.
        body = RequestBody(announcedLength: head.contentLength, source: self, watermark: 0)
        if !expectsContinue { watch = ContentWatch(now: now) }
    }

    private var now: MonotonicInstant { connection.loop.now }
}

// MARK: - What comes

extension HTTP2RequestContent {
    /// Content came.
    func receive(_ bytes: Span<UInt8>) {
        unconsumed += bytes.count
        if let limit = discardLimit {
            // Beyond, the window stays closed.
            discardLimit = max(0, limit - bytes.count)
            if limit > 0 { consume() }
            if bytes.count >= limit { hastenEnd() }
            return
        }
        guard early == nil else {
            early?.append(span: bytes)
            return
        }
        if expectsContinue {
            // The client didn't wait.
            expectsContinue = false
            watch = ContentWatch(now: now)
        }
        watch?.received(bytes.count, at: now)
        if body.append(bytes) { watch?.pause(at: now) } else { consume() }
    }

    /// The client waits for a window that stays closed: it is told so soon.
    private func hastenEnd() {
        guard let drainEnd else { return }
        let end = min(drainEnd, now.adding(Self.grace))
        guard end < drainEnd else { return }
        self.drainEnd = end
        connection.arm(end)
    }

    func end(trailers: HTTPHeaderBlock?) {
        isEnded = true
        watch = nil
        drainEnd = nil
        body.finish(trailers: trailers)
    }

    /// What came early for a tunnel, which is the tunnel's to consume from now on.
    func takeEarly() -> [UInt8] {
        defer { early = [] }
        unconsumed = 0
        return early ?? []
    }

    /// Opens the windows for everything that came.
    private func consume() {
        connection.consume(unconsumed, of: stream)
        unconsumed = 0
    }
}

// MARK: - What is wanted

extension HTTP2RequestContent {
    /// The consumer of the content waits for it. On any thread.
    func bodyIsWanted() {
        if connection.loop.isCurrent {
            serve()
        } else {
            connection.loop.execute { [self] in serve() }
        }
    }

    private func serve() {
        guard !isEnded else { return consume() }
        if expectsContinue {
            expectsContinue = false
            connection.sendContinue(on: stream)
            watch = ContentWatch(now: now)
        }
        watch?.resume(at: now)
        consume()
        if let deadline = deadline(connection.server.timeouts) { connection.arm(deadline) }
    }

    /// The response is complete: so much of what is left of the content is read and discarded, for a while.
    func discard(limit: Int) {
        watch = nil
        body.finish(throwing: RequestBodyError.abandoned)
        expectsContinue = false
        discardLimit = limit
        drainEnd = now.adding(connection.server.timeouts.drain)
        consume()
    }

    /// Ends the content: it will never be complete.
    func fail(_ error: any Error) {
        watch = nil
        drainEnd = nil
        expectsContinue = false
        consume()
        body.finish(throwing: error)
    }

    func deadline(_ timeouts: ServerTimeouts) -> MonotonicInstant? {
        earliest(watch?.deadline(timeouts), drainEnd)
    }

    func check(at now: MonotonicInstant, _ timeouts: ServerTimeouts) -> Verdict {
        if let drainEnd, drainEnd <= now { return .drainTimeout }
        if let deadline = watch?.deadline(timeouts), deadline <= now { return .bodyTimeout }
        return .wait
    }
}
