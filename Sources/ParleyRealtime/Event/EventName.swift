/// Event names that Socket.IO keeps for itself.
enum EventName {
    private static let reserved: Set<String> = [
        "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
    ]

    static func isReserved(_ name: String) -> Bool {
        // Every reserved name starts with one of these; most others are told apart by their first byte.
        switch name.utf8.first {
        case UInt8(ascii: "c"), UInt8(ascii: "d"), UInt8(ascii: "n"), UInt8(ascii: "r"):
            reserved.contains(name)
        default: false
        }
    }

    /// Throws for a name that may not be emitted.
    static func check(_ name: String) throws(EventError) {
        guard !isReserved(name) else { throw EventError(event: name, stage: .reservedName, underlying: nil) }
    }
}

/// What became of an event that was emitted to one socket.
public enum EmitResult: Sendable {
    /// It is on its way.
    case sent
    /// The client is behind (``SlowClientPolicy``): it waits until the client has taken what came before.
    case queued
    /// It was volatile, and the client could not take it at once; or it did not fit what a ``SlowClientPolicy`` lets wait.
    case dropped
    /// The client is away, and gets it if its session is recovered (``RecoveryOptions``).
    case awaitsRecovery
    /// The socket is disconnected.
    case disconnected
    /// It could not be encoded, or its name is reserved.
    case failed(any Error)

    /// True when the event is on its way.
    public var isSent: Bool {
        switch self {
        case .sent, .queued: true
        default: false
        }
    }
}
