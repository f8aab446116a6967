import ParleyWire
import Testing

@Suite("Engine.IO 3 payloads (Engine.IO protocol v3, \"Payload\")")
struct EngineIO3PayloadTests {
    private func decode(
        _ bytes: [UInt8], _ framing: EngineIO3PayloadDecoder.Framing = .text, maximumPackets: Int = 1000
    ) throws -> [String] {
        var decoder = EngineIO3PayloadDecoder(framing: framing, maximumPackets: maximumPackets)
        var packets: [String] = []
        while let packet = try decoder.next(bytes.span) {
            switch packet {
            case .text(let type, let range):
                packets.append(
                    String(decoding: [type.rawValue] + Array(bytes[range]), as: UTF8.self))
            case .binary(let content): packets.append("binary \(content)")
            }
        }
        return packets
    }

    private func decode(_ text: String) throws -> [String] { try decode(Array(text.utf8)) }

    @Test("lengths count UTF-16 code units, as JavaScript does")
    func text() throws {
        #expect(try decode("6:4hello2:4€1:2") == ["4hello", "4€", "2"])
        #expect(try decode("3:4🎉7:4a🎉é🎉") == ["4🎉", "4a🎉é🎉"])
        #expect(try decode("06:4hello") == ["4hello"])
    }

    @Test("binary is base64 behind b4")
    func base64() throws {
        #expect(try decode("10:b4AQIDBA==1:2") == ["binary [1, 2, 3, 4]", "2"])
        #expect(try decode("2:b4") == ["binary []"])
    }

    @Test("the binary framing counts bytes, in digits that are no characters")
    func binary() throws {
        let payload: [UInt8] = [0, 6, 0xFF] + Array("4€€".utf8.prefix(4)) + Array("ab".utf8)
        #expect(try decode(payload, .binary) == ["4€ab"])
        let mixed: [UInt8] =
            [0, 1, 0, 0xFF] + Array("4123456789".utf8) + [1, 4, 0xFF, 4, 0, 1, 0xFF] + [1, 1, 0xFF, 4]
        #expect(try decode(mixed, .binary) == ["4123456789", "binary [0, 1, 255]", "binary []"])
        #expect(try decode([0, 4, 0xFF] + Array("b4AA".utf8), .binary) == ["binary [0]"])
    }

    @Test(
        "malformed text payloads are errors",
        arguments: [
            ("", EngineIOError.emptyPacket), ("6:4hello!", .invalidLength), ("6:4hell", .truncatedPacket),
            ("5:4hello", .invalidLength), (":4hello", .invalidLength), ("-1:4hello", .invalidLength),
            ("+6:4hello", .invalidLength), (" 6:4hello", .invalidLength), ("6.0:4hello", .invalidLength),
            ("0x6:4hello", .invalidLength), ("1e1:4hello", .invalidLength), ("0:", .emptyPacket),
            ("6", .truncatedPacket), ("4hello", .invalidLength), ("2:4🎉", .splitSurrogatePair),
            ("99999999999999999999999999:4", .truncatedPacket), ("9223372036854775807:4", .truncatedPacket),
            ("1:9", .unknownType(0x39)), ("1:b", .emptyPacket), ("2:b2", .unknownType(0x32)),
            ("3:b4*", .invalidBase64), ("4hello\u{1E}2", .invalidLength),
        ])
    func malformed(_ payload: String, _ error: EngineIOError) {
        #expect(throws: error) { try decode(payload) }
    }

    @Test("text that is not UTF-8 is an error, wherever it is cut")
    func invalidUTF8() {
        for bad: [UInt8] in [
            [0x80], [0xC3, 0x28], [0xE2, 0x28, 0xA1], [0xFF], [0xF8, 0x88, 0x80, 0x80], [0xC0],
        ] {
            #expect(throws: EngineIOError.invalidUTF8) { try decode(Array("3:4".utf8) + bad + [0x61]) }
        }
        for cut: [UInt8] in [[0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x8E]] {
            #expect(throws: EngineIOError.truncatedPacket) { try decode(Array("3:4".utf8) + cut) }
        }
    }

