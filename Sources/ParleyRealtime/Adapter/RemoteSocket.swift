public import Foundation
import ParleyHTTP
public import ParleyWire

/// A socket that may be connected to another server: what is known of it, and what can be done to it.
public struct RemoteSocket: Sendable {
    /// The id.
    public let id: String
    /// How the client came.
    public let handshake: RemoteHandshake
    /// The rooms that the socket was in when it was looked up, with its own.
    public let rooms: Set<String>
    private let namespace: Namespace
    private let data: Data

    private enum Data: Sendable {
        case local(TypedStorage)
        case encoded([String: JSONValue])
    }

    /// One of this server's sockets.
    public init(_ socket: Socket) {
        id = socket.id
        handshake = RemoteHandshake(socket.handshake)
        rooms = socket.rooms
        namespace = socket.namespace
        data = .local(socket.handshake.storage)
    }

    /// A socket of another server, as its adapter describes it.
    public init(
        id: String, handshake: RemoteHandshake, rooms: Set<String>, data: [String: JSONValue],
        in namespace: Namespace
    ) {
        self.id = id
        self.handshake = handshake
        self.rooms = rooms
        self.namespace = namespace
        self.data = .encoded(data)
    }

    /// The value of this type that was stored on the socket, as it was when it was looked up. Other servers' values are known
    /// when they are `Codable` and their type is not private.
    public subscript<Value: Codable & Sendable>(_ type: Value.Type) -> Value? {
        switch data {
        case .local(let storage): storage[type]
        case .encoded(let values): try? values[Self.key(type)]?.decoded(as: type)
        }
    }

    /// The stored values that are `Codable`, by the names of their types: what an adapter takes to another server.
    public var encodedData: [String: JSONValue] {
        guard case .local(let storage) = data else {
            if case .encoded(let values) = data { return values }
            return [:]
        }
        return storage.contents.reduce(into: [:]) { values, value in
            guard let encodable = value as? any Codable else { return }
            values[Self.key(type(of: value))] = Self.encode(encodable)
        }
    }

    private static func encode(_ value: some Encodable) -> JSONValue? { try? JSONValue.list(value).first }

    private static func key(_ type: Any.Type) -> String { String(reflecting: type) }

    /// The socket as the target of broadcasts.
    public var target: BroadcastOperator { namespace.to(id) }

    /// Sends an event to the socket, wherever it is.
    @discardableResult
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) -> EmitResult {
        target.emit(event, repeat each arguments)
    }

    /// Makes the socket join rooms.
    public func join(_ rooms: String...) { namespace.adapter.join(target.target, rooms) }

    /// Makes the socket leave rooms.
    public func leave(_ rooms: String...) { namespace.adapter.leave(target.target, rooms) }

    /// Makes the socket leave the namespace.
    public func disconnect(close: Bool = false) { target.disconnectSockets(close: close) }
}

/// How a client came, as far as other servers know of it: Socket.IO's `handshake`.
public struct RemoteHandshake: Sendable, Codable, Equatable {
    /// The fields of the request, by their names in lower case.
    public var headers: [String: String]
    /// When the client asked to join the namespace.
    public var issued: Date
    /// The client's address.
    public var address: String?
    /// Whether the client is a page of another origin.
    public var isCrossDomain: Bool
    /// Whether the connection is encrypted.
    public var isSecure: Bool
    /// The request's target: path and query.
    public var url: String
    /// The first value of each query parameter.
    public var query: [String: String]
    /// The authentication payload.
    public var auth: JSONValue

    init(_ handshake: Handshake) {
        headers = [:]
        for field in handshake.headers {
            let name = field.name.canonicalName
            headers[name] = headers[name].map { "\($0), \(field.value)" } ?? field.value
        }
        issued = handshake.issued
        address = handshake.address?.description
        isCrossDomain = handshake.isCrossDomain
        isSecure = handshake.isSecure
        url = handshake.url
        query = Dictionary(
            handshake.request.queryItems.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        auth = handshake.auth
    }
}
