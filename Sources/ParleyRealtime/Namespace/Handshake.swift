public import Foundation
public import HTTPTypes
public import ParleyHTTP
public import ParleyTransport
public import ParleyWire

/// How a client came to a namespace: the HTTP request that began its session, and what it sent with CONNECT.
///
/// Middleware stores here what it finds out; the socket has the same storage.
public final class Handshake: Sendable {
    /// The request that began the session.
    public let request: Request
    /// The name of the namespace that the client asks for.
    public let namespace: String
    /// When the client asked to join the namespace.
    public let issued: Date
    /// While a client that is in the namespace already proves its identity anew (``Socket/reauthenticate(_:)``): its handshake.
    public let previous: Handshake?
    /// What a Socket.IO 1.x or 2.x client put behind the namespace's name.
    let namespaceQuery: String?
    let state: Lock<State>

    struct State {
        var auth: JSONValue
        var storage: TypedStorage
        /// In a renewed handshake, what was stored since it began: the only values that the socket takes over.
        var renewed: TypedStorage?
        var rooms: [String] = []
        var parameters: PathParameters
        var expiry: IdentityExpiry.Request?
        var isRecovered = false

        mutating func store<Value: Sendable>(_ value: Value?, as type: Value.Type) {
            storage[type] = value
            if renewed != nil { renewed?[type] = value }
        }
    }

    init(
        request: Request, auth: JSONValue, namespace: String, namespaceQuery: String? = nil,
        previous: Handshake? = nil
    ) {
        self.request = request
        self.namespace = namespace
        self.namespaceQuery = namespaceQuery
        self.previous = previous
        issued = Date()
        state = Lock(
            State(
                auth: auth, storage: request.storage, renewed: previous == nil ? nil : TypedStorage(),
                parameters: request.parameters))
    }

    /// The authentication payload, an object, or null when the client sent none.
    public var auth: JSONValue { state.withLock { $0.auth } }

    /// The fields of the request.
    public var headers: HTTPFields { request.headers }
    /// The request's target: path and query.
    public var url: String { request.target }
    /// The client's address; that of a proxy where none is trusted (`Request.clientAddress`).
    public var address: SocketAddress? { request.clientAddress }
    /// Whether the client's connection is encrypted.
    public var isSecure: Bool { request.isSecure }
    /// The parameters of the path at which the realtime server is mounted, and those of a dynamic namespace's name, which go
    /// first.
    public var parameters: PathParameters { state.withLock { $0.parameters } }

    /// The client asked for a dynamic namespace, whose rule captured these.
    func adopt(_ parameters: PathParameters) {
        guard !parameters.isEmpty else { return }
        state.withLock { $0.parameters = parameters.followed(by: request.parameters) }
    }

    /// Whether the client is a page of another origin.
    public var isCrossDomain: Bool {
        !request.isSameOrigin
    }

    /// The first value of a query parameter: of the query that a Socket.IO 1.x or 2.x client gave the namespace
    /// (`/admin?token=x`), or else of the request that began the session.
    public func query(_ name: String) -> String? {
        let own = namespaceQuery.flatMap { query in
            QueryItems(query[...]).first { $0.name == name }?.value
        }
        return own ?? request.query(name)
    }

    /// A value of the authentication payload.
    ///
    /// - Throws: ``ConnectError`` "missing or invalid credentials" when it is not there or of another type, so that a
    ///   middleware may let the error pass.
    public func auth<Value: Decodable>(_ key: String, as type: Value.Type = Value.self) throws -> Value {
        guard case .object(let members) = auth, let member = members[key],
            let value = try? member.decoded(as: type)
        else { throw ConnectError("missing or invalid credentials", data: ["key": key]) }
        return value
    }

    /// The whole authentication payload.
    public func auth<Value: Decodable>(as type: Value.Type) throws -> Value {
        guard let value = try? auth.decoded(as: type) else {
            throw ConnectError("missing or invalid credentials")
        }
        return value
    }

    /// The value of this type that HTTP middleware or namespace middleware stored.
    public subscript<Value: Sendable>(_ type: Value.Type) -> Value? {
        get { state.withLock { $0.storage[type] } }
        set { state.withLock { $0.store(newValue, as: type) } }
    }

    /// Changes the stored value of this type in place, while nobody else can.
    ///
    /// - Throws: `MissingValueError` when nobody stored one, and what the body throws.
    public func update<Value: Sendable, Result: Sendable>(
        _ type: Value.Type, _ body: (inout Value) throws -> Result
    ) throws -> Result {
        try state.withLock { state in
            guard var value = state.storage[type] else { throw MissingValueError(type: "\(type)") }
            defer { state.store(value, as: type) }
            return try body(&value)
        }
    }

    /// Changes the stored value of this type in place, while nobody else can, beginning with the default where nobody stored
    /// one.
    public func update<Value: Sendable, Result: Sendable>(
        _ type: Value.Type, default initial: @autoclosure () -> Value, _ body: (inout Value) throws -> Result
    ) rethrows -> Result {
        try state.withLock { state in
            var value = state.storage[type] ?? initial()
            defer { state.store(value, as: type) }
            return try body(&value)
        }
    }

    /// What is stored, by type.
    var storage: TypedStorage { state.withLock { $0.storage } }

    /// Puts the socket into rooms, if and when it is admitted; a refused client was never in them.
    public func join(_ rooms: String...) {
        state.withLock { $0.rooms += rooms }
    }

    func join(_ rooms: Set<String>) {
        state.withLock { $0.rooms += rooms }
    }

    func takeRooms() -> [String] {
        state.withLock { state in
            defer { state.rooms = [] }
            return state.rooms
        }
    }
}
