import Logging
import ParleyTransport
import ParleyWire

/// Serves HTTP/2 (RFC 9113) on a stream: many exchanges at a time, each on a stream of its own.
///
/// Sound as `Sendable`: everything that changes is touched on the loop's thread only.
final class HTTP2Connection: ByteStreamHandler, TurnFlushed, @unchecked Sendable {
    /// The bytes of frames that are made before they are given to the stream below.
    private static let flushSize = 64 * 1024

    let server: HTTPServerLoop
    let loop: EventLoop
    let info: ConnectionInfo
    let session: HTTP2Session
    private let stream: any ByteStream
    private let limits: HTTP2Limits
    @exclusivity(unchecked) var exchanges = HTTP2StreamTable<HTTP2Exchange>()
    /// Requests whose content is still coming, to be handed to their endpoints at the end of what was read.
    @exclusivity(unchecked) private var begun: [(exchange: HTTP2Exchange, request: Request)] = []
    /// Handlers that have not ended, also those of streams that are gone.
    @exclusivity(unchecked) private var runningHandlers = 0
    @exclusivity(unchecked) private var isFlushQueued = false
    @exclusivity(unchecked) private var isReading = true
    @exclusivity(unchecked) private var isOver = false
    @exclusivity(unchecked) private var isGoingAway = false
    @exclusivity(unchecked) private var timer = DeadlineTimer()
    @exclusivity(unchecked) private var watch: HTTP2Watch
    @exclusivity(unchecked) private var stall = HTTP2StallWatch()
    @exclusivity(unchecked) private var takenBytes = 0

    init(stream: any ByteStream, server: HTTPServerLoop) throws(HTTP2Violation) {
        self.stream = stream
        self.server = server
        loop = server.loop
        info = ConnectionInfo(stream)
        limits = server.configuration.http2 ?? HTTP2Limits()
        session = try HTTP2Session(limits: server.configuration.limits, http2Limits: limits)
        watch = HTTP2Watch(now: loop.now)
    }

    /// Sends the server's preface, and starts to watch.
    func open() {
        session.handler = self
        scheduleFlush()
        armTimer()
    }
}

// MARK: - The stream's events

extension HTTP2Connection {
    func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
        guard !isOver else { return }
        do throws(HTTP2Violation) {
            try session.receive(&bytes, now: loop.now.milliseconds)
        } catch {
            return terminate(error)
        }
        handleBegun()
        if session.isEstablished { watch.established(at: loop.now) }
        watch.headers(areOpen: session.isMidHeaders, at: loop.now)
        armTimer()
        scheduleFlush()
    }

    /// A client that ends its side doesn't wait for anything.
    func receivedEnd(from stream: any ByteStream) { close() }

    func becameWritable(_ stream: any ByteStream) { scheduleFlush() }

    func closed(_ stream: any ByteStream, reason: CloseReason) { abandon() }

    /// Tells the peer that the connection will end; a round trip later nothing new is accepted (RFC 9113 6.8).
    func shutDown(_ stream: any ByteStream, spread: Duration) {
        guard !isOver, !isGoingAway else { return }
        isGoingAway = true
        session.announceShutdown()
        session.ping()
        watch.noticed(at: loop.now)
        armTimer()
        for exchange in exchanges.streams {
            if let tunnel = exchange.tunnel { tunnel.handler?.shutDown(tunnel, spread: spread) }
        }
        scheduleFlush()
    }
}

// MARK: - Output

extension HTTP2Connection {
    /// Has what is to be sent written at the end of the turn.
    func scheduleFlush() {
        guard !isFlushQueued, !isOver else { return }
        isFlushQueued = true
        loop.enqueueFlush(self, onLoop: true)
    }

    /// Takes frames from the session for as long as the stream below has room: what waits there can't be given
    /// precedence to, and makes nghttp2 blind to a peer that doesn't read.
    func flush() {
        isFlushQueued = false
        guard !isOver else { return }
        do throws(HTTP2Violation) {
            while stream.isWritable, try sendSome() {}
        } catch {
            return terminate(error)
        }
        if session.isFinished { return close() }
        updateReading()
    }

    /// True when there may be more.
    private func sendSome() throws(HTTP2Violation) -> Bool {
        defer { server.scratch.removeAll(keepingCapacity: true) }
        try session.send(into: &server.scratch, limit: Self.flushSize, now: loop.now.milliseconds)
        guard !server.scratch.isEmpty else { return false }
        server.scratch.withUnsafeBufferPointer { stream.send($0.span) }
        return server.scratch.count >= Self.flushSize
    }

