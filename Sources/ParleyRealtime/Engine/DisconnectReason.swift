/// Why a socket is gone; the raw values are the names that Socket.IO servers and clients use.
public enum DisconnectReason: String, Sendable, CustomStringConvertible {
    /// The client closed or lost its connection.
    case transportClose = "transport close"
    /// The connection failed, or the client broke a transport's rules.
    case transportError = "transport error"
    /// No pong came in time.
    case pingTimeout = "ping timeout"
    /// The client sent something that is not Engine.IO or Socket.IO.
    case parseError = "parse error"
    /// The client left the namespace (`socket.disconnect()` there).
    case clientNamespaceDisconnect = "client namespace disconnect"
    /// The server made the socket leave (`socket.disconnect()` here).
    case serverNamespaceDisconnect = "server namespace disconnect"
    /// The server closed the connection.
    case forcedServerClose = "forced server close"
    /// The server shuts down.
    case serverShuttingDown = "server shutting down"

    /// The client's identity expired (``Handshake/expires(at:)``).
    case identityExpired = "identity expired"
    /// The client sent more than ``FloodLimit`` allows.
    case flood = "flood"

    /// The raw value.
    public var description: String { rawValue }
}
