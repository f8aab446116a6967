/// The revision of the Engine.IO protocol that a client speaks, as its `EIO` query parameter says.
public enum EngineIORevision: Int, Sendable {
    /// Spoken by Socket.IO 1.x and 2.x clients: payloads with lengths, and pings that the client sends.
    case three = 3
    /// Spoken by Socket.IO 3.x and 4.x clients: payloads with separators, and pings that the server sends.
    case four = 4
}
