import HTTPTypes
import ParleyHTTP
import ParleyWire

/// The requests of a session that exists.
extension EngineServer {
    // MARK: Polling

    func poll(_ session: EngineSession, _ parameters: EngineRequest) async throws -> Response {
        switch await session.poll() {
        case .packets(let frames): return session.form.encode(frames, jsonp: parameters.jsonp)
        case .refused: throw EngineRefusal.badRequest("POLL")
        }
    }

    func post(
        _ session: EngineSession, _ parameters: EngineRequest, _ request: Request
    ) async throws -> Response {
        let encoding = try payloadEncoding(session, parameters, request)
        let isAccepted = try await session.post(encoding) {
            try await request.body.collect(upTo: encoding.isForm ? formLimit : options.maxPayload)
        }
        guard isAccepted else { throw EngineRefusal.badRequest("PAYLOAD") }
        var response = Response.text("ok", type: "text/html")
        // A form's answer is shown in a frame of the page.
        if parameters.jsonp != nil { response.headers = response.headers.protectingScripts }
        return response
    }

    /// A form may write each byte of its payload as three.
    private var formLimit: Int {
        let (limit, overflow) = options.maxPayload.multipliedReportingOverflow(by: 3)
        return overflow ? options.maxPayload : limit
    }

    /// Engine.IO 4 knows no binary payloads.
    private func payloadEncoding(
        _ session: EngineSession, _ parameters: EngineRequest, _ request: Request
    ) throws(EngineRefusal) -> EngineSession.PayloadEncoding {
        let isBinary =
            request.header(.contentType)?.lowercased().hasPrefix("application/octet-stream") == true
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
        return Response.webSocket(for: request, options: webSocketOptions) { connection in
            guard session.beginUpgrade(connection, takesBinary: parameters.takesBinary) else {
                connection.close(code: 1000, reason: "")
                return ClosedWebSocketHandler()
            }
            return EngineUpgradeCandidate(
                connection, session: session, timeout: self.options.upgradeTimeout)
        }
    }
}
