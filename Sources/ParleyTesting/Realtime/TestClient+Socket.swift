public import HTTPTypes
public import ParleyWire

extension TestClient {
    /// Connects a Socket.IO client to a namespace of the application, over a WebSocket of its own.
    ///
    /// - Parameters:
    ///   - namespace: the name, with or without its slash.
    ///   - path: where the realtime server is mounted.
    ///   - auth: an object, which the handshake's middleware sees as `handshake.auth`.
    ///   - query: more items for the request's query, such as `"token=x"`.
    ///   - headers: fields beside ``TestClient/headers``, such as `Cookie`.
    ///   - parser: the server's parser.
    ///   - former: a socket that lost its connection, whose session is to be recovered. It is when the id is the former one's.
    /// - Throws: ``TestSocketError/refused(message:data:)`` when middleware refused, which closes the connection,
    ///   ``TestClientError/refused(_:)`` for a request that was, and ``TestClientError/timeout(_:after:)``.
    public func socket(
        _ namespace: String = "/", at path: String = "/socket.io", auth: JSONValue? = nil, query: String = "",
        headers: HTTPFields = [:], parser: PacketParser = .json, recovering former: TestSocket? = nil
    ) async throws -> TestSocket {
        let more = query.isEmpty ? "" : "&" + query
        let response = try await upgrade("\(path)/?EIO=4&transport=websocket\(more)", headers: headers)
        let connection = try await TestSocketConnection(response, parser: parser)
        let socket = TestSocket(namespace, on: connection, timeout: timeout)
        do {
            try await socket.connect(auth, recovering: former)
        } catch {
            // Nobody else has it.
            connection.close()
            throw error
        }
        return socket
    }
}

/// Why a ``TestSocket`` is no longer in its namespace.
public enum TestDisconnection: Sendable, Equatable {
    /// It left.
    case byClient
    /// The server made it leave.
    case byServer
    /// The connection ended, with this WebSocket close code: 1006 without a close frame.
    case connection(closeCode: UInt16)
    /// The server broke this rule.
    case violation(String)
}

/// Why a ``TestSocket`` could not do what it was to do.
public enum TestSocketError: Error, Sendable, Equatable, CustomStringConvertible {
    /// CONNECT_ERROR: middleware refused the client, or there is no such namespace.
    case refused(message: String, data: JSONValue?)
    /// The socket is disconnected.
    case disconnected(TestDisconnection)
    /// The server broke this rule of the protocol.
    case violation(String)

    /// What happened.
    public var description: String {
        switch self {
        case .refused(let message, let data): "refused: \(message)" + (data.map { " (\($0))" } ?? "")
        case .disconnected(let reason): "disconnected: \(reason)"
        case .violation(let rule): "Socket.IO: \(rule)"
        }
    }
}
