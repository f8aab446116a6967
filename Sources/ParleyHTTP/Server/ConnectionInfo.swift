import ParleyTransport

/// What every request of a connection shares.
final class ConnectionInfo: Sendable {
    let loop: EventLoop
    let remoteAddress: SocketAddress?
    let isSecure: Bool
    let tls: TLSSession?

    init(loop: EventLoop, remoteAddress: SocketAddress?, isSecure: Bool, tls: TLSSession? = nil) {
        self.loop = loop
        self.remoteAddress = remoteAddress
        self.isSecure = isSecure
        self.tls = tls
    }

    convenience init(_ stream: any ByteStream) {
        self.init(
            loop: stream.loop, remoteAddress: stream.remoteAddress, isSecure: stream.isSecure, tls: stream.tls
        )
    }
}
