import ParleyWire

/// What a trusted proxy told about the client behind a connection, by the PROXY protocol; see ``ProxyProtocol``.
public final class ProxiedClient: Sendable {
    /// The client's address; nil when the proxy doesn't know it, or made the connection for itself (a health check).
    public let address: SocketAddress?
    /// The address that the client connected to.
    public let destination: SocketAddress?
    /// The host name that the client asked for, usually by SNI.
    public let serverName: String?
    /// The protocol that the client's side agreed upon by ALPN, such as `h2`.
    public let applicationProtocol: String?
    /// The proxy's name for the connection.
    public let uniqueID: [UInt8]?
    /// The client's TLS connection, which ends at the proxy; nil when it came in clear text, or the proxy doesn't say.
    public let tls: TLS?

    /// A TLS connection that ends at a proxy.
    public struct TLS: Sendable, Hashable {
        /// The protocol's version as the proxy writes it, such as `TLSv1.3`.
        public let version: String?
        /// The cipher by OpenSSL's name.
        public let cipher: String?
        /// The common name of the client's certificate.
        public let commonName: String?
        /// True when the client showed a certificate, and the proxy believed it.
        public let isVerified: Bool
    }

    init(_ header: ProxyHeader) {
        address = header.source.map { SocketAddress($0) }
        destination = header.destination.map { SocketAddress($0) }
        serverName = header.authority
        applicationProtocol = header.applicationProtocol
        uniqueID = header.uniqueID
        tls = header.tls.map {
            TLS(
                version: $0.version, cipher: $0.cipher, commonName: $0.commonName, isVerified: $0.isVerified)
        }
    }
}

extension SocketAddress {
    fileprivate init(_ endpoint: ProxyHeader.Endpoint) {
        switch endpoint.address {
        case .internet4(let address): self.init(storage: .internet4(address), port: endpoint.port)
        case .internet6(let high, let low):
            self.init(storage: .internet6(high: high, low: low, scope: 0), port: endpoint.port)
        case .unix(let path): self.init(unixPath: String(decoding: path, as: UTF8.self))
        }
    }
}
