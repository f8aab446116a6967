/// The type of a Socket.IO packet (Socket.IO protocol v5, "Packet types"); the raw value is its first byte.
public enum SocketIOPacketType: UInt8, Sendable {
    case connect = 0x30
    case disconnect = 0x31
    case event = 0x32
    case ack = 0x33
    case connectError = 0x34
    case binaryEvent = 0x35
    case binaryAck = 0x36

    /// True for the types that are followed by attachments.
    public var isBinary: Bool { self == .binaryEvent || self == .binaryAck }
}

/// What a Socket.IO v5 decoder accepts.
public struct SocketIOLimits: Sendable {
    /// Attachments of one packet.
    public var attachments = 10
    /// Bytes of a namespace's name.
    public var namespaceBytes = 256
    /// Bytes of the query behind a namespace's name, `?` included: what Socket.IO 1.x and 2.x clients have in place of `auth`.
    public var namespaceQueryBytes = 4096
    /// Digits of an acknowledgement id.
    public var acknowledgementDigits = 15
    /// Nesting of JSON.
    public var jsonDepth = 128

    /// The defaults.
    public init() {}
}

/// What is wrong with bytes that should be a Socket.IO packet.
public enum SocketIOError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A rule of the protocol was broken.
    case malformed(String)
    /// A limit was exceeded.
    case limit(String)

    /// The rule or the limit.
    public var description: String {
        switch self {
        case .malformed(let rule): "Socket.IO: \(rule)"
        case .limit(let limit): "Socket.IO: \(limit)"
        }
    }
}

/// Everything in front of a Socket.IO packet's JSON, and where the JSON lies:
/// `<type>[<attachments>-][<namespace>,][<acknowledgement id>][JSON]`.
public struct SocketIOPacketHead: Sendable, Equatable {
    /// The type.
    public var type: SocketIOPacketType
    /// The number of binary messages that follow.
    public var attachments = 0
    /// Where the namespace's name lies in the input, with its leading slash; nil for the root namespace `/`.
    public var namespace: Range<Int>?
    /// The acknowledgement id.
    public var id: UInt64?
    /// Where the JSON lies; empty when there is none.
    public var payload: Range<Int>
}
