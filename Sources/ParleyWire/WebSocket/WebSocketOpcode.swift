/// What a frame is (RFC 6455 5.2).
public enum WebSocketOpcode: UInt8, Sendable {
    /// A further fragment of a message.
    case continuation = 0x0
    /// The first or only frame of a text message.
    case text = 0x1
    /// The first or only frame of a binary message.
    case binary = 0x2
    /// The closing handshake.
    case close = 0x8
    /// A ping.
    case ping = 0x9
    /// A pong.
    case pong = 0xA

    /// True for the frames that may stand between the fragments of a message.
    public var isControl: Bool { rawValue >= 0x8 }
}

/// Which side of a connection one is.
public enum WebSocketRole: Sendable {
    /// Receives masked frames, sends unmasked ones.
    case server
    /// Receives unmasked frames, sends masked ones.
    case client
}

/// The close codes (RFC 6455 7.4) that a program sends or compares with.
public enum WebSocketCloseCode {
    /// The purpose of the connection is fulfilled.
    public static let normal: UInt16 = 1000
    /// The server shuts down, or the page was left.
    public static let goingAway: UInt16 = 1001
    /// The peer broke the protocol.
    public static let protocolError: UInt16 = 1002
    /// The peer sent a kind of data that isn't accepted.
    public static let unsupportedData: UInt16 = 1003
    /// Never sent: the close frame had no code.
    public static let noCode: UInt16 = 1005
    /// Never sent: the connection ended without a close frame.
    public static let abnormal: UInt16 = 1006
    /// Text that isn't UTF-8.
    public static let invalidPayload: UInt16 = 1007
    /// The peer broke a policy.
    public static let policyViolation: UInt16 = 1008
    /// The message is too big.
    public static let tooBig: UInt16 = 1009
    /// The server met an unexpected condition.
    public static let internalError: UInt16 = 1011
    /// The server restarts or is overloaded: try again later.
    public static let tryAgainLater: UInt16 = 1013

    /// True when the code may stand in a close frame: 1000-1003, 1007-1014 and 3000-4999.
    public static func isValid(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
