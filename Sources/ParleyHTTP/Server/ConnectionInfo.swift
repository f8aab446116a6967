import ParleyTransport

/// What every request of a connection shares.
final class ConnectionInfo: Sendable {
    let remoteAddress: SocketAddress?
    let isSecure: Bool

    init(remoteAddress: SocketAddress?, isSecure: Bool) {
        self.remoteAddress = remoteAddress
        self.isSecure = isSecure
    }

    convenience init(_ stream: any ByteStream) {
        self.init(remoteAddress: stream.remoteAddress, isSecure: stream.isSecure)
    }
}
