import HTTPTypes
import ParleyTransport
import ParleyWire

// MARK: - The session's events

extension HTTP2Connection: HTTP2SessionHandler {
    func received(request head: consuming HTTPRequestHead, on stream: Int32, isEnded: Bool) {
        guard mayBegin else {
            return session.reset(stream, .refusedStream)
        }
        let content = isEnded ? nil : HTTP2RequestContent(head, stream: stream, connection: self)
        let upgrade = head.isExtendedConnect ? head.upgradeProtocol : nil
        let exchange = HTTP2Exchange(
            id: stream, isHead: head.method == .head, upgrade: upgrade, content: content)
        begin(exchange)
        let request = Request(
            context: RequestContext(head: consume head, connection: info),
            body: content?.body)
        if isEnded || upgrade != nil {
            handle(request, on: exchange)
        } else {
            begun.append((exchange, request))
        }
    }

    /// True while neither the open streams nor the handlers, those that run and those that will, are as many as may be.
    private var mayBegin: Bool {
        let limit = Int(limits.concurrentStreams)
        return exchanges.count < limit && runningHandlers + begun.count + deferred.count < limit
    }

    func received(refused refusal: HTTP2Refusal, on stream: Int32, isEnded: Bool) {
        let error = HTTPError(.init(code: refusal.status), refusal.rule)
        // Its trailers are refused.
        if let exchange = exchanges[stream] { return fail(exchange, error) }
        guard mayBegin else { return session.reset(stream, .refusedStream) }
        let content = isEnded ? nil : HTTP2RequestContent(stream: stream, connection: self)
        let exchange = HTTP2Exchange(id: stream, isHead: false, content: content)
        begin(exchange)
        send(error.response, on: exchange)
    }

    private func begin(_ exchange: HTTP2Exchange) {
        exchanges.append(exchange, id: exchange.id)
        watch.busy()
    }

    func received(content bytes: inout MutableSpan<UInt8>, on stream: Int32) {
        guard let exchange = exchanges[stream] else { return session.consume(bytes.count, of: stream) }
        if let tunnel = exchange.tunnel { return tunnel.receive(&bytes) }
        guard let content = exchange.content else { return session.consume(bytes.count, of: stream) }
        content.receive(bytes.span)
    }

    func receivedEnd(trailers: HTTPHeaderBlock?, on stream: Int32) {
        guard let exchange = exchanges[stream] else { return }
        exchange.content?.end(trailers: trailers)
        exchange.tunnel?.receiveEnd()
    }

    func receivedPong() {
        // Another answer, or a late one, is of no importance.
        guard watch.isNoticeOpen else { return }
        watch.noticeEnded()
        session.goAway()
    }

    func failed(stream: Int32) {
        // A stream that is gone has failed by itself.
        guard let exchange = exchanges[stream] else { return }
        server.responder.logger.error(
            "response refused", metadata: ["rule": "its header section is too large"])
        reset(exchange, .internalError, reason: .reset)
    }

    func closed(stream: Int32, code: HTTP2ErrorCode) {
        guard let exchange = exchanges.remove(stream) else { return }
        close(exchange, code == .noError ? .closed : .peer)
        if exchanges.isEmpty { becameIdle() }
    }

    func becameIdle() {
        watch.idle(at: loop.now)
        armTimer()
    }

    func content(of stream: Int32, into buffer: UnsafeMutableBufferPointer<UInt8>) -> HTTP2Content {
        guard let exchange = exchanges[stream] else { return .last(0) }
        let count = exchange.output.take(into: buffer)
        takenBytes &+= count
        outputBytes -= count
        if let tunnel = exchange.tunnel { tunnel.noteProgress(exchange) }
        if !deferred.isEmpty, !isOutboxFull { scheduleFlush() }
        guard exchange.output.isEmpty else { return .bytes(count) }
        exchange.stall.stop()
        if outputBytes == 0 { stall.stop() }
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
    func handleBegun() {
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
        guard !isOutboxFull else { return deferred.append((exchange, request)) }
        let endpoint = server.responder.endpoint(for: &request)
        switch server.responder.call(endpoint, with: request) {
        case .done(let response): send(response, on: exchange)
        case .work(let work):
            adopt(exchange) { [self] in
                let response = await work()
                await server.onLoop { [self] in send(response, on: exchange) }
            }
        case .pending(let pending):
            wait(for: pending, of: request, on: exchange)
        }
    }

    /// Has the response sent when somebody gives it. Until then it counts as a handler that runs.
    private func wait(for pending: PendingResponse, of request: Request, on exchange: HTTP2Exchange) {
        runningHandlers += 1
        let isWaiting = pending.observe { [self] result in
            server.loop.execute { [self] in
                runningHandlers -= 1
                send(server.responder.response(result, to: request), on: exchange)
            }
        }
        guard isWaiting else { return }
        exchange.maker = .other(pending)
        if exchange.isClosed { pending.cancel() }
    }

    /// Hands requests over that had to wait.
    func handleDeferred() {
        guard !deferred.isEmpty, !isOutboxFull else { return }
        var requests: [(exchange: HTTP2Exchange, request: Request)] = []
        swap(&requests, &deferred)
        for (exchange, request) in requests { handle(request, on: exchange) }
    }

    /// Starts a task that is cancelled with the exchange, and counts it for as long as it runs.
    func adopt(_ exchange: HTTP2Exchange, _ work: @escaping @Sendable () async -> Void) {
        runningHandlers += 1
        exchange.taskCount += 1
        let count = exchange.taskCount
        let task = server.startTask { [self] in
            await work()
            await server.onLoop { [self] in runningHandlers -= 1 }
        }
        if exchange.isClosed { return task.cancel() }
        // It may have ended by now, having started the one that streams its response.
        if exchange.taskCount == count { exchange.maker = .task(task) }
    }
}
