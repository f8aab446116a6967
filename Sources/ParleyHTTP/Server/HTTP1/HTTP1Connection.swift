import Logging
import ParleyTransport
import ParleyWire

/// Serves HTTP/1.1 (RFC 9112) on a stream: decodes requests, has them answered one after the other, and keeps what is
/// pipelined behind the one that is being answered.
///
/// What may happen when is ``HTTP1ConnectionState``'s to say, what takes too long ``HTTP1Watch``'s; this class does it.
///
/// Sound as `Sendable`: everything that changes is touched on the loop's thread only. What other threads call
/// (`bodyIsWanted`, the end of a handler that left the loop) goes through the loop first.
final class HTTP1Connection: ByteStreamHandler, RequestBodySource, @unchecked Sendable {
    let server: HTTPServerLoop
    let stream: any ByteStream
    private let info: ConnectionInfo
    @exclusivity(unchecked) var state = HTTP1ConnectionState()
    @exclusivity(unchecked) var watch: HTTP1Watch
    @exclusivity(unchecked) var exchange: HTTP1Exchange?
    /// The handler that the stream was handed over to.
    @exclusivity(unchecked) var successor: (any ByteStreamHandler)?
    @exclusivity(unchecked) private var decoder: HTTP1RequestDecoder
    @exclusivity(unchecked) var held = HeldInput()
    @exclusivity(unchecked) private var exchangeCount: UInt64 = 0
    @exclusivity(unchecked) private var isDecoding = false
    @exclusivity(unchecked) private var isReading = true
    /// True while the consumer of the request's content is behind.
    @exclusivity(unchecked) var isContentPaused = false
    /// True while the peer doesn't read its responses: no more requests are answered.
    @exclusivity(unchecked) var isOutboxFull = false
    @exclusivity(unchecked) var timer = DeadlineTimer()

    init(stream: any ByteStream, server: HTTPServerLoop) {
        self.stream = stream
        self.server = server
        info = ConnectionInfo(stream)
        decoder = HTTP1RequestDecoder(limits: server.configuration.limits)
        watch = HTTP1Watch(now: server.loop.now)
    }

    /// Starts to watch a connection that may never send anything.
    func open() { armTimer() }
}

// MARK: - The stream's events

extension HTTP1Connection {
    func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
        guard held.isEmpty, canDecode else {
            if !state.isOver { hold(bytes.span) }
            return
        }
        var offset = 0
        decode(bytes.span, at: &offset)
        if offset < bytes.count, !state.isOver || successor != nil {
            held.append(bytes.span.extracting(offset..<bytes.count))
        }
        if successor != nil { passOnHeld() } else { updateReading() }
    }

    func receivedEnd(from stream: any ByteStream) {
        switch state.receivedEnd() {
        case .ignore: break
        case .close: close()
        case .cancelExchange:
            if !state.hasWholeRequest {
                exchange?.content?.finish(throwing: RequestBodyError.connectionClosed)
            }
            exchange?.maker?.cancel()
        }
    }

    func becameWritable(_ stream: any ByteStream) {
        exchange?.body?.progress.takeWaiter()?.resume()
        if isOutboxFull {
            isOutboxFull = false
            decodeHeld()
        }
    }

    func closed(_ stream: any ByteStream, reason: CloseReason) {
        abandon()
    }

    /// The server shuts down: an idle connection is closed in a moment, another one with its response.
    func shutDown(_ stream: any ByteStream, spread: Duration) {
        if let exchange, exchange.body?.endsAtShutdown == true {
            let number = exchange.number
            server.atRandom(within: spread) { [self] in endStreamAtShutdown(number) }
        }
        guard state.shutDown(isMidRequest: decoder.isMidRequest || !held.isEmpty) else { return }
        watch.leave(at: server.loop.now)
        armTimer()
    }
}

// MARK: - Decoding

extension HTTP1Connection {
    private var canDecode: Bool { state.acceptsInput && !isOutboxFull }

    /// Decodes until the input is used up, or until a response is owed that isn't there yet. Responses that are there
    /// at once are sent from within, and decoding goes on behind them: pipelined requests need no recursion.
    private func decode(_ input: Span<UInt8>, at offset: inout Int) {
        isDecoding = true
        defer { isDecoding = false }
        while canDecode {
            // Consumed, so that a head is moved into its request.
            let event = decoder.next(input, at: &offset)
            switch consume event {
            case .head(let head): begin(head)
            case .body(let range): receiveContent(input.extracting(range))
            case .end(let trailers): endRequest(trailers)
            case .failure(let error): refuse(error)
            case .needMore:
                handleExchange()
                if state.isBetweenRequests, decoder.isMidRequest {
                    watch.receivedPartOfHead(at: server.loop.now)
                    armTimer()
                }
                return
            }
        }
    }

