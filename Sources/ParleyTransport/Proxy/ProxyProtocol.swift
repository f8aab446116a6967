/// How connections that proxies begin with a PROXY protocol header (haproxy's `proxy-protocol.txt`, versions 1 and 2) are taken.
///
/// With it every connection to the address must begin with a header: one that doesn't is closed. What the header says is believed,
/// so it counts from the proxies that are named here only.
public struct ProxyProtocol: Sendable, Hashable {
    /// What becomes of a connection that doesn't come from a trusted address.
    public enum Stranger: Sendable, Hashable {
        /// It is closed.
        case closed
        /// It is served under its own address, and must not begin with a header.
        case servedAsItself
    }

    /// The proxies' addresses.
    public var trusted: [AddressRange]
    /// What becomes of connections from elsewhere. ``Stranger/closed`` by default.
    public var strangers = Stranger.closed
    /// The time from the connection's start to the header's end. Beyond: closed. 5 seconds by default.
    public var headerTimeout: Duration = .seconds(5)
    /// The bytes that a header of version 2 may have, 2,048 at most. 536 by default. Beyond: closed. One of version 1 has 107.
    public var maximumHeaderBytes = 536

    /// A header from these proxies, and the defaults.
    public init(trusting trusted: [AddressRange]) {
        self.trusted = trusted
    }

    /// The limit in force.
    var headerLimit: Int { min(max(maximumHeaderBytes, 16), 2048) }

    /// True when a peer's connections begin with a header.
    func trusts(_ peer: SocketAddress?) -> Bool {
        peer.map { trusted.contains($0) } ?? false
    }
}
