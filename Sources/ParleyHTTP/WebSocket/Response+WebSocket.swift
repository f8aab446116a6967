import HTTPTypes
import ParleyWire

extension Response {
    /// Accepts a WebSocket (RFC 6455 4.2), or refuses the handshake: 400 for a malformed one, 405 for another method than
    /// GET, 426 for another version than 13 or no WebSocket at all, 403 for an origin that the options don't allow.
    ///
    /// - Parameters:
    ///   - request: the handshake.
    ///   - options: limits, times, subprotocols and origins.
    ///   - open: called on the connection's loop when it is established, before any message is received.
    public static func webSocket(
        for request: Request, options: WebSocketOptions = WebSocketOptions(),
        _ open: @escaping @Sendable (WebSocketConnection) -> any WebSocketHandler
    ) -> Response {
        switch WebSocketHandshake.validate(request.head) {
        case .notWebSocket:
            return request.head.isExtendedConnect
                ? refusal(501, "RFC 8441 4: this is a WebSocket, and no other protocol")
                : refusal(426, "this is a WebSocket")
        case .refused(let status, let rule): return refusal(status, rule)
        case .accepted(let acceptKey):
            guard options.origins.allows(request) else {
                return HTTPError(.forbidden, "this origin may not connect").response
            }
            return accept(request, acceptKey, options, open)
        }
    }

    private static func refusal(_ code: Int, _ rule: String) -> Response {
        var headers: HTTPFields = [:]
        if code == 405 { headers[.allow] = "GET" }
        if code == 426 {
            headers[.secWebSocketVersion] = "13"
            headers[.upgrade] = "websocket"
        }
        return HTTPError(HTTPResponse.Status(code: code), rule, headers: headers).response
    }

    private static func accept(
        _ request: Request, _ acceptKey: String?, _ options: WebSocketOptions,
        _ open: @escaping @Sendable (WebSocketConnection) -> any WebSocketHandler
    ) -> Response {
        var headers: HTTPFields = [:]
        if let acceptKey { headers[.secWebSocketAccept] = acceptKey }
        let subprotocol = selectSubprotocol(request, options)
        if let subprotocol { headers[.secWebSocketProtocol] = subprotocol }
        let compression = options.compression.flatMap { settings in
            PermessageDeflate.accept(offersOf: request.head.headers, settings: settings)
                .map { (agreed: $0, settings: settings) }
        }
        if let compression { headers[.secWebSocketExtensions] = compression.agreed.fieldValue }
        return .upgrade(to: "websocket", headers: headers) { stream in
            let connection = WebSocketConnection(
                stream: stream, request: request, subprotocol: subprotocol, options: options,
                deflation: compression.map {
                    WebSocketDeflation(
                        $0.agreed, compression: $0.settings, messageLimit: options.limits.messageBytes)
                })
            connection.open(with: open(connection))
            return connection
        }
    }

    private static func selectSubprotocol(_ request: Request, _ options: WebSocketOptions) -> String? {
        let headers = request.head.headers
        guard let select = options.selectSubprotocol else {
            return WebSocketHandshake.selectSubprotocol(headers, supported: options.subprotocols)
        }
        let offered = WebSocketHandshake.offeredSubprotocols(headers)
        guard let selected = select(offered, request), offered.contains(selected) else { return nil }
        return selected
    }
}