    private func hold(_ bytes: Span<UInt8>) {
        held.append(bytes)
        updateReading()
    }

    /// Goes on with what had to wait.
    func decodeHeld() {
        guard !isDecoding else { return }
        if canDecode, !held.isEmpty {
            var (bytes, offset) = held.take()
            decode(bytes.span, at: &offset)
            if !state.isOver || successor != nil { held.restore(bytes, from: offset) }
            if successor != nil { return passOnHeld() }
        }
        updateReading()
    }

    /// Gives what was held to the handler that the stream was handed over to. While decoding goes on, whoever called
    /// for it does this afterwards.
    func passOnHeld() {
        guard !isDecoding else { return }
        var (bytes, offset) = held.take()
        if offset < bytes.count {
            bytes.removeFirst(offset)
            var span = bytes.mutableSpan
            successor?.received(&span, from: stream)
        }
        isContentPaused = false
        updateReading()
    }

    /// Reads unless something waits for the application.
    func updateReading() {
        let shouldRead = held.isEmpty && !isContentPaused && !isOutboxFull
        guard shouldRead != isReading else { return }
        isReading = shouldRead
        if shouldRead { stream.resumeReading() } else { stream.pauseReading() }
    }
}

// MARK: - The request

extension HTTP1Connection {
    private func begin(_ head: consuming HTTPRequestHead) {
        let hasContent = head.hasContent
        let expectsContinue = head.expectsContinue
        let framing = HTTP1ResponseEncoder.Exchange(
            isHead: head.method == .head, version: head.version, keepAlive: head.keepAlive)
        let content = hasContent ? RequestBody(announcedLength: head.contentLength, source: self) : nil
        exchangeCount &+= 1
        exchange = HTTP1Exchange(
            number: exchangeCount, context: RequestContext(head: head, connection: info), content: content,
            framing: framing, expectsContinue: expectsContinue)
        state.beginExchange()
        guard hasContent, !expectsContinue else { return watch.stop() }
        watch.expectContent(at: server.loop.now)
        armTimer()
    }

    private func receiveContent(_ bytes: Span<UInt8>) {
        if state.isDiscarding {
            if !state.discard(bytes.count, limit: server.configuration.drainLimit) { close() }
            return
        }
        if exchange?.expectsContinue == true {
            // The client didn't wait.
            exchange?.expectsContinue = false
            watch.expectContent(at: server.loop.now)
            armTimer()
        }
        watch.receivedContent(bytes.count, at: server.loop.now)
        if exchange?.content?.append(bytes) == true {
            isContentPaused = true
            watch.pauseContent(at: server.loop.now)
            updateReading()
        }
    }

    private func endRequest(_ trailers: HTTPHeaderBlock?) {
        watch.stop()
        exchange?.content?.finish(trailers: trailers)
        isContentPaused = false
        let next = state.endRequest()
        handleExchange()
        if next != .wait { proceed(next) }
    }

    /// Has the request answered, once. It waits for the end of what was read, so that a body that came with the head is
    /// there as a whole.
    private func handleExchange() {
        guard let exchange, !exchange.isHandled else { return }
        self.exchange?.isHandled = true
        var request = Request(context: exchange.context, body: exchange.content)
        let endpoint = server.responder.endpoint(for: &request)
        switch server.responder.call(endpoint, with: request) {
        case .done(let response): send(response)
        case .work(let work): startTask(work, number: exchange.number)
        case .pending(let pending): wait(for: pending, of: request, number: exchange.number)
        }
    }

    /// A request that can't be understood: what was pipelined before is answered by now, and nothing behind it will be.
    private func refuse(_ error: HTTP1Error) {
        let status = HTTPError(.init(code: error.status), error.rule)
        if state.isBetweenRequests {
            sendAlone(status)
        } else {
            failExchange(status)
        }
    }

    /// Ends an exchange whose request will never be complete.
    func failExchange(_ error: HTTPError) {
        let isUnanswered = state.owesResponse && exchange?.body == nil
        exchange?.content?.finish(throwing: error)
        exchange?.maker?.cancel()
        if isUnanswered {
            sendAlone(error)
        } else {
            // A part of a response can't be taken back; the peer must not take it for the whole.
            abandon()
            stream.reset()
        }
    }

    /// The consumer of the request's content waits for it. On any thread.
    func bodyIsWanted() {
        if server.loop.isCurrent {
            serveContent()
        } else {
            server.loop.execute { [self] in serveContent() }
        }
    }

    private func serveContent() {
        guard state.owesResponse else { return }
        if exchange?.expectsContinue == true {
            exchange?.expectsContinue = false
            sendContinue()
            watch.expectContent(at: server.loop.now)
            armTimer()
        }
        guard isContentPaused else { return }
        isContentPaused = false
        watch.resumeContent(at: server.loop.now)
        armTimer()
        updateReading()
    }
}
