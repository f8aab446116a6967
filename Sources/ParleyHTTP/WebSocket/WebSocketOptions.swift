public import ParleyWire

/// How WebSocket connections of a route behave.
public struct WebSocketOptions: Sendable {
    /// Behind a reference, as every connection has its copy.
    private var shared = Shared(Values())

    /// The limits of what a peer may send. What exceeds one closes with 1009.
    public var limits: WebSocketLimits {
        get { shared.values.limits }
        set { change { $0.limits = newValue } }
    }
    /// The time from a message's first frame to its last; it begins anew when this side, having paused reading, reads on.
    /// Beyond: closed with 1008. Nil is no limit.
    public var messageTimeout: Duration? {
        get { shared.values.messageTimeout }
        set { change { $0.messageTimeout = newValue } }
    }
    /// The time without a byte from the peer after which it is pinged, unless this side doesn't read: then nobody waits for
    /// pongs. Nil leaves pings to somebody else.
    public var pingInterval: Duration? {
        get { shared.values.pingInterval }
        set { change { $0.pingInterval = newValue } }
    }
    /// The time that the peer then has to send anything at all. Beyond: the connection is gone (1006).
    public var pongTimeout: Duration {
        get { shared.values.pongTimeout }
        set { change { $0.pongTimeout = newValue } }
    }
    /// The time that the peer has to answer a close frame, once it has taken what was sent before it.
    public var closeTimeout: Duration {
        get { shared.values.closeTimeout }
        set { change { $0.closeTimeout = newValue } }
    }
    /// The subprotocols that the server speaks; the client's order of preference decides.
    public var subprotocols: [String] {
        get { shared.values.subprotocols }
        set { change { $0.subprotocols = newValue } }
    }
    /// Chooses among the subprotocols that the client offers, in its order, instead of ``subprotocols``. Nil agrees on none,
    /// and so does one that was not offered.
    public var selectSubprotocol: (@Sendable (_ offered: [String], _ request: Request) -> String?)? {
        get { shared.values.selectSubprotocol }
        set { change { $0.selectSubprotocol = newValue } }
    }
    /// How messages are compressed, where the client offers it (permessage-deflate); nil doesn't.
    public var compression: WebSocketCompression? {
        get { shared.values.compression }
        set { change { $0.compression = newValue } }
    }
    /// What a ``WebSocket`` does with messages for a peer that is too slow, unless told otherwise at the send.
    public var slowPeer: WebSocketSendPolicy {
        get { shared.values.slowPeer }
        set { change { $0.slowPeer = newValue } }
    }
    /// Which pages may connect, by the `Origin` that browsers send. Its credentials don't matter here: browsers send cookies
    /// with every handshake.
    public var origins: OriginPolicy {
        get { shared.values.origins }
        set { change { $0.origins = newValue } }
    }
    /// The bytes of messages that a ``WebSocket`` buffers while nobody reads; beyond, it stops reading until
    /// half of them are taken.
    public var inboundBufferBytes: Int {
        get { shared.values.inboundBufferBytes }
        set { change { $0.inboundBufferBytes = newValue } }
    }

    /// The defaults.
    public init() {}

    private mutating func change(_ change: (inout Values) -> Void) {
        var values = shared.values
        change(&values)
        shared = Shared(values)
    }
}

private struct Values: Sendable {
    var limits: WebSocketLimits = WebSocketLimits()
    var messageTimeout: Duration? = .seconds(60)
    var pingInterval: Duration? = .seconds(30)
    var pongTimeout: Duration = .seconds(20)
    var closeTimeout: Duration = .seconds(5)
    var subprotocols: [String] = []
    var selectSubprotocol: (@Sendable (_ offered: [String], _ request: Request) -> String?)?
    var compression: WebSocketCompression?
    var slowPeer: WebSocketSendPolicy = .suspend
    var origins: OriginPolicy = .sameOrigin
    var inboundBufferBytes: Int = 64 * 1024
}

private final class Shared: Sendable {
    let values: Values

    init(_ values: Values) { self.values = values }
}

extension OriginPolicy {
    /// True when a handshake may go on (RFC 6455 10.2).
    func allows(_ request: Request) -> Bool { decide(request) != .refused }
}
