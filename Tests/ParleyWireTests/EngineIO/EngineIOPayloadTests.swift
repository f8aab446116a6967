import ParleyWire
import Testing

@Suite("Engine.IO 4 payloads")
struct EngineIOPayloadTests {
    private func decode(_ text: String, maximumPackets: Int = 1000) throws -> [EngineIOPacket] {
        let bytes = Array(text.utf8)
        var decoder = EngineIOPayloadDecoder(maximumPackets: maximumPackets)
        var packets: [EngineIOPacket] = []
        while let packet = try decoder.next(bytes.span) { packets.append(packet) }
        return packets
    }

    @Test("packets are separated by U+001E, and binary ones are base64 behind b")
    func severalPackets() throws {
        let packets = try decode("4hello\u{1E}2\u{1E}bAQIDBA==\u{1E}4")
        #expect(
            packets == [
                .text(.message, 1..<6), .text(.ping, 8..<8), .binary([1, 2, 3, 4]), .text(.message, 20..<20),
            ])
    }

    @Test(
        "malformed payloads are errors",
        arguments: [
            ("", EngineIOError.emptyPacket), ("4a\u{1E}", .emptyPacket), ("\u{1E}4a", .emptyPacket),
            ("9", .unknownType(0x39)), ("x4", .unknownType(0x78)), ("b*", .invalidBase64),
        ])
    func malformed(_ payload: String, _ error: EngineIOError) {
        #expect(throws: error) { try decode(payload) }
    }

    @Test("the number of packets is limited")
    func limit() {
        #expect(throws: EngineIOError.tooManyPackets(limit: 3)) {
            try decode("4\u{1E}4\u{1E}4\u{1E}4", maximumPackets: 3)
        }
    }

    @Test("a text frame's type is its first byte")
    func textFrame() throws {
        #expect(try EngineIOPacketType.ofTextFrame(Array("3probe".utf8).span) == .pong)
        #expect(throws: EngineIOError.emptyPacket) { try EngineIOPacketType.ofTextFrame([UInt8]().span) }
        #expect(throws: EngineIOError.unknownType(0x37)) {
            try EngineIOPacketType.ofTextFrame([UInt8]("7".utf8).span)
        }
    }
}
