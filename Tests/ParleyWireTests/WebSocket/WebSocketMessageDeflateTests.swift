import ParleyWire
import Testing

@Suite("permessage-deflate: messages (RFC 7692 7.2)")
struct WebSocketMessageDeflateTests {
    private func inflate(
        _ pieces: [[UInt8]], isText: Bool = false, limit: Int = 1 << 20, by inflater: Inflater? = nil
    ) throws -> [UInt8] {
        let inflater = try inflater ?? Inflater(.raw)
        var message = WebSocketMessageInflate(isText: isText, limit: limit)
        for piece in pieces { try message.append(piece.span, by: inflater) }
        return try message.finish(by: inflater)
    }

    private func deflate(_ payload: [UInt8], by deflater: Deflater) throws -> [UInt8] {
        var output: [UInt8] = []
        try #require(deflater.deflateMessage(payload.span, appendingTo: &output))
        return output
    }

    private let hello = Array("Hello".utf8)

    @Test("RFC 7692 7.2.3: the examples")
    func examples() throws {
        let inflater = try Inflater(.raw)
        #expect(try inflate([[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]], by: inflater) == hello)
        // 7.2.3.2: the second message refers back to the first.
        #expect(try inflate([[0xF2, 0x00, 0x11, 0x00, 0x00]], by: inflater) == hello)
        #expect(throws: WebSocketError.self) { try inflate([[0xF2, 0x00, 0x11, 0x00, 0x00]]) }
        // 7.2.3.3: a block without compression.
        #expect(try inflate([[0x00, 0x05, 0x00, 0xFA, 0xFF] + hello + [0x00]]) == hello)
        // 7.2.3.4: a final block, with what the sender appends and without.
        #expect(try inflate([[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]]) == hello)
        #expect(try inflate([[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]]) == hello)
        // 7.2.3.5: two blocks.
        #expect(
            try inflate([[0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00]])
                == hello)
        // 7.2.3.6: an empty message.
        #expect(try inflate([[0x00]]) == [])
        let deflater = try Deflater(.raw)
        #expect(try deflate(hello, by: deflater) == [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00])
        #expect(try deflate(hello, by: deflater) == [0xF2, 0x00, 0x11, 0x00, 0x00])
    }

    @Test("behind a final block the window is still there")
    func finalBlock() throws {
        let inflater = try Inflater(.raw)
        #expect(try inflate([[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00]], by: inflater) == hello)
        #expect(try inflate([[0xF2, 0x00, 0x11, 0x00, 0x00]], by: inflater) == hello)
    }

    @Test("many final blocks cost little", .timeLimit(.minutes(1)))
    func manyFinalBlocks() throws {
        let bytes = Array([[UInt8]](repeating: [0x03, 0x00], count: 500_000).joined())
        #expect(try inflate([bytes]) == [])
    }

    @Test("messages of every kind and size come back, however they are cut, with takeover and without")
    func roundTrips() throws {
        let (deflater, inflater) = (try Deflater(.raw), try Inflater(.raw))
        for count in [1, 2, 125, 126, 1000, 65_535, 65_536, 300_000] {
            for payload in [DeflateTests.sample(count), [UInt8](repeating: 7, count: count)] {
                let compressed = try deflate(payload, by: deflater)
                #expect(try inflate([compressed], by: inflater) == payload)
                let alone = try deflate(payload, by: Deflater(.raw))
                if count <= 1000 { #expect(try inflate(alone.map { [$0] }) == payload) }
            }
        }
    }

    @Test("a message that is cut off, or isn't DEFLATE, is 1007")
    func malformed() throws {
        let compressed = try deflate(DeflateTests.sample(300), by: Deflater(.raw))
        for count in 0..<(compressed.count - 1) {
            let error = #expect(throws: WebSocketError.self) { try inflate([Array(compressed[..<count])]) }
            #expect(error?.closeCode == 1007)
        }
        let garbage = #expect(throws: WebSocketError.self) { try inflate([[0x07, 0xFF, 0xFF, 0xFF]]) }
        #expect(garbage?.closeCode == 1007 && garbage?.rule.contains("RFC 7692") == true)
    }

    @Test("the limit is of what is inflated, to the byte; what exceeds it is not made")
    func limit() throws {
        let bomb = try deflate([UInt8](repeating: 0, count: 10 << 20), by: Deflater(.raw))
        #expect(try inflate([bomb], limit: 10 << 20).count == 10 << 20)
        let error = #expect(throws: WebSocketError.self) { try inflate([bomb], limit: (10 << 20) - 1) }
        #expect(error?.closeCode == 1009 && error?.rule.contains("messageBytes") == true)
        #expect(throws: WebSocketError.self) { try inflate([bomb], limit: 0) }
        #expect(try inflate([[0x00]], limit: 0) == [])
        #expect(try inflate([bomb], limit: .max).count == 10 << 20)
    }

    @Test("a negative limit is none at all", arguments: [-1, -2, .min])
    func negativeLimit(limit: Int) throws {
        let compressed = try deflate(hello, by: Deflater(.raw))
        let error = #expect(throws: WebSocketError.self) { try inflate([compressed], limit: limit) }
        #expect(error?.closeCode == 1009)
        #expect(try inflate([[0x00]], limit: limit) == [])
        var limits = WebSocketLimits()
        limits.messageBytes = limit
        var frame: [UInt8] = []
        let large = [UInt8](repeating: 0, count: 1000)
        WebSocketEncoder.appendFrame(
            .binary, large.span, isCompressed: true, maskKey: 0x3D21_FA37, to: &frame)
        let transcript = WebSocketTranscript([frame], limits: limits, allowsCompression: true)
        #expect(transcript.failure?.closeCode == 1009)
    }

    @Test("text fails at the piece that isn't UTF-8, before the message is complete")
    func text() throws {
        let inflater = try Inflater(.raw)
        let compressed = try deflate(Array("a\u{E4}b".utf8) + [0xFF] + hello, by: Deflater(.raw))
        var message = WebSocketMessageInflate(isText: true, limit: 1000)
        let error = #expect(throws: WebSocketError.self) {
            try message.append(compressed.span, by: inflater)
        }
        #expect(error?.closeCode == 1007)
        let half = try deflate([0xC3], by: Deflater(.raw))
        #expect(throws: WebSocketError.self) { try inflate([half], isText: true) }
        #expect(try inflate([half]) == [0xC3])
    }

    @Test("random bytes as long as the limit pass the decoder, though compressing makes them longer")
    func incompressible() throws {
        var generator = SeededGenerator(seed: 3)
        let payload = (0..<65_536).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let compressed = try deflate(payload, by: Deflater(.raw, memoryLevel: 1))
        #expect(compressed.count > payload.count)
        var bytes: [UInt8] = []
        WebSocketEncoder.appendFrame(
            .binary, compressed.span, isCompressed: true, maskKey: 0x3D21_FA37, to: &bytes)
        var limits = WebSocketLimits()
        limits.messageBytes = payload.count
        let events = WebSocketTranscript([bytes], limits: limits, allowsCompression: true).events
        #expect(events == [.compressed(isText: false, compressed)])
        limits.messageBytes /= 2
        #expect(
            WebSocketTranscript([bytes], limits: limits, allowsCompression: true).failure?.closeCode == 1009)
    }
}
