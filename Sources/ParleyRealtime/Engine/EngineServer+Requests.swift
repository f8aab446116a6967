import HTTPTypes
import ParleyHTTP
import ParleyWire

/// The requests of a session that exists.
extension EngineServer {
    // MARK: Polling

    /// What waits for the client is the answer; where nothing does, the first that is sent will be, without a task that waits.
    func poll(
        _ session: EngineSession, _ parameters: EngineRequest, _ exchange: EngineExchange
    ) throws(EngineRefusal) -> Answer {
        let (form, jsonp) = (session.form, parameters.jsonp)
        if let outcome = session.pollAtOnce() { return .now(try form.response(to: outcome, jsonp: jsonp)) }
        let waiter = PollWaiter(exchange, form: form, jsonp: jsonp)
        if let outcome = session.park(waiter) { return .now(try form.response(to: outcome, jsonp: jsonp)) }
        return .pending(waiter.answer)
    }

    /// What came with the request's head is taken at once, and answered where the session reads on.
    func post(_ session: EngineSession, _ parameters: EngineRequest, _ request: Request) throws -> Answer {
        let encoding = try payloadEncoding(session, parameters, request)
        let limit = encoding.isForm ? formLimit : options.maxPayload
        let accepted = accepted(parameters)
        guard try session.beginPost() else { return .now(accepted) }
        let isTaken: Bool
        do {
            let content = try request.body.collectIfComplete(upTo: limit)
            if let content { try session.take(content, encoding) }
            isTaken = content != nil
        } catch {
            session.endPost()
            throw error
        }
        if isTaken, !session.isInboundPaused {
            session.endPost()
            return .now(accepted)
        }
        return .later {
            defer { session.endPost() }
            if !isTaken { try session.take(try await request.body.collect(upTo: limit), encoding) }
            await session.waitForInbound()
            return accepted
        }
    }

    private func accepted(_ parameters: EngineRequest) -> Response {
        // A form's answer is shown in a frame of the page.
        let headers = parameters.jsonp == nil ? Self.plain : Self.plain.protectingScripts
        return Response(headers: headers, body: .text("ok"))
    }

    private static let plain = HTTPFields(engineAnswerOf: "text/html")

    /// A form may write each byte of its payload as three.
    private var formLimit: Int {
        let (limit, overflow) = options.maxPayload.multipliedReportingOverflow(by: 3)
        return overflow ? options.maxPayload : limit
    }

    /// Engine.IO 4 knows no binary payloads.
    private func payloadEncoding(
        _ session: EngineSession, _ parameters: EngineRequest, _ request: Request
    ) throws(EngineRefusal) -> EngineSession.PayloadEncoding {
        let isBinary = request.header("content-type", beginsWith: "application/octet-stream")
        if isBinary, session.revision == .four { throw .badRequest("BINARY_PAYLOAD") }
        return EngineSession.PayloadEncoding(isForm: parameters.jsonp != nil, isBinary: isBinary)
    }

    // MARK: Upgrade

    func upgrade(
        _ session: EngineSession, _ parameters: EngineRequest, _ request: Request
    ) throws(EngineRefusal) -> Response {
        guard options.allowUpgrades, options.transports.contains(.webSocket), session.canUpgrade else {
            throw .badRequest("UPGRADE")
        }
        return webSocket(for: request) { connection in
            guard session.beginUpgrade(connection, takesBinary: parameters.takesBinary) else {
                connection.close(code: 1000, reason: "")
                return ClosedWebSocketHandler()
            }
            return EngineUpgradeCandidate(
                connection, session: session, timeout: self.options.upgradeTimeout)
        }
    }

    /// Accepts a WebSocket, or refuses its handshake.
    func webSocket(
        for request: Request, _ open: @escaping @Sendable (WebSocketConnection) -> any WebSocketHandler
    ) -> Response {
        var response = Response.webSocket(for: request, options: webSocketOptions, open)
        response.headers.forbidStoring()
        return response
    }
}
