/// Writes the packets of Engine.IO v3 polling payloads (Engine.IO protocol v3, "Payload").
public enum EngineIO3PayloadEncoder {
    /// Appends a text packet in the text framing: its length in UTF-16 code units, a colon, the packet.
    public static func append(text packet: Span<UInt8>, to output: inout [UInt8]) {
        SocketIOEncoder.appendDecimal(UInt64(utf16CodeUnits(of: packet)), into: &output)
        output.append(UInt8(ascii: ":"))
        append(packet, to: &output)
    }

    /// Appends a binary message in the text framing: the same, of `b4` and base64.
    public static func append(base64 message: Span<UInt8>, to output: inout [UInt8]) {
        SocketIOEncoder.appendDecimal(UInt64(2 + (message.count + 2) / 3 * 4), into: &output)
        output.append(contentsOf: [UInt8(ascii: ":"), UInt8(ascii: "b"), EngineIOPacketType.message.rawValue])
        Base64.encode(message, into: &output)
    }

    /// Appends a packet in the binary framing; a binary one begins with its type as a number.
    public static func append(framed packet: Span<UInt8>, isBinary: Bool, to output: inout [UInt8]) {
        output.append(isBinary ? 1 : 0)
        let start = output.count
        SocketIOEncoder.appendDecimal(UInt64(packet.count), into: &output)
        for index in start..<output.count { output[index] -= UInt8(ascii: "0") }
        output.append(0xFF)
        append(packet, to: &output)
    }

    /// Whether every client reads a text in the text framing as it was meant. Of what is not ASCII some count characters in
    /// place of code units, and Socket.IO 1.x clients expect it encoded twice; the binary framing all read alike.
    public static func isUnambiguous(_ text: Span<UInt8>) -> Bool {
        for index in 0..<text.count where text[index] >= 0x80 { return false }
        return true
    }

    /// The length of a text as JavaScript has it. The bytes must be UTF-8.
    static func utf16CodeUnits(of text: Span<UInt8>) -> Int {
        var units = 0
        for index in 0..<text.count {
            let byte = text[index]
            if byte & 0xC0 != 0x80 { units += byte >= 0xF0 ? 2 : 1 }
        }
        return units
    }

    private static func append(_ bytes: Span<UInt8>, to output: inout [UInt8]) {
        bytes.withUnsafeBufferPointer { output.append(contentsOf: $0) }
    }
}
