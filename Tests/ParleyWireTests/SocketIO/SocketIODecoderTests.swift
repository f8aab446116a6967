import Testing

@testable import ParleyWire

@Suite("Socket.IO 5 packets")
struct SocketIODecoderTests {
    private func head(_ text: String) throws -> SocketIOPacketHead {
        try SocketIODecoder().head(of: Array(text.utf8).span)
    }

    @Test(
        "the head of each packet type (Socket.IO protocol 5, examples)",
        arguments: [
            ("0", SocketIOPacketHead(type: .connect, payload: 1..<1)),
            (#"0/admin,{"sid":"x"}"#, SocketIOPacketHead(type: .connect, namespace: 1..<7, payload: 8..<19)),
            ("0/admin", SocketIOPacketHead(type: .connect, namespace: 1..<7, payload: 7..<7)),
            ("1/admin,", SocketIOPacketHead(type: .disconnect, namespace: 1..<7, payload: 8..<8)),
            (#"2["foo"]"#, SocketIOPacketHead(type: .event, payload: 1..<8)),
            (
                #"2/admin,456["a"]"#,
                SocketIOPacketHead(type: .event, namespace: 1..<7, id: 456, payload: 11..<16)
            ),
            ("313[]", SocketIOPacketHead(type: .ack, id: 13, payload: 3..<5)),
            (#"51-["a",{}]"#, SocketIOPacketHead(type: .binaryEvent, attachments: 1, payload: 3..<11)),
            (
                #"62-/x,7[1]"#,
                SocketIOPacketHead(type: .binaryAck, attachments: 2, namespace: 3..<5, id: 7, payload: 7..<10)
            ),
            (#"2/,["a"]"#, SocketIOPacketHead(type: .event, payload: 3..<8)),
        ])
    func heads(_ text: String, _ expected: SocketIOPacketHead) throws {
        #expect(try head(text) == expected)
    }

    @Test(
        "malformed packets are errors",
        arguments: [
            "", "7", "x", "2", "3[]", "31", "5[]", "5-[]", "5", "51[]", "51", "1[]", "12", "05{}",
            "59999999999999-[]",
            "511-[]", "21234567890123456[]",
        ])
    func malformed(_ text: String) {
        #expect(throws: SocketIOError.self) { try head(text) }
    }

    @Test("an acknowledgement id has at most 15 digits")
    func acknowledgementDigits() throws {
        #expect(try head("2999999999999999[]").id == 999_999_999_999_999)
        #expect(throws: SocketIOError.limit("acknowledgement id of more than 15 digits")) {
            try head("21000000000000000[]")
        }
    }

    @Test("a namespace has at most 256 bytes")
    func namespaceBytes() throws {
        let longest = "/" + String(repeating: "n", count: 255)
        #expect(try head("2\(longest),[]").namespace == 1..<257)
        #expect(throws: SocketIOError.limit("namespace of more than 256 bytes")) {
            try head("2\(longest)n,[]")
        }
        #expect(throws: SocketIOError.self) { try head("0/" + String(repeating: "n", count: 100_000)) }
    }

    @Test("limits that limit nothing don't make numbers overflow", arguments: ["5", "2"])
    func unlimited(type: String) {
        var limits = SocketIOLimits()
        limits.attachments = .max
        limits.acknowledgementDigits = .max
        let packet = Array((type + String(repeating: "9", count: 40) + "-[]").utf8)
        #expect(throws: SocketIOError.self) { try SocketIODecoder(limits: limits).head(of: packet.span) }
    }

    @Test("no cut of a packet traps")
    func everyPrefix() {
        let packet = #"52-/admin,456["a",{"_placeholder":true,"num":0}]"#
        for length in 0...packet.utf8.count {
            _ = try? head(String(packet.prefix(length)))
        }
    }
}

@Suite("Socket.IO 5 packet heads, written")
struct SocketIOEncoderTests {
    private func written(
        _ type: SocketIOPacketType, attachments: Int = 0, _ namespace: String, id: UInt64? = nil
    ) -> String {
        var bytes: [UInt8] = []
        SocketIOEncoder.appendHead(type, attachments: attachments, namespace: namespace, id: id, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("the root namespace is left out, and ids are decimal")
    func heads() {
        #expect(written(.event, "/") == "2")
        #expect(written(.event, "/admin", id: 120) == "2/admin,120")
        #expect(written(.binaryEvent, attachments: 10, "/", id: 0) == "510-0")
        #expect(written(.ack, "/", id: .max) == "318446744073709551615")
    }
}
