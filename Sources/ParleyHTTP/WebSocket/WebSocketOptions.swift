public import ParleyWire

/// How WebSocket connections of a route behave.
public struct WebSocketOptions: Sendable {
    /// The limits of what a peer may send. What exceeds one closes with 1009.
    public var limits = WebSocketLimits()
    /// The time from a message's first frame to its last; it begins anew when this side, having paused reading, reads on.
    /// Beyond: closed with 1008. Nil is no limit.
    public var messageTimeout: Duration? = .seconds(60)
    /// The time without a byte from the peer after which it is pinged, unless this side doesn't read: then nobody waits for
    /// pongs. Nil leaves pings to somebody else.
    public var pingInterval: Duration? = .seconds(30)
    /// The time that the peer then has to send anything at all. Beyond: the connection is gone (1006).
    public var pongTimeout: Duration = .seconds(20)
    /// The time that the peer has to answer a close frame, once it has taken what was sent before it.
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
    /// Which pages may connect, by the `Origin` that browsers send. Its credentials don't matter here: browsers send cookies
    /// with every handshake.
    public var origins: OriginPolicy = .sameOrigin
    /// The bytes of messages that a ``WebSocket`` buffers while nobody reads; beyond, it stops reading until
    /// half of them are taken.
    public var inboundBufferBytes = 64 * 1024

    /// The defaults.
    public init() {}
}

extension OriginPolicy {
    /// True when a handshake may go on (RFC 6455 10.2).
    func allows(_ request: Request) -> Bool { decide(request) != .refused }
}
