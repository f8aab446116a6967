import ParleyWire
import Testing

@Suite("WebSocket frames that are accepted")
struct WebSocketDecoderTests {
    @Test("RFC 6455 5.7: the examples, to the byte")
    func examples() {
        let hello: [UInt8] = [0x48, 0x65, 0x6c, 0x6c, 0x6f]
        #expect(decodeFrames([0x81, 0x05] + hello, role: .client).events == [.text("Hello")])
        let masked: [UInt8] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
        #expect(decodeFrames(masked).events == [.text("Hello")])
        #expect(frame(.text, "Hello") == masked)
        let fragments: [UInt8] = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f]
        #expect(decodeFrames(fragments, role: .client).events == [.text("Hello")])
        #expect(decodeFrames([0x89, 0x05] + hello, role: .client).events == [.ping(hello)])
        let pong: [UInt8] = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
        #expect(decodeFrames(pong).events == [.pong(hello)])
        let short = (0..<256).map { UInt8($0) }
        #expect(decodeFrames([0x82, 0x7E, 0x01, 0x00] + short, role: .client).events == [.binary(short)])
        let long = (0..<65536).map { UInt8(truncatingIfNeeded: $0) }
        #expect(
            decodeFrames([0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + long, role: .client).events == [.binary(long)]
        )
    }

    @Test(
        "payloads of every length form come whole, unmasked in place",
        arguments: [0, 1, 7, 8, 125, 126, 127, 128, 65535, 65536, 70_000])
    func lengths(length: Int) {
        let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let transcript = decodeFrames(frame(.binary, payload))
        #expect(transcript.events == [.binary(payload)] && transcript.hadRange && !transcript.isMidMessage)
    }

    @Test("RFC 6455 5.4: control frames stand between fragments, empty fragments are fine")
    func interleaved() {
        let bytes =
            frame(.text, "a", isFinal: false) + frame(.ping, "1") + frame(.continuation, "", isFinal: false)
            + frame(.pong, "") + frame(.continuation, "b") + frame(.binary, "c")
        let events = decodeFrames(bytes).events
        #expect(events == [.ping([0x31]), .pong([]), .text("ab"), .binary([0x63])])
    }

    @Test("a message in progress shows, and a frame or header in progress too")
    func midMessage() {
        let bytes = frame(.text, "ab", isFinal: false)
        for count in 1...bytes.count { #expect(WebSocketTranscript([Array(bytes[..<count])]).isMidMessage) }
        #expect(!decodeFrames(bytes + frame(.continuation, "")).isMidMessage)
        #expect(!WebSocketTranscript([[]]).isMidMessage)
    }

    @Test("RFC 6455 5.5.1: close frames with and without code and reason; what follows is ignored")
    func close() {
        #expect(decodeFrames(frame(.close, "")).events == [.close(nil, "")])
        #expect(decodeFrames(frame(.close, [0x03, 0xE8])).events == [.close(1000, "")])
        let reason = String(repeating: "ü", count: 61) + "."
        #expect(
            decodeFrames(frame(.close, [0x0B, 0xB8] + Array(reason.utf8))).events == [.close(3000, reason)])
        let within = frame(.text, "a", isFinal: false) + frame(.close, "")
        #expect(decodeFrames(within).events == [.close(nil, "")])
    }

    @Test("UTF-8 characters may be cut between fragments")
    func textOverFragments() {
        let text = "κόσμε 😀 \u{10FFFF}\u{FFFE}"
        let bytes = Array(text.utf8)
        let fragments = bytes.enumerated().flatMap { index, byte in
            frame(index == 0 ? .text : .continuation, [byte], isFinal: index == bytes.count - 1)
        }
        #expect(decodeFrames(fragments).events == [.text(text)])
    }

    @Test("RFC 7692 6: RSV1 is a compressed message where that was negotiated, and its text is not checked")
    func compressed() {
        let single = rawFrame(0xC1, [0xFF])
        #expect(decodeFrames(single, allowsCompression: true).events == [.compressed(isText: true, [0xFF])])
        let fragments = rawFrame(0x42, [1]) + rawFrame(0x89, []) + rawFrame(0x80, [2])
        #expect(
            decodeFrames(fragments, allowsCompression: true).events == [
                .ping([]), .compressed(isText: false, [1, 2]),
            ])
        #expect(decodeFrames(rawFrame(0xC9, []), allowsCompression: true).failure?.closeCode == 1002)
        let continuation = rawFrame(0x41, [1]) + rawFrame(0xC0, [2])
        #expect(decodeFrames(continuation, allowsCompression: true).failure?.closeCode == 1002)
        #expect(decodeFrames(single).failure?.closeCode == 1002)
    }

    @Test("a payload that came whole is not copied, one that was cut is assembled")
    func payloads() {
        let bytes = frame(.text, "hello")
        #expect(WebSocketTranscript([bytes]).hadRange)
        #expect(!WebSocketTranscript([Array(bytes[..<8]), Array(bytes[8...])]).hadRange)
        #expect(WebSocketTranscript([Array(bytes[..<6]), Array(bytes[6...])]).events == [.text("hello")])
    }
}
