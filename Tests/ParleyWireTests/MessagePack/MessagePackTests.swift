import ParleyWire
import Testing

@Suite("Socket.IO packets in MessagePack")
struct MessagePackTests {
    /// A packet whose data is that MessagePack: `{type: 2, nsp: "/", data: [value]}`.
    private func packet(_ value: [UInt8]) -> [UInt8] {
        [0x83, 0xA4] + Array("type".utf8) + [0x02, 0xA3] + Array("nsp".utf8) + [0xA1, 0x2F, 0xA4]
            + Array("data".utf8) + [0x91] + value
    }

    private func decode(_ bytes: [UInt8]) throws -> MessagePackPacket {
        try MessagePackPacket(decoding: bytes.span)
    }

    private func json(_ value: [UInt8]) throws -> String {
        String(decoding: try decode(packet(value)).json, as: UTF8.self)
    }

    @Test(
        "every format of the specification is read",
        arguments: [
            ([0x00], "0"), ([0x7F], "127"), ([0xE0], "-32"), ([0xFF], "-1"), ([0xCC, 0xFF], "255"),
            ([0xCD, 1, 0], "256"), ([0xCE, 0, 1, 0, 0], "65536"),
            ([0xCF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "18446744073709551615"),
            ([0xD0, 0x80], "-128"), ([0xD1, 0xFF, 0x00], "-256"), ([0xD2, 0xFF, 0xFF, 0xFF, 0xFE], "-2"),
            ([0xD3, 0x80, 0, 0, 0, 0, 0, 0, 0], "-9223372036854775808"),
            ([0xCA, 0x3F, 0xC0, 0, 0], "1.5"), ([0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0], "1.5"),
            ([0xC0], "null"), ([0xC2], "false"), ([0xC3], "true"), ([0xA0], #""""#), ([0xA1, 0x61], #""a""#),
            ([0xD9, 1, 0x22], #""\"""#), ([0xDA, 0, 1, 0x61], #""a""#), ([0xDB, 0, 0, 0, 1, 0x61], #""a""#),
            ([0x90], "[]"), ([0x92, 1, 2], "[1,2]"), ([0xDC, 0, 1, 1], "[1]"),
            ([0xDD, 0, 0, 0, 1, 1], "[1]"),
            ([0x80], "{}"), ([0x81, 0xA1, 0x61, 1], #"{"a":1}"#), ([0xDE, 0, 1, 0xA1, 0x61, 1], #"{"a":1}"#),
            ([0xDF, 0, 0, 0, 1, 0xA1, 0x61, 1], #"{"a":1}"#),
            // JavaScript's undefined, NaN, and dates in both forms.
            ([0xD4, 0, 0], "null"), ([0xCB, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0], "null"),
            ([0xD7, 0, 0, 0, 0, 0, 0, 0, 0x03, 0xE8], #""1970-01-01T00:00:01.000Z""#),
            ([0xD6, 0xFF, 0, 0, 0, 1], #""1970-01-01T00:00:01.000Z""#),
            ([0xD7, 0xFF, 0x77, 0x35, 0x94, 0x00, 0, 0, 0, 1], #""1970-01-01T00:00:01.500Z""#),
            (
                [0xC7, 12, 0xFF, 0x1D, 0xCD, 0x65, 0x00, 0, 0, 0, 0, 0, 0, 0, 1],
                #""1970-01-01T00:00:01.500Z""#
            ),
        ] as [([UInt8], String)])
    func formats(value: [UInt8], text: String) throws {
        #expect(try json(value) == "[\(text)]")
    }

    @Test(
        "binary becomes an attachment with its placeholder, notepack.io 2's array buffers too",
        arguments: [
            [0xC4, 2], [0xC5, 0, 2], [0xC6, 0, 0, 0, 2], [0xC7, 2, 0], [0xC8, 0, 2, 0],
            [0xC9, 0, 0, 0, 2, 0],
        ])
    func binary(header: [UInt8]) throws {
        let decoded = try decode(packet(header + [7, 8]))
        #expect(decoded.attachments == [[7, 8]])
        #expect(String(decoding: decoded.json, as: UTF8.self) == #"[{"_placeholder":true,"num":0}]"#)
    }

    @Test("array buffers as short as undefined, or as long as a date, are binary", arguments: [0, 1, 8])
    func arrayBuffers(count: Int) throws {
        let content = [UInt8](repeating: 7, count: count)
        let decoded = try decode(packet([0xC7, UInt8(count), 0] + content))
        #expect(decoded.attachments == [content])
    }

    @Test(
        "keys that Python writes as they are become their text, as its JSON has them",
        arguments: [
            ([0x01], "1"), ([0xFF], "-1"), ([0xCD, 1, 0], "256"), ([0xD1, 0xFF, 0], "-256"), ([0xC0], "null"),
            ([0xC2], "false"), ([0xC3], "true"), ([0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0], "1.5"),
            ([0xD3, 0x80, 0, 0, 0, 0, 0, 0, 0], "-9223372036854775808"),
        ] as [([UInt8], String)])
    func keys(key: [UInt8], text: String) throws {
        #expect(try json([0x81] + key + [0xC0]) == #"[{"\#(text)":null}]"#)
    }

    @Test(
        "keys that have no text are refused, and so is what is no string where the packet's own keys are",
        arguments: [[0x90], [0x80], [0xC4, 0], [0xD4, 0, 0], [0xC1], [0xCD]] as [[UInt8]])
    func refusedKeys(key: [UInt8]) {
        #expect(throws: SocketIOError.self) { try decode(packet([0x81] + key + [0xC0])) }
        #expect(throws: SocketIOError.self) { try decode([0x81, 0x01, 0x01]) }
    }

    @Test(
        "acknowledgement ids travel whole", arguments: [0, 127, 1 << 53 + 1, 1 << 63 + 5, .max] as [UInt64])
    func ids(id: UInt64) throws {
        var bytes: [UInt8] = []
        try MessagePackPacket(type: .ack, id: id, json: Array("[]".utf8)).encode(into: &bytes)
        var limits = SocketIOLimits()
        limits.acknowledgementDigits = 20
        #expect(try MessagePackPacket(decoding: bytes.span, limits: limits).id == id)
    }

    @Test("packets are the same after encoding and decoding")
    func roundTrips() throws {
        let texts = [
            #"["a"]"#, #"["é\n\u0000",-1,0,127,128,255,256,65535,65536,4294967295,4294967296,1.25,1e300]"#,
            #"["deep",[[[{"a":[{}]}]]],null,true,false]"#,
            #"["min",-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649,-9223372036854775808]"#,
            #"["big",18446744073709551615]"#,
            "[\"many\"," + (0..<70_000).map(String.init).joined(separator: ",") + "]",
            "[\"\(String(repeating: "x", count: 300))\",\"\(String(repeating: "y", count: 70_000))\"]",
            #"["map",{"# + (0..<20).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}]",
        ]
        for text in texts {
            let packet = MessagePackPacket(type: .event, namespace: "/chat", id: 7, json: Array(text.utf8))
            var bytes: [UInt8] = []
            try packet.encode(into: &bytes)
            let decoded = try decode(bytes)
            #expect(decoded.namespace == "/chat" && decoded.id == 7 && decoded.type == .event)
            let values = try JSON.decode(JSONValue.self, from: packet.json.span)
            #expect(try JSON.decode(JSONValue.self, from: decoded.json.span) == values)
        }
    }

    @Test("more attachments than a byte counts stand where they belong")
    func manyAttachments() throws {
        let buffers = (0..<70_000).map { [UInt8(truncatingIfNeeded: $0)] }
        let text =
            "[" + (0..<70_000).map { #"{"_placeholder":true,"num":\#($0)}"# }.joined(separator: ",") + "]"
        var bytes: [UInt8] = []
        try MessagePackPacket(type: .event, json: Array(text.utf8), attachments: buffers).encode(into: &bytes)
        var limits = SocketIOLimits()
        limits.attachments = .max
        #expect(try MessagePackPacket(decoding: bytes.span, limits: limits).attachments == buffers)
    }

    @Test("attachments stand where their placeholders were, of every length")
    func attachments() throws {
        let buffers = [
            [UInt8](), [1], [UInt8](repeating: 2, count: 300), [UInt8](repeating: 3, count: 70_000),
        ]
        let text =
            #"["b",{"x":{"_placeholder":true,"num":1}}"#
            + [0, 2, 3].map { #",{"_placeholder":true,"num":\#($0)}"# }.joined() + "]"
        var bytes: [UInt8] = []
        try MessagePackPacket(type: .event, json: Array(text.utf8), attachments: buffers).encode(into: &bytes)
        let decoded = try decode(bytes)
        #expect(decoded.attachments == [[1], [], buffers[2], buffers[3]])
    }

    @Test("an object that looks like a placeholder stays one where there is no attachment")
    func falsePlaceholder() throws {
        let text = #"["b",{"_placeholder":true,"num":5}]"#
        var bytes: [UInt8] = []
        try MessagePackPacket(type: .event, json: Array(text.utf8), attachments: [[1]]).encode(into: &bytes)
        #expect(String(decoding: try decode(bytes).json, as: UTF8.self) == text)
    }

    @Test("what JavaScript's parser writes is read: options, and fields that are undefined")
    func officialForm() throws {
        let bytes: [UInt8] =
            [0x85, 0xA4] + Array("type".utf8) + [0x02, 0xA4] + Array("data".utf8) + [0x91, 0xA1, 0x61, 0xA7]
            + Array("options".utf8) + [0x81, 0xA8] + Array("compress".utf8) + [0xC3, 0xA2] + Array("id".utf8)
            + [0xD4, 0, 0, 0xA3] + Array("nsp".utf8) + [0xA2, 0x2F, 0x61]
        let decoded = try decode(bytes)
        #expect(decoded == MessagePackPacket(type: .event, namespace: "/a", json: Array(#"["a"]"#.utf8)))
    }

    @Test(
        "what breaks a rule is refused",
        arguments: [
            [], [0xC0], [0x90], [0x80], [0x81, 0x01, 0x01], [0xC1],
            // Types: 5 and 6 don't exist here; a string; none.
            [0x81, 0xA4] + Array("type".utf8) + [0x05], [0x81, 0xA4] + Array("type".utf8) + [0xA1, 0x32],
            // An event without data; an acknowledgement without id; a connect with binary.
            [0x81, 0xA4] + Array("type".utf8) + [0x02],
            [0x82, 0xA4] + Array("type".utf8) + [0x03, 0xA4] + Array("data".utf8) + [0x90],
            [0x82, 0xA4] + Array("type".utf8) + [0x00, 0xA4] + Array("data".utf8) + [0xC4, 0x00],
        ] as [[UInt8]])
    func malformed(bytes: [UInt8]) {
        #expect(throws: SocketIOError.self) { try decode(bytes) }
    }

    @Test("limits hold: depth, attachments, names, ids; announced lengths allocate nothing")
    func limits() {
        let deep = [UInt8](repeating: 0x91, count: 1000) + [0xC0]
        #expect(throws: SocketIOError.limit("MessagePack nested too deeply")) { try decode(packet(deep)) }
        let binaries: [UInt8] = [0x9B] + (0..<11).flatMap { _ in [0xC4, 0] as [UInt8] }
        #expect(throws: SocketIOError.limit("more than 10 attachments in a packet")) {
            try decode(packet(binaries))
        }
        for huge in [[0xDD], [0xDF], [0xDB], [0xC6]] as [[UInt8]] {
            #expect(throws: SocketIOError.self) { try decode(packet(huge + [0xFF, 0xFF, 0xFF, 0xFF])) }
        }
    }

    @Test("no truncated or mutated packet traps, and what is accepted is JSON")
    func mutations() throws {
        var generator = SeededGenerator(seed: 29)
        var whole: [UInt8] = []
        let text = #"["name",{"a":[1,-2,3.5,"é",null,true],"b":{"_placeholder":true,"num":0}},"x"]"#
        try MessagePackPacket(type: .event, id: 3, json: Array(text.utf8), attachments: [[1, 2, 3]])
            .encode(into: &whole)
        for length in 0..<whole.count {
            #expect(throws: SocketIOError.self) { try decode(Array(whole[..<length])) }
        }
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(
                    in: 0...255, using: &generator)
            }
            guard let decoded = try? decode(bytes), !decoded.json.isEmpty else { continue }
            accepted += 1
            var scanner = JSONScanner()
            try scanner.skipValue(decoded.json.span)
        }
        #expect(accepted > 100)
    }
}
