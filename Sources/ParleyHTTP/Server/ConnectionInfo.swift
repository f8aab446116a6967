import ParleyTransport

/// What every request of a connection shares.
final class ConnectionInfo: Sendable {
    let remoteAddress: SocketAddress?
    let isSecure: Bool
    let tls: TLSSession?

    init(remoteAddress: SocketAddress?, isSecure: Bool, tls: TLSSession? = nil) {
        self.remoteAddress = remoteAddress
        self.isSecure = isSecure
        self.tls = tls
    }

    convenience init(_ stream: any ByteStream) {
        self.init(remoteAddress: stream.remoteAddress, isSecure: stream.isSecure, tls: stream.tls)
    }
}
