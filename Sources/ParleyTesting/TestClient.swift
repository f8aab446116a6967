public import HTTPTypes
public import ParleyTransport
import ParleyWire

/// Sends requests to a tested application, each on a connection of its own.
public struct TestClient: Sendable {
    typealias Connect =
        @Sendable (any ByteStreamHandler & Sendable, SocketAddress?) async throws -> any ByteStream

    private let open: Connect

    /// The host that requests are for.
    public var authority = "localhost"
    /// Fields that every request carries, such as a session's cookie.
    public var headers: HTTPFields = [:]
    /// The peer's address that requests come from. It is made up in memory, and the socket's live.
    public var address = SocketAddress(host: "127.0.0.1", port: 50_000)
    /// How long a response may take, in real time.
    public var timeout: Duration = .seconds(10)

    init(_ open: @escaping Connect) { self.open = open }

    /// Opens a connection to be written to byte for byte.
    public func connect() async throws -> TestConnection {
        let inbox = TestInbox()
        return TestConnection(inbox: inbox, stream: try await open(inbox, address))
    }
}

// MARK: - Requests

extension TestClient {
    /// Sends a request, and returns the whole response.
    ///
    /// - Parameters:
    ///   - method: the method.
    ///   - target: path and query, percent-encoded where that is needed.
    ///   - headers: fields beside ``TestClient/headers``, which they replace.
    ///   - body: the content; its type is sent unless the fields have one.
    /// - Throws: ``TestClientError``; a status is no error, whatever it is.
    public func execute(
        _ method: HTTPRequest.Method, _ target: String, headers: HTTPFields = [:], body: TestBody = .none
    ) async throws -> TestResponse {
        try await limited(method, target) {
            let stream = try await begin(method, target, headers: headers, body: body)
            return try await stream.collect()
        }
    }

    /// Sends a request, and returns when the response's head is here: its content is read by iterating.
    public func stream(
        _ method: HTTPRequest.Method = .get, _ target: String, headers: HTTPFields = [:],
        body: TestBody = .none
    ) async throws -> TestStreamedResponse {
        try await limited(method, target) {
            try await begin(method, target, headers: headers, body: body)
        }
    }

    /// A GET; see ``execute(_:_:headers:body:)``.
    public func get(_ target: String, headers: HTTPFields = [:]) async throws -> TestResponse {
        try await execute(.get, target, headers: headers)
    }

    /// A HEAD; see ``execute(_:_:headers:body:)``.
    public func head(_ target: String, headers: HTTPFields = [:]) async throws -> TestResponse {
        try await execute(.head, target, headers: headers)
    }

    /// A POST; see ``execute(_:_:headers:body:)``.
    public func post(
        _ target: String, headers: HTTPFields = [:], body: TestBody = .none
    ) async throws -> TestResponse {
        try await execute(.post, target, headers: headers, body: body)
    }

    /// A PUT; see ``execute(_:_:headers:body:)``.
    public func put(
        _ target: String, headers: HTTPFields = [:], body: TestBody = .none
    ) async throws -> TestResponse {
        try await execute(.put, target, headers: headers, body: body)
    }

    /// A PATCH; see ``execute(_:_:headers:body:)``.
    public func patch(
        _ target: String, headers: HTTPFields = [:], body: TestBody = .none
    ) async throws -> TestResponse {
        try await execute(.patch, target, headers: headers, body: body)
    }

    /// A DELETE; see ``execute(_:_:headers:body:)``.
    public func delete(_ target: String, headers: HTTPFields = [:]) async throws -> TestResponse {
        try await execute(.delete, target, headers: headers)
    }
}

// MARK: - WebSockets

extension TestClient {
    /// Opens a WebSocket (RFC 6455).
    ///
    /// - Parameters:
    ///   - target: path and query of its route.
    ///   - headers: fields beside those of the handshake.
    ///   - subprotocols: those that are offered, in the order of preference.
    /// - Throws: ``TestClientError/refused(_:)`` with the response of a server that doesn't accept it.
    public func webSocket(
        _ target: String, headers: HTTPFields = [:], subprotocols: [String] = []
    ) async throws -> TestWebSocket {
        var fields = headers
        if !subprotocols.isEmpty { fields[.secWebSocketProtocol] = subprotocols.joined(separator: ", ") }
        return TestWebSocket(try await upgrade(target, headers: fields))
    }

    /// Asks for a WebSocket; returns the response that switches to it.
    func upgrade(_ target: String, headers: HTTPFields) async throws -> TestStreamedResponse {
        var fields = headers
        fields[.upgrade] = "websocket"
        fields[.connection] = "Upgrade"
        fields[.secWebSocketVersion] = "13"
        // Any 16 bytes do: what they are for, a cache that answers in the server's place, isn't here.
        fields[.secWebSocketKey] = "UGFybGV5VGVzdENsaWVudA=="
        return try await limited(.get, target) { [fields] in
            let response = try await begin(.get, target, headers: fields, body: .none)
            guard response.status == .switchingProtocols else {
                throw TestClientError.refused(try await response.collect())
            }
            return response
        }
    }
}

// MARK: - Sending

extension TestClient {
    private func begin(
        _ method: HTTPRequest.Method, _ target: String, headers: HTTPFields, body: TestBody
    ) async throws -> TestStreamedResponse {
        let connection = try await connect()
        connection.send(encode(method, target, headers, body))
        var reader = TestResponseReader(connection: connection, method: method)
        return TestStreamedResponse(head: try await reader.readHead(), reader: reader)
    }

    private func encode(
        _ method: HTTPRequest.Method, _ target: String, _ fields: HTTPFields, _ body: TestBody
    ) -> [UInt8] {
        var all = headers
        for field in fields { all[field.name] = nil }
        all.append(contentsOf: fields)
        if all[.contentType] == nil, let type = body.type { all[.contentType] = type }
        if !body.bytes.isEmpty || method == .post || method == .put || method == .patch {
            if all[.transferEncoding] == nil { all[.contentLength] = String(body.bytes.count) }
        }
        var head = "\(method.rawValue) \(target) HTTP/1.1\r\nHost: \(authority)\r\n"
        for field in all { head += "\(field.name.rawName): \(field.value)\r\n" }
        return Array((head + "\r\n").utf8) + body.bytes
    }

    private func limited<Result: Sendable>(
        _ method: HTTPRequest.Method, _ target: String,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await Self.limited("response to \(method.rawValue) \(target)", to: timeout, body)
    }

    /// Gives up after so much real time.
    static func limited<Result: Sendable>(
        _ what: String, to limit: Duration, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let result = first else {
                throw TestClientError.timeout(what, after: limit)
            }
            return result
        }
    }
}

/// Why a request of a ``TestClient`` has no response.
public enum TestClientError: Error, Sendable, CustomStringConvertible {
    /// The connection ended before the response did.
    case connectionClosed
    /// The response breaks this rule of HTTP.
    case malformedResponse(String)
    /// The response to this request, or what a ``TestSocket`` waited for, took longer than the client's timeout.
    case timeout(String, after: Duration)
    /// The server did not accept a WebSocket, but answered with this.
    case refused(TestResponse)
    /// The server broke this rule of RFC 6455.
    case malformedFrame(String)

    /// What happened.
    public var description: String {
        switch self {
        case .connectionClosed: "the connection ended before the response did"
        case .malformedResponse(let rule): "malformed response: \(rule)"
        case .timeout(let request, let limit): "no \(request) after \(limit)"
        case .refused(let response): "no WebSocket, but \(response.status.code) \(response.text)"
        case .malformedFrame(let rule): "malformed WebSocket frame: \(rule)"
        }
    }
}
