import HTTPTypes
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
    let stream: any ByteStream
    let limits: HTTP2Limits
    @exclusivity(unchecked) var exchanges = HTTP2StreamTable<HTTP2Exchange>()
    /// Requests whose content is still coming, to be handed to their endpoints at the end of what was read.
    @exclusivity(unchecked) var begun: [(exchange: HTTP2Exchange, request: Request)] = []
    /// Handlers that have not ended, also those of streams that are gone.
    @exclusivity(unchecked) var runningHandlers = 0
    @exclusivity(unchecked) var isFlushQueued = false
    @exclusivity(unchecked) var isReading = true
    @exclusivity(unchecked) var isOver = false
    @exclusivity(unchecked) var isGoingAway = false
    @exclusivity(unchecked) private var hasPeerEnded = false
    @exclusivity(unchecked) var timer = DeadlineTimer()
    @exclusivity(unchecked) var watch: HTTP2Watch
    @exclusivity(unchecked) var stall = HTTP2StallWatch()
    @exclusivity(unchecked) var takenBytes = 0
    /// The bytes that wait to be sent on all streams.
    @exclusivity(unchecked) var outputBytes = 0
    /// Requests that wait until less of that does.
    @exclusivity(unchecked) var deferred: [(exchange: HTTP2Exchange, request: Request)] = []

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
            try receiveAll(&bytes)
        } catch {
            return terminate(error)
        }
        if session.isEstablished { watch.established(at: loop.now) }
        watch.headers(areOpen: session.isMidHeaders, at: loop.now)
        armTimer()
        scheduleFlush()
    }

    private func receiveAll(_ bytes: inout MutableSpan<UInt8>) throws(HTTP2Violation) {
        var offset = 0
        while true {
            offset = try session.receive(&bytes, from: offset, now: loop.now.milliseconds)
            handleBegun()
            guard offset < bytes.count, !isOver else { return }
            while stream.isWritable, try sendSome() {}
        }
    }

    /// As over HTTP/1.1: handlers are told to stop, and what they answer nevertheless is sent.
    func receivedEnd(from stream: any ByteStream) {
        guard !exchanges.isEmpty else { return close() }
        hasPeerEnded = true
        for exchange in exchanges.streams {
            if !exchange.isRequestEnded { exchange.content?.fail(RequestBodyError.connectionClosed) }
            exchange.maker?.cancel()
            exchange.tunnel?.receiveEnd()
        }
        scheduleFlush()
    }

    func becameWritable(_ stream: any ByteStream) { scheduleFlush() }

    func closed(_ stream: any ByteStream, reason: CloseReason) { abandon() }

    /// Tells the peer that the connection will end; a round trip later nothing new is accepted (RFC 9113 6.8).
    func shutDown(_ stream: any ByteStream, spread: Duration) {
        guard !isOver, !isGoingAway else { return }
        isGoingAway = true
        session.announceShutdown()
        watch.noticed(at: loop.now)
        armTimer()
        for exchange in exchanges.streams {
            if let tunnel = exchange.tunnel { tunnel.handler?.shutDown(tunnel, spread: spread) }
            if exchange.endsAtShutdown { server.atRandom(within: spread) { exchange.endStreamAtShutdown() } }
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
        handleDeferred()
        do throws(HTTP2Violation) {
            while stream.isWritable, try sendSome() {}
        } catch {
            return terminate(error)
        }
        // One that was malformed is over when its stream's reset is made.
        watch.headers(areOpen: session.isMidHeaders, at: loop.now)
        // The notice of a shutdown is a GOAWAY too, but requests may still come.
        if session.isFinished, !watch.isNoticeOpen { return close() }
        if hasPeerEnded, !session.wantsWrite, !exchanges.streams.contains(where: \.awaitsOutput) {
            // What is left, if anything, waits for a window that the peer can't open any more.
            return close()
        }
        updateReading()
    }

    /// True when there may be more.
    private func sendSome() throws(HTTP2Violation) -> Bool {
        try send(upTo: Self.flushSize) >= Self.flushSize
    }

    /// Has frames made and passes them on; also those that were made before a violation was found, for GOAWAY to follow.
    func send(upTo limit: Int) throws(HTTP2Violation) -> Int {
        // Taken out, as handlers are called meanwhile, which may make the loop send something else.
        var output: [UInt8] = []
        swap(&output, &server.frames)
        defer {
            // What ended a connection may have been much.
            output.removeAll(keepingCapacity: output.capacity <= 4 * Self.flushSize)
            swap(&output, &server.frames)
        }
        let result = Result { () throws(HTTP2Violation) in
            try session.send(into: &output, limit: limit, now: loop.now.milliseconds)
        }
        if !output.isEmpty { output.withUnsafeBufferPointer { stream.send($0.span) } }
        try result.get()
        return output.count
    }

    /// Doesn't read from a peer that doesn't read its responses.
    private func updateReading() {
        let shouldRead = stream.isWritable
        guard shouldRead != isReading else { return }
        isReading = shouldRead
        if shouldRead { stream.resumeReading() } else { stream.pauseReading() }
    }

    /// True while so much waits to be sent that nothing shall be added to it.
    var isOutboxFull: Bool { outputBytes > limits.connectionOutbox }

    /// The limits of what waits on a tunnel: of a hundred of them, each holds little.
    var tunnelLimits: StreamLimits {
        var limits = server.configuration.streamLimits
        limits.highWatermark = min(limits.highWatermark, self.limits.streamOutbox)
        limits.lowWatermark = min(limits.lowWatermark, limits.highWatermark / 4)
        return limits
    }

    /// Adds content to a stream, and has it sent along with what the stream had; also where only its end is new.
    func enqueue(_ bytes: [UInt8], on exchange: HTTP2Exchange) {
        guard !exchange.isClosed else { return }
        if !bytes.isEmpty {
            exchange.output.append(bytes)
            outputBytes += bytes.count
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

    /// Tells an exchange, which was taken out of the table, that it is gone.
    func close(_ exchange: HTTP2Exchange, _ reason: CloseReason) {
        outputBytes -= exchange.output.pending
        exchange.close(reason)
        guard !deferred.isEmpty else { return }
        deferred.removeAll { $0.exchange === exchange }
        scheduleFlush()
    }

    /// Ends a stream at once; its exchange hears of it here, as nobody shall use it any more.
    func reset(_ exchange: HTTP2Exchange, _ code: HTTP2ErrorCode, reason: CloseReason) {
        guard exchanges.remove(exchange.id) != nil else { return }
        session.reset(exchange.id, code)
        close(exchange, reason)
        if exchanges.isEmpty { becameIdle() }
        scheduleFlush()
    }
}
