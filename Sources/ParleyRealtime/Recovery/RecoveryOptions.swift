/// Connection state recovery (Socket.IO protocol 5): a client whose connection broke gets its id, rooms and data back,
/// and the events that it missed.
///
/// What is kept is kept in this server's memory, for each namespace apart, and bounded by count, bytes and time. The
/// oldest goes first; whoever needed it is told by ``Namespace/onRecoveryExpired(_:)`` and begins a new session.
public struct RecoveryOptions: Sendable {
    /// How long a client may be away.
    public var maxDisconnectionDuration: Duration
    /// Whether a client that recovers skips the namespace's middleware, which saw it before.
    public var skipMiddlewares: Bool
    /// The events of a namespace that are kept.
    public var maxPackets: Int
    /// The bytes of a namespace's events that are kept, with 64 for each of them.
    public var maxBytes: Int
    /// The clients of a namespace that may be away at a time; the one that has been longest is given up for the next.
    public var maxSessions: Int

    /// Options; the defaults are 2 minutes, true, 10,000 events, 16 MiB and 10,000 clients.
    public init(
        maxDisconnectionDuration: Duration = .seconds(120), skipMiddlewares: Bool = true,
        maxPackets: Int = 10_000, maxBytes: Int = 16 << 20, maxSessions: Int = 10_000
    ) {
        self.maxDisconnectionDuration = maxDisconnectionDuration
        self.skipMiddlewares = skipMiddlewares
        self.maxPackets = maxPackets
        self.maxBytes = maxBytes
        self.maxSessions = maxSessions
    }
}