    /// Doesn't read from a peer that doesn't read its responses.
    private func updateReading() {
        let shouldRead = stream.isWritable
        guard shouldRead != isReading else { return }
        isReading = shouldRead
        if shouldRead { stream.resumeReading() } else { stream.pauseReading() }
    }

    /// There is content on a stream that may have had none.
    func outputIsThere(on exchange: HTTP2Exchange) {
        guard !exchange.isClosed else { return }
        if !exchange.output.isEmpty {
            let now = loop.now
            exchange.stall.start(at: now, taken: exchange.output.takenBytes)
            stall.start(at: now, taken: takenBytes)
            // Whatever else the exchange owes is watched already.
            arm(now.adding(min(server.timeouts.streamStall, server.timeouts.connectionStall)))
        }
        session.resume(exchange.id)
        scheduleFlush()
    }

    func consume(_ count: Int, of stream: Int32) {
        guard count > 0, !isOver else { return }
        session.consume(count, of: stream)
        scheduleFlush()
    }

    /// Ends a stream at once; its exchange hears of it here, as nobody shall use it any more.
    func reset(_ exchange: HTTP2Exchange, _ code: HTTP2ErrorCode, reason: CloseReason) {
        guard exchanges.remove(exchange.id) != nil else { return }
        session.reset(exchange.id, code)
        exchange.close(reason)
        if exchanges.isEmpty { becameIdle() }
        scheduleFlush()
    }
}

// MARK: - The session's events

extension HTTP2Connection: HTTP2SessionHandler {
    func received(request head: consuming HTTPRequestHead, on stream: Int32, isEnded: Bool) {
        guard runningHandlers < Int(limits.concurrentStreams) else { return session.reset(stream, .refusedStream) }
        let content = isEnded ? nil : HTTP2RequestContent(head, stream: stream, connection: self)
        let upgrade = head.isExtendedConnect ? head.upgradeProtocol : nil
        let exchange = HTTP2Exchange(id: stream, isHead: head.method == .head, upgrade: upgrade, content: content)
        begin(exchange)
        let request = Request(
            context: RequestContext(head: consume head, loop: loop, connection: info),
            body: content?.body ?? .empty)
        if isEnded || upgrade != nil {
            handle(request, on: exchange)
        } else {
            begun.append((exchange, request))
        }
    }

    func received(refused refusal: HTTP2Refusal, on stream: Int32) {
        let exchange = HTTP2Exchange(id: stream, isHead: false)
        begin(exchange)
        send(HTTPError(.init(code: refusal.status), refusal.rule).response, on: exchange)
    }

    private func begin(_ exchange: HTTP2Exchange) {
        exchanges.append(exchange, id: exchange.id)
        watch.busy()
    }

    func received(content bytes: inout MutableSpan<UInt8>, on stream: Int32) {
        guard let exchange = exchanges[stream] else { return session.consume(bytes.count, of: stream) }
        if let tunnel = exchange.tunnel { return tunnel.receive(&bytes) }
        guard let content = exchange.content else { return session.consume(bytes.count, of: stream) }
        if !content.receive(bytes.span) { reset(exchange, .noError, reason: .closed) }
    }

    func receivedEnd(trailers: HTTPHeaderBlock?, on stream: Int32) {
        guard let exchange = exchanges[stream] else { return }
        exchange.content?.end(trailers: trailers)
        exchange.tunnel?.receiveEnd()
    }

    func receivedPong() {
        guard isGoingAway else { return }
        watch.noticeEnded()
        session.goAway()
    }

    func closed(stream: Int32, code: HTTP2ErrorCode) {
        guard let exchange = exchanges.remove(stream) else { return }
        exchange.close(code == .noError ? .closed : .peer)
        if exchanges.isEmpty { becameIdle() }
    }

    private func becameIdle() {
        watch.idle(at: loop.now)
        armTimer()
    }

    func content(of stream: Int32, into buffer: UnsafeMutableBufferPointer<UInt8>) -> HTTP2Content {
        guard let exchange = exchanges[stream] else { return .last(0) }
        let count = exchange.output.take(into: buffer)
        takenBytes &+= count
        exchange.tunnel?.refill(exchange)
        guard exchange.output.isEmpty else { return .bytes(count) }
        exchange.stall.stop()
        stall.stop()
        guard exchange.output.isEnded else {
            exchange.body?.takeWaiter()?.resume()
            return count > 0 ? .bytes(count) : .none
        }
        return didEndOutput(of: exchange, count)
    }

