public import ParleyWire

/// How WebSocket connections of a route behave.
public struct WebSocketOptions: Sendable {
    /// The limits of what a peer may send. What exceeds one closes with 1009.
    public var limits = WebSocketLimits()
    /// The time from a message's first frame to its last. Beyond: closed with 1008. Nil is no limit.
    public var messageTimeout: Duration? = .seconds(60)
    /// The time without a byte from the peer after which it is pinged. Nil leaves pings to somebody else.
    public var pingInterval: Duration? = .seconds(30)
    /// The time that the peer then has to send anything at all. Beyond: the connection is gone (1006).
    public var pongTimeout: Duration = .seconds(20)
    /// The time that the peer has to answer a close frame.
    public var closeTimeout: Duration = .seconds(5)
    /// The subprotocols that the server speaks; the client's order of preference decides.
    public var subprotocols: [String] = []
    /// Chooses among the subprotocols that the client offers, in its order, instead of ``subprotocols``. Nil agrees on none,
    /// and so does one that was not offered.
    public var selectSubprotocol: (@Sendable (_ offered: [String], _ request: Request) -> String?)?
    /// How messages are compressed, where the client offers it (permessage-deflate); nil doesn't.
    public var compression: WebSocketCompression?
    /// What a ``WebSocket`` does with messages for a peer that is too slow, unless told otherwise at the send.
    public var slowPeer: WebSocketSendPolicy = .suspend
    /// Which pages may connect.
    public var origins: WebSocketOriginPolicy = .sameOrigin
    /// The bytes of messages that a ``WebSocket`` buffers while nobody reads; beyond, it stops reading.
    public var inboundBufferBytes = 64 * 1024

    /// The defaults.
    public init() {}
}

/// Which pages may open a WebSocket, by the `Origin` that browsers send (RFC 6455 10.2). A request without `Origin`
/// comes from no browser and is always let through.
public enum WebSocketOriginPolicy: Sendable, Equatable {
    /// Pages of the host and port that the request is for.
    case sameOrigin
    /// Pages of these origins, such as `https://example.com`, and of the same origin.
    case listed([String])
    /// Every page. Only for what needs no cookie and harms nobody.
    case any

    /// True when a request may go on.
    func allows(_ request: Request) -> Bool {
        guard self != .any, let origin = request.header(.origin)?.lowercased() else { return true }
        if request.isSameOrigin { return true }
        guard case .listed(let origins) = self else { return false }
        return origins.contains { $0.lowercased() == origin }
    }
}
