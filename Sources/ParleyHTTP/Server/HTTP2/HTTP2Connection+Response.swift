import HTTPTypes
import Logging
import ParleyTransport
import ParleyWire

extension HTTP2Connection {
    /// Sends the response of an exchange, or begins to. Loop only.
    func send(_ response: Response, on exchange: HTTP2Exchange) {
        guard exchange.isAwaited else { return }
        if case .upgrade(let upgrade) = response.body.content { return open(response, upgrade, on: exchange) }
        guard response.status.code >= 200 else {
            return refuse(response, "RFC 9110 15.2: an interim response is none", on: exchange)
        }
        // A 2xx would tell the client that its tunnel is open (RFC 8441 5).
        guard exchange.upgrade == nil || response.status.code >= 300 else {
            let error = HTTPError(.notImplemented, "RFC 8441 5: no such protocol is spoken here")
            return send(error.response, on: exchange)
        }
        switch response.body.content {
        case .empty, .upgrade: sendWhole(response, [], on: exchange)
        case .bytes(let bytes): sendWhole(response, bytes, on: exchange)
        case .text(let text): sendWhole(response, Array(text.utf8), on: exchange)
        case .stream(let length, let producer): beginStream(response, length, producer, on: exchange)
        }
    }

    private func sendWhole(_ response: Response, _ bytes: [UInt8], on exchange: HTTP2Exchange) {
        let hasContent = !bytes.isEmpty && response.mayHaveContent(isHead: exchange.isHead)
        exchange.phase = .responded
        if hasContent { exchange.output.end() }
        guard sendHead(response, length: UInt64(bytes.count), hasContent: hasContent, on: exchange) else {
            return
        }
        if hasContent {
            if bytes.count > 16 * 1024 { session.share(exchange.id, isUrgent: false) }
            enqueue(bytes, on: exchange)
        } else {
            endRequest(of: exchange)
        }
    }

    /// Sends a response's head. Where the response can't be sent as it is, another one is, and false returned.
    private func sendHead(
        _ response: Response, length: UInt64?, hasContent: Bool, on exchange: HTTP2Exchange
    ) -> Bool {
        do throws(HTTPEncodingError) {
            try server.collectFields(of: response, length: length)
        } catch {
            refuse(response, "\(error.field): \(error.rule)", on: exchange)
            return false
        }
        session.respond(server.fields, on: exchange.id, hasContent: hasContent)
        scheduleFlush()
        return true
    }

    /// Answers with an internal error in place of a response that can't be sent as it is.
    private func refuse(_ response: Response, _ rule: String, on exchange: HTTP2Exchange) {
        server.responder.logger.error(
            "response refused", metadata: ["status": "\(response.status.code)", "rule": "\(rule)"])
        exchange.phase = .waiting
        exchange.output = HTTP2SendQueue()
        send(HTTPError(.internalServerError).response, on: exchange)
    }

    /// The response is complete: what is left of the request is of no use (RFC 9113 8.1), but a client that is reset at
    /// once may take that for the answer, as curl 7.88 does. So it may go on for a while.
    func endRequest(of exchange: HTTP2Exchange) {
        exchange.phase = .responded
        guard let content = exchange.content, !content.isEnded else { return }
        content.discard(limit: server.configuration.drainLimit)
        watch(exchange)
    }

    /// Ends an exchange whose request will never be complete.
    func fail(_ exchange: HTTP2Exchange, _ error: HTTPError) {
        let isUnanswered = exchange.isAwaited
        exchange.content?.fail(error)
        exchange.maker?.cancel()
        if isUnanswered {
            send(error.response, on: exchange)
        } else {
            reset(exchange, .cancel, reason: .slowPeer)
        }
    }

    func sendContinue(on stream: Int32) {
        guard exchanges[stream]?.isAwaited == true else { return }
        server.fields.removeAll()
        server.fields.append(status: 100)
        session.respondInterim(server.fields, on: stream)
        scheduleFlush()
    }
}

extension HTTPServerLoop {
    /// Collects the header section of a response in ``fields``.
    func collectFields(of response: Response, length: UInt64?) throws(HTTPEncodingError) {
        fields.removeAll()
        fields.append(status: response.status.code)
        try fields.append(response.headers)
        fields.append("date", bytes: date)
        if let length = response.announced(length) { fields.append("content-length", number: length) }
    }
}