    private func didEndOutput(of exchange: HTTP2Exchange, _ count: Int) -> HTTP2Content {
        if let tunnel = exchange.tunnel {
            tunnel.didEndOutput()
            return .last(count)
        }
        defer { endRequest(of: exchange) }
        guard let trailers = exchange.body?.trailers, !trailers.isEmpty else { return .last(count) }
        server.fields.removeAll()
        // Valid, as they were looked at when they were set.
        try? server.fields.append(trailers)
        session.sendTrailers(server.fields, on: exchange.id)
        return .lastBeforeTrailers(count)
    }
}

// MARK: - Requests

extension HTTP2Connection {
    /// Hands requests over whose content is still coming. What came with the head is there by now.
    private func handleBegun() {
        guard !begun.isEmpty else { return }
        var requests: [(exchange: HTTP2Exchange, request: Request)] = []
        swap(&requests, &begun)
        for (exchange, request) in requests {
            handle(request, on: exchange)
            watch(exchange)
        }
    }

    private func handle(_ request: consuming Request, on exchange: HTTP2Exchange) {
        guard !exchange.isClosed else { return }
        let endpoint = server.responder.endpoint(for: &request)
        if let response = server.responder.respondInline(to: request, by: endpoint) {
            send(response, on: exchange)
        } else {
            let asked = request
            adopt(exchange) { [self] in
                let response = await server.responder.respond(to: asked, by: endpoint)
                await server.onLoop { [self] in send(response, on: exchange) }
            }
        }
    }

    /// Starts a task that is cancelled with the exchange, and counts it for as long as it runs.
    func adopt(_ exchange: HTTP2Exchange, _ work: @escaping @Sendable () async -> Void) {
        runningHandlers += 1
        let task = server.startTask { [self] in
            await work()
            await server.onLoop { [self] in runningHandlers -= 1 }
        }
        if !exchange.isClosed { exchange.task = task } else { task.cancel() }
    }
}

// MARK: - Time

extension HTTP2Connection {
    /// Makes sure that an exchange's next deadline is noticed.
    func watch(_ exchange: HTTP2Exchange) {
        if let deadline = exchange.deadline(server.timeouts) { arm(deadline) }
    }

    private func armTimer() {
        if let deadline = watch.deadline(server.timeouts) { arm(deadline) }
    }

    /// Makes sure that a deadline is noticed.
    func arm(_ deadline: MonotonicInstant) {
        guard !isOver, timer.isLate(for: deadline) else { return }
        // Not weak, as in HTTP1Connection: the cycle ends with the connection.
        timer.arm(deadline, on: loop) { [self] in timerFired() }
    }

    private func timerFired() {
        timer.fired()
        let (now, timeouts) = (loop.now, server.timeouts)
        switch watch.check(at: now, timeouts) {
        case .wait: break
        case .idle:
            session.goAway()
            flush()
            return close()
        case .headerTimeout:
            return terminate(.limit("headerTimeout: preface, SETTINGS or headers take too long"))
        case .noticeTimeout: receivedPong()
        }
        if stall.isStalled(at: now, taken: takenBytes, timeout: timeouts.connectionStall) {
            return terminate(.limit("connectionStallTimeout: the peer takes nothing"))
        }
        for exchange in exchanges.streams { check(exchange, at: now) }
        scheduleFlush()
        armTimer()
        if let deadline = stall.deadline(timeouts.connectionStall) { arm(deadline) }
    }

    private func check(_ exchange: HTTP2Exchange, at now: MonotonicInstant) {
        guard !exchange.isStalled(at: now, server.timeouts) else {
            return reset(exchange, .cancel, reason: .slowPeer)
        }
        switch exchange.content?.check(at: now, server.timeouts) ?? .wait {
        case .wait: watch(exchange)
        case .drainTimeout: reset(exchange, .noError, reason: .closed)
        case .bodyTimeout:
            fail(exchange, HTTPError(.requestTimeout, "limit bodyTimeout: the content comes too slowly"))
        }
    }
}

// MARK: - The end

extension HTTP2Connection {
    /// Ends the connection for what the peer did.
    private func terminate(_ violation: HTTP2Violation) {
        guard !isOver else { return }
        server.responder.logger.debug("connection ended", metadata: ["rule": "\(violation.rule)"])
        session.terminate(violation)
        try? session.send(into: &server.scratch, limit: .max, now: loop.now.milliseconds)
        server.scratch.withUnsafeBufferPointer { stream.send($0.span) }
        server.scratch.removeAll(keepingCapacity: true)
        close()
    }

    private func close() {
        abandon()
        stream.close(linger: server.configuration.lingerTimeout)
    }

    /// Gives up whatever is going on.
    private func abandon() {
        guard !isOver else { return }
        isOver = true
        timer.stop()
        session.handler = nil
        begun = []
        for exchange in exchanges.removeAll() { exchange.close(.peer) }
    }
}
