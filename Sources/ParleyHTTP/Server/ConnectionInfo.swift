import ParleyTransport

/// What every request of a connection shares.
final class ConnectionInfo: Sendable {
    let loop: EventLoop
    let remoteAddress: SocketAddress?
    let isSecure: Bool
    let tls: TLSSession?
    /// What a proxy told by the PROXY protocol.
    let proxiedClient: ProxiedClient?

    init(
        loop: EventLoop, remoteAddress: SocketAddress?, isSecure: Bool, tls: TLSSession? = nil,
        proxiedClient: ProxiedClient? = nil
    ) {
        self.loop = loop
        self.remoteAddress = remoteAddress
        self.isSecure = isSecure
        self.tls = tls
        self.proxiedClient = proxiedClient
    }

    /// The one who connected, as far as the connection tells.
    var clientAddress: SocketAddress? { proxiedClient?.address ?? remoteAddress }

    /// Whether that one's bytes came encrypted.
    var isClientSecure: Bool { isSecure || proxiedClient?.tls != nil }

    convenience init(_ stream: any ByteStream) {
        self.init(
            loop: stream.loop, remoteAddress: stream.remoteAddress, isSecure: stream.isSecure,
            tls: stream.tls,
            proxiedClient: stream.proxiedClient)
    }
}
