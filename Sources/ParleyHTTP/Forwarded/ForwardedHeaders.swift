public import ParleyTransport

/// Takes the client's address, scheme and host from what trusted proxies wrote into the request.
///
/// Proxies append: the last address in the field is that of the nearest one's client. The field is read from its end, for as
/// long as the address that was reached is a trusted proxy's, so that what a client writes itself is never believed: it stands
/// before what the first trusted proxy appended. Behind an address that is malformed or hidden (`unknown`, `_name`), nothing counts.
///
/// ```swift
/// app.use(ForwardedHeaders(trusting: [.loopback, .unix]))
/// ```
///
/// Use it first: what comes before it sees the nearest proxy. ``Request/clientAddress``, ``Request/isSecure``,
/// ``Request/scheme`` and ``Request/authority`` then are the client's, also for upgrades and for realtime handshakes.
public struct ForwardedHeaders: Middleware {
    /// Which fields the proxies write. Only one kind is read: a proxy leaves the other as the client sent it.
    public enum Kind: Sendable, Hashable {
        /// `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-Port`.
        case xForwarded
        /// `Forwarded` (RFC 7239).
        case forwarded
    }

    /// What is taken beside the address. Name only what every trusted proxy sets: what it leaves alone is the client's to write.
    public struct Parts: OptionSet, Sendable, Hashable {
        /// The parts as bits.
        public let rawValue: Int
        /// `X-Forwarded-Proto`, or `proto`.
        public static let scheme = Parts(rawValue: 1)
        /// `X-Forwarded-Host`, or `host`.
        public static let host = Parts(rawValue: 2)
        /// `X-Forwarded-Port`. RFC 7239 has the port in `host`.
        public static let port = Parts(rawValue: 4)

        /// Parts as bits.
        public init(rawValue: Int) { self.rawValue = rawValue }
    }

    /// The fields that are read.
    public var kind: Kind
    /// The proxies' addresses; ``AddressRange/unix`` for one that comes by a Unix domain socket.
    public var trusted: [AddressRange]
    /// How many proxies there are at most between this server and its clients; nil is as many as are trusted. With a number the
    /// ranges may be wide: no address beyond it is asked for.
    public var hops: Int?
    /// What is taken beside the address. The scheme by default.
    public var parts: Parts = .scheme
    /// The elements of the field that are read, counted from the end. Behind them nothing counts. 32 by default.
    public var maximumElements = 32

    /// Reads one kind of fields from these proxies.
    ///
    /// - Parameters:
    ///   - trusted: the proxies' addresses.
    ///   - hops: how many proxies there are at most; nil is as many as are trusted.
    ///   - kind: the fields that they write.
    ///   - parts: what is taken beside the address.
    public init(
        trusting trusted: [AddressRange], hops: Int? = nil, kind: Kind = .xForwarded, parts: Parts = .scheme
    ) {
        self.trusted = trusted
        self.hops = hops
        self.kind = kind
        self.parts = parts
    }

    /// Passes the request on as the client's.
    public func respond(to request: Request, next: Next) async throws -> Response {
        guard let client = client(of: request) else { return try await next(request) }
        var request = request
        request.forwardedClient = client
        return try await next(request)
    }

    /// What trusted proxies told; nil when the request doesn't come from one, or says nothing.
    func client(of request: Request) -> ForwardedClient? {
        let connection = request.context.connection
        guard hops ?? 1 > 0, let peer = connection.clientAddress, trusted.contains(peer) else { return nil }
        let trail: any ForwardedTrail =
            switch kind {
            case .xForwarded: XForwardedTrail(request.head.headers, limit: maximumElements)
            case .forwarded: ForwardedElements(request.head.headers, limit: maximumElements)
            }
        let (address, distance) = walk(trail, from: peer)
        var client = ForwardedClient()
        client.address = distance > 0 ? address : nil
        // The nearest proxy may tell of scheme and host alone.
        let hop = max(distance, 1)
        if parts.contains(.scheme) { client.isSecure = trail.isSecure(at: hop) }
        let isSecure = client.isSecure ?? connection.isClientSecure
        client.authority = authority(trail, at: hop, isSecure: isSecure, of: request)
        return client == ForwardedClient() ? nil : client
    }

    /// The last address that can be believed, and how many elements lead to it.
    private func walk(_ trail: any ForwardedTrail, from peer: SocketAddress) -> (SocketAddress, Int) {
        var (address, distance) = (peer, 0)
        while distance < hops ?? .max, trusted.contains(address),
            let before = trail.address(at: distance + 1)
        {
            address = before
            distance += 1
        }
        return (address, distance)
    }

    private func authority(
        _ trail: any ForwardedTrail, at hop: Int, isSecure: Bool, of request: Request
    ) -> String? {
        let host = parts.contains(.host) ? trail.host(at: hop) : nil
        guard parts.contains(.port), let port = trail.port(at: hop) else { return host }
        guard let authority = host ?? request.head.authority, !authority.isEmpty else { return host }
        let name = ForwardedHost(authority)
        // A host that names a port itself knows better.
        if host != nil, name.hasPort { return host }
        return port == (isSecure ? 443 : 80) ? name.withoutPort : "\(name.withoutPort):\(port)"
    }
}

/// What trusted proxies told of a request; nil where they told nothing.
struct ForwardedClient: Sendable, Equatable {
    var address: SocketAddress?
    var isSecure: Bool?
    var authority: String?
}

extension Request {
    /// Empty storage costs nothing.
    var forwardedClient: ForwardedClient? {
        get { self[ForwardedClient.self] }
        set { self[ForwardedClient.self] = newValue }
    }
}
