/// The forms that Engine.IO v3 gives to binary messages, in polling payloads and in WebSocket messages alike.
public enum EngineIO3 {
    /// The first byte of a binary message: its type as a number.
    public static let messageType: UInt8 = 0x04

    /// Where the content of a binary packet lies: behind its type, which must be that of a message.
    public static func binaryMessage(_ packet: Span<UInt8>) throws(EngineIOError) -> Range<Int> {
        guard packet.count > 0 else { throw .emptyPacket }
        guard packet[0] == messageType else { throw .unknownType(packet[0]) }
        return 1..<packet.count
    }

    /// The content of a text packet that stands for a binary message: `b4` and base64. Nil for any other packet.
    public static func base64Message(_ packet: Span<UInt8>) throws(EngineIOError) -> [UInt8]? {
        guard packet.count > 0, packet[0] == UInt8(ascii: "b") else { return nil }
        guard packet.count > 1 else { throw .emptyPacket }
        guard packet[1] == EngineIOPacketType.message.rawValue else { throw .unknownType(packet[1]) }
        guard let bytes = Base64.decode(packet.extracting(droppingFirst: 2)) else { throw .invalidBase64 }
        return bytes
    }
}
