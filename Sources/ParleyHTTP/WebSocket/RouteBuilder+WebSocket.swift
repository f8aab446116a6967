extension RouteBuilder {
    /// Serves WebSockets (RFC 6455) at a path: the handler runs in a task of its own for each connection. Its return
    /// closes with 1000, its throw with 1011; it is cancelled when the connection is closed.
    ///
    /// ```swift
    /// app.webSocket("/echo") { socket in
    ///     for try await message in socket { try await socket.send(message) }
    /// }
    /// ```
    public func webSocket(
        _ path: String, options: WebSocketOptions = WebSocketOptions(),
        _ handler: @escaping @Sendable (WebSocket) async throws -> Void
    ) {
        get(path) { request in WebSocket.accept(request, options: options, handler) }
    }
}

extension WebSocket {
    /// Answers a request with a WebSocket, for routes that decide by themselves whether to, and add fields to the response;
    /// ``RouteBuilder/webSocket(_:options:_:)`` is the short way. A malformed handshake is refused as by
    /// ``Response/webSocket(for:options:_:)``.
    public static func accept(
        _ request: Request, options: WebSocketOptions = WebSocketOptions(),
        _ handler: @escaping @Sendable (WebSocket) async throws -> Void
    ) -> Response {
        Response.webSocket(for: request, options: options) { connection in
            let inbox = WebSocketInbox(connection: connection)
            inbox.adopt(serve(WebSocket(connection: connection, inbox: inbox), with: handler))
            return inbox
        }
    }

    private static func serve(
        _ socket: WebSocket, with handler: @escaping @Sendable (WebSocket) async throws -> Void
    ) -> Task<Void, Never> {
        Task(executorPreference: socket.connection.loop) {
            do {
                try await handler(socket)
                socket.close(code: 1000)
            } catch {
                socket.close(code: 1011)
            }
        }
    }
}
