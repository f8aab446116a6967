/// A message of a ``WebSocket``.
public enum WebSocketMessage: Sendable, Equatable {
    /// A text.
    case text(String)
    /// Bytes.
    case binary([UInt8])

    /// The bytes of the payload.
    var byteCount: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .binary(let bytes): bytes.count
        }
    }
}

/// Why a ``WebSocket`` can't be used any more.
public struct WebSocketClosed: Error, Sendable, Equatable {
    /// The close code; see ``WebSocketHandler/closed(_:code:reason:)``.
    public let code: UInt16
    /// The reason that came with it.
    public let reason: String
}
