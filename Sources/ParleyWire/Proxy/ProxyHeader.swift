/// What a proxy says about a connection that it passes on, before the connection's own bytes (the PROXY protocol of haproxy's
/// `proxy-protocol.txt`, section 2).
public struct ProxyHeader: Sendable, Equatable {
    /// An address, as its family has it.
    public enum Address: Sendable, Equatable {
        /// An IPv4 address in host byte order.
        case internet4(UInt32)
        /// The halves of an IPv6 address in host byte order.
        case internet6(high: UInt64, low: UInt64)
        /// The path of a Unix domain socket, without its padding; empty for one without a name.
        case unix([UInt8])
    }

    /// One end of the connection between the client and the proxy.
    public struct Endpoint: Sendable, Equatable {
        /// The address.
        public var address: Address
        /// The port; 0 for a Unix domain socket.
        public var port: UInt16

        /// An address with its port.
        public init(_ address: Address, port: UInt16 = 0) {
            self.address = address
            self.port = port
        }
    }

    /// The client's TLS connection to the proxy (`PP2_TYPE_SSL`, section 2.2.5).
    public struct TLS: Sendable, Equatable {
        /// The protocol's version as the proxy writes it, such as `TLSv1.3`.
        public var version: String?
        /// The cipher, such as `ECDHE-RSA-AES128-GCM-SHA256`.
        public var cipher: String?
        /// The common name of the client's certificate.
        public var commonName: String?
        /// True when the client showed a certificate, and the proxy believed it.
        public var isVerified = false

        /// A connection of which nothing else is known.
        public init() {}
    }

    /// The client; nil when the proxy doesn't know (`UNKNOWN`, `UNSPEC`), or speaks for itself (`LOCAL`).
    public var source: Endpoint?
    /// What the client connected to.
    public var destination: Endpoint?
    /// True when the proxy made the connection for itself, such as to check the server's health (`LOCAL`).
    public var isLocal = false
    /// The host name that the client asked for, usually by SNI (`PP2_TYPE_AUTHORITY`).
    public var authority: String?
    /// The protocol that the client's side has agreed upon (`PP2_TYPE_ALPN`).
    public var applicationProtocol: String?
    /// The proxy's name for the connection (`PP2_TYPE_UNIQUE_ID`).
    public var uniqueID: [UInt8]?
    /// Nil when the client came in clear text, or the proxy doesn't say.
    public var tls: TLS?

    /// A header that says nothing.
    public init() {}
}
