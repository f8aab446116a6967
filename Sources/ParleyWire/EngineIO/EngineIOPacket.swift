/// The type of an Engine.IO packet: the first byte of a text packet (Engine.IO protocol, "Packet types").
public enum EngineIOPacketType: UInt8, Sendable {
    case open = 0x30
    case close = 0x31
    case ping = 0x32
    case pong = 0x33
    case message = 0x34
    case upgrade = 0x35
    case noop = 0x36
}

/// An Engine.IO packet, as it lies in the bytes that carried it.
public enum EngineIOPacket: Sendable, Equatable {
    /// A text packet: its type, and where its data lies in the input.
    case text(EngineIOPacketType, Range<Int>)
    /// A binary message that a polling payload carried as base64 (`b...`, in v3 `b4...`) or raw (v3), decoded.
    case binary([UInt8])
}

/// What is wrong with bytes that should be Engine.IO packets.
public enum EngineIOError: Error, Sendable, Equatable, CustomStringConvertible {
    /// An empty packet.
    case emptyPacket
    /// The first byte is no packet type.
    case unknownType(UInt8)
    /// Base64 that RFC 4648 section 4 does not allow.
    case invalidBase64
    /// A payload with more packets than the limit.
    case tooManyPackets(limit: Int)
    /// A length that is no number (v3).
    case invalidLength
    /// A length that exceeds what came (v3).
    case truncatedPacket
    /// A length that ends within a character of two UTF-16 code units (v3).
    case splitSurrogatePair
    /// Bytes that are no UTF-8 where a length counts characters (v3).
    case invalidUTF8

    /// The rule that the bytes broke.
    public var description: String {
        switch self {
        case .emptyPacket: "Engine.IO: empty packet"
        case .unknownType(let byte): "Engine.IO: unknown packet type 0x\(String(byte, radix: 16))"
        case .invalidBase64: "Engine.IO: invalid base64 (RFC 4648 section 4)"
        case .tooManyPackets(let limit): "Engine.IO: more than \(limit) packets in a payload"
        case .invalidLength: "Engine.IO: a packet's length is no number"
        case .truncatedPacket: "Engine.IO: a packet's length exceeds the payload"
        case .splitSurrogatePair: "Engine.IO: a packet's length ends within a surrogate pair"
        case .invalidUTF8: "Engine.IO: a payload is not UTF-8"
        }
    }
}

extension EngineIOPacketType {
    /// The type of a packet that came as a WebSocket text frame; its data is everything behind the first byte.
    public static func ofTextFrame(_ frame: Span<UInt8>) throws(EngineIOError) -> EngineIOPacketType {
        guard frame.count > 0 else { throw .emptyPacket }
        guard let type = EngineIOPacketType(rawValue: frame[0]) else { throw .unknownType(frame[0]) }
        return type
    }
}