    @Test("malformed binary payloads are errors")
    func malformedBinary() {
        let cases: [([UInt8], EngineIOError)] = [
            ([0], .invalidLength), ([0, 0xFF], .invalidLength), ([0, 1], .invalidLength),
            ([0, 1, 0xFF], .truncatedPacket), ([1, 5, 0xFF, 4, 1], .truncatedPacket),
            ([2, 1, 0xFF, 0x32], .invalidLength), ([0, 0x31, 0xFF, 0x32], .invalidLength),
            ([0, 0, 0xFF], .emptyPacket), ([1, 0, 0xFF], .emptyPacket), ([1, 1, 0xFF, 2], .unknownType(2)),
            ([0] + [UInt8](repeating: 9, count: 400) + [0xFF], .truncatedPacket),
            ([0, 1, 0xFF, 4], .unknownType(4)),
        ]
        for (payload, error) in cases {
            #expect(throws: error, "\(payload)") { try decode(payload, .binary) }
        }
    }

    @Test("the number of packets is limited")
    func limit() {
        #expect(throws: EngineIOError.tooManyPackets(limit: 3)) {
            try decode(Array("1:21:21:21:2".utf8), maximumPackets: 3)
        }
    }

    @Test("what is encoded is decoded again, in either framing")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            let packets = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                RandomPacket(using: &generator)
            }
            #expect(try decode(RandomPacket.text(packets)) == packets.map(\.description))
            #expect(try decode(RandomPacket.binary(packets), .binary) == packets.map(\.description))
        }
    }

    /// Bytes cut, doubled, changed and moved: any outcome but a trap, and no packet that reaches beyond its payload.
    @Test(
        "mutated payloads are decoded or refused", arguments: [EngineIO3PayloadDecoder.Framing.text, .binary])
    func mutations(_ framing: EngineIO3PayloadDecoder.Framing) {
        var generator = SeededGenerator(seed: 11)
        var refused = 0
        for _ in 0..<20_000 {
            let packets = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                RandomPacket(using: &generator)
            }
            var payload = framing == .text ? RandomPacket.text(packets) : RandomPacket.binary(packets)
            for _ in 0..<Int.random(in: 1...3, using: &generator) { mutate(&payload, &generator) }
            let decoded = try? decode(payload, framing)
            if decoded == nil { refused += 1 }
            let length = decoded?.reduce(0) { $0 + $1.utf8.count } ?? 0
            #expect(length <= 16 * payload.count + 16)
        }
        #expect(refused > 5000 && refused < 20_000)
    }

    private func mutate(_ payload: inout [UInt8], _ generator: inout SeededGenerator) {
        guard !payload.isEmpty else { return }
        let index = Int.random(in: 0..<payload.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: payload.removeSubrange(index...)
        case 1: payload.remove(at: index)
        case 2: payload[index] = UInt8.random(in: 0...255, using: &generator)
        case 3: payload.insert(contentsOf: payload[index...].prefix(9), at: index)
        default: payload.insert(payload[Int.random(in: 0..<payload.count, using: &generator)], at: index)
        }
    }
}

/// A packet of random content, and how payloads have it.
private struct RandomPacket: CustomStringConvertible {
    private enum Content {
        case text(String)
        case binary([UInt8])
    }

    private let content: Content

    init(using generator: inout SeededGenerator) {
        let length = Int.random(in: 0...12, using: &generator)
        if Bool.random(using: &generator) {
            let characters = (0..<length).map { _ in
                "aé€🎉:0\u{0}\u{1E}\"".randomElement(using: &generator) ?? "a"
            }
            content = .text("4" + String(characters))
        } else {
            content = .binary((0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) })
        }
    }

    var description: String {
        switch content {
        case .text(let text): text
        case .binary(let bytes): "binary \(bytes)"
        }
    }

    static func text(_ packets: [RandomPacket]) -> [UInt8] {
        var output: [UInt8] = []
        for packet in packets {
            switch packet.content {
            case .text(let text):
                let bytes = Array(text.utf8)
                EngineIO3PayloadEncoder.append(text: bytes.span, to: &output)
            case .binary(let bytes): EngineIO3PayloadEncoder.append(base64: bytes.span, to: &output)
            }
        }
        return output
    }

    static func binary(_ packets: [RandomPacket]) -> [UInt8] {
        var output: [UInt8] = []
        for packet in packets {
            switch packet.content {
            case .text(let text):
                let bytes = Array(text.utf8)
                EngineIO3PayloadEncoder.append(framed: bytes.span, isBinary: false, to: &output)
            case .binary(let bytes):
                let typed = [EngineIO3.messageType] + bytes
                EngineIO3PayloadEncoder.append(framed: typed.span, isBinary: true, to: &output)
            }
        }
        return output
    }
}
