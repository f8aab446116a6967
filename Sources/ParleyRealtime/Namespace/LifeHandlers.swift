/// The handlers of a socket's own life, immutable behind one reference.
final class LifeHandlers: Sendable {
    typealias Connection = @Sendable (Socket) -> AsyncWork?
    typealias Disconnect = @Sendable (Socket, DisconnectReason) -> AsyncWork?

    let connection: [Connection]
    let disconnecting: [Disconnect]
    let disconnect: [Disconnect]

    static let empty = LifeHandlers(connection: [], disconnecting: [], disconnect: [])

    private init(connection: [Connection], disconnecting: [Disconnect], disconnect: [Disconnect]) {
        self.connection = connection
        self.disconnecting = disconnecting
        self.disconnect = disconnect
    }

    var hasDisconnect: Bool { !disconnecting.isEmpty || !disconnect.isEmpty }

    func adding(connection handler: @escaping Connection) -> LifeHandlers {
        LifeHandlers(connection: connection + [handler], disconnecting: disconnecting, disconnect: disconnect)
    }

    func adding(disconnecting handler: @escaping Disconnect) -> LifeHandlers {
        LifeHandlers(connection: connection, disconnecting: disconnecting + [handler], disconnect: disconnect)
    }

    func adding(disconnect handler: @escaping Disconnect) -> LifeHandlers {
        LifeHandlers(connection: connection, disconnecting: disconnecting, disconnect: disconnect + [handler])
    }
}