extension Response {
    /// False for a response that ends with its head (RFC 9110 6.4.1).
    fileprivate func mayHaveContent(isHead: Bool) -> Bool {
        !isHead && status.code >= 200 && status.code != 204 && status.code != 205 && status.code != 304
    }

    /// What `Content-Length` says (RFC 9110 8.6): nothing where there can't be content, or its length isn't known.
    fileprivate func announced(_ length: UInt64?) -> UInt64? {
        switch status.code {
        case ..<200, 204, 304: nil
        case 205: 0
        default: length
        }
    }
}

// MARK: - Streamed bodies

extension HTTP2Connection: ResponseSink {
    private func beginStream(
        _ response: Response, _ length: UInt64?, _ producer: @escaping ResponseBody.Producer,
        on exchange: HTTP2Exchange
    ) {
        let hasContent = response.mayHaveContent(isHead: exchange.isHead)
        exchange.phase = hasContent ? .streaming : .responded
        guard sendHead(response, length: length, hasContent: hasContent, on: exchange) else { return }
        guard hasContent else { return endRequest(of: exchange) }
        session.share(exchange.id, isUrgent: false)
        exchange.body = StreamedBody(length: length)
        exchange.endsAtShutdown = response.body.endsAtShutdown
        adopt(exchange) { [self] in await produce(producer, exchange: UInt64(exchange.id)) }
        if isGoingAway { exchange.endStreamAtShutdown() }
    }

    private func streaming(_ number: UInt64) -> HTTP2Exchange? {
        guard let exchange = exchanges[Int32(truncatingIfNeeded: number)], exchange.body != nil else {
            return nil
        }
        return exchange
    }

    func write(_ piece: [UInt8], exchange number: UInt64) throws(ResponseWriterError) -> Bool {
        guard let exchange = streaming(number) else { throw .connectionClosed }
        guard exchange.body?.add(piece.count) == true else {
            reset(exchange, .internalError, reason: .reset)
            throw .lengthExceeded
        }
        guard !piece.isEmpty else { return false }
        enqueue(piece, on: exchange)
        return exchange.output.pending > limits.streamOutbox
    }

    func wait(_ waiter: UnsafeContinuation<Void, any Error>, exchange number: UInt64) {
        guard let exchange = streaming(number), exchange.body?.waiter == nil else {
            return waiter.resume(throwing: ResponseWriterError.connectionClosed)
        }
        guard exchange.output.pending > limits.streamOutbox else { return waiter.resume() }
        exchange.body?.waiter = waiter
    }

    func setTrailers(_ trailers: HTTPFields, exchange number: UInt64) throws(ResponseWriterError) {
        guard let exchange = streaming(number) else { throw .connectionClosed }
        var section = HTTP2FieldSection()
        do throws(HTTPEncodingError) {
            try section.append(trailers)
        } catch {
            throw .invalidTrailers
        }
        exchange.body?.trailers = trailers
    }

    func endBody(exchange number: UInt64) {
        guard let exchange = streaming(number) else { return }
        guard exchange.body?.isComplete == true else {
            server.responder.logger.error("streamed response is shorter than announced")
            return reset(exchange, .internalError, reason: .reset)
        }
        exchange.output.end()
        enqueue([], on: exchange)
    }

    func failBody(exchange number: UInt64, _ error: any Error) {
        guard let exchange = streaming(number) else { return }
        server.logFailedBody(error)
        reset(exchange, .internalError, reason: .reset)
    }
}

// MARK: - Upgrades

extension HTTP2Connection {
    /// Makes the stream a tunnel (RFC 8441 5).
    private func open(_ response: Response, _ upgrade: Upgrade, on exchange: HTTP2Exchange) {
        guard exchange.upgrade?.lowercased() == upgrade.name.lowercased() else {
            return send(
                HTTPError(.badRequest, "switching to \(upgrade.name) was not asked for").response,
                on: exchange)
        }
        var accepted = response
        accepted.status = .ok
        let tunnel = HTTP2Tunnel(exchange: exchange, connection: self)
        exchange.phase = .tunnel(tunnel)
        guard sendHead(accepted, length: nil, hasContent: true, on: exchange) else { return }
        session.share(exchange.id, isUrgent: true)
        tunnel.handler = upgrade.start(tunnel)
        tunnel.start(with: exchange.content)
        // It came too late to be told with the others.
        if isGoingAway { tunnel.handler?.shutDown(tunnel, spread: server.configuration.shutdownSpread) }
    }
}
