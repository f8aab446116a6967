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
    /// When the client asked to join the namespace.
    public let issued: Date
    /// While a client that is in the namespace already proves its identity anew (``Socket/reauthenticate(_:)``): its handshake.
    public let previous: Handshake?
    let state: Lock<State>

    struct State {
        var auth: JSONValue
        var storage: TypedStorage
        var rooms: [String] = []
        var expiry: IdentityExpiry.Request?
        var isRecovered = false
    }

    init(request: Request, auth: JSONValue, previous: Handshake? = nil) {
        self.request = request
        self.previous = previous
        issued = Date()
        state = Lock(State(auth: auth, storage: request.storage))
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
    /// The parameters of the path at which the realtime server is mounted.
    public var parameters: PathParameters { request.parameters }

    /// Whether the client is a page of another origin.
    public var isCrossDomain: Bool {
        !request.isSameOrigin
    }

    /// The first value of a query parameter.
    public func query(_ name: String) -> String? { request.query(name) }

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
        set { state.withLock { $0.storage[type] = newValue } }
    }

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

extension JSONValue {
    fileprivate func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
        var bytes: [UInt8] = []
        try JSON.encode(self, into: &bytes)
        return try JSON.decode(type, from: bytes.span)
    }
}
