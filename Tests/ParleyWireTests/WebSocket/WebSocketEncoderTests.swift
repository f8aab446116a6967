import ParleyWire
import Testing

@Suite("WebSocket frames that are written")
struct WebSocketEncoderTests {
    @Test(
        "headers have the fewest bytes",
        arguments: [
            (0, [0x82, 0]), (125, [0x82, 125]), (126, [0x82, 126, 0, 126]), (65535, [0x82, 126, 0xFF, 0xFF]),
            (65536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] as [(Int, [UInt8])])
    func headers(length: Int, expected: [UInt8]) {
        var output: [UInt8] = []
        WebSocketEncoder.appendHeader(.binary, length: length, to: &output)
        #expect(output == expected && WebSocketEncoder.headerLength(payload: length) == expected.count)
    }

    @Test("flags and key of a header")
    func flags() {
        var output: [UInt8] = []
        WebSocketEncoder.appendHeader(
            .text, length: 1, isFinal: false, isCompressed: true, maskKey: 0x0403_0201, to: &output)
        #expect(output == [0x41, 0x81, 1, 2, 3, 4])
    }

    @Test(
        "a header written before its payload makes the same frame as an appended one",
        arguments: [0, 5, 125, 126, 70_000])
    func prepended(length: Int) {
        let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        for key: UInt32? in [nil, 0x1234_5678] {
            var expected: [UInt8] = []
            WebSocketEncoder.appendFrame(.text, payload.span, maskKey: key, to: &expected)
            let room = WebSocketEncoder.maximumClientHeader
            var buffer = [UInt8](repeating: 0xEE, count: room) + payload
            let start = WebSocketEncoder.prependHeader(.text, payloadStart: room, maskKey: key, in: &buffer)
            #expect(Array(buffer[start...]) == expected && buffer[..<start].allSatisfy { $0 == 0xEE })
        }
    }

    @Test(
        "what a client writes a server reads, and the other way around",
        arguments: [WebSocketRole.server, .client])
    func roundTrip(role: WebSocketRole) {
        let bytes = frame(.binary, [1, 2, 3], masked: role == .server)
        #expect(decodeFrames(bytes, role: role).events == [.binary([1, 2, 3])])
    }

    @Test("RFC 6455 5.5.1: close frames")
    func close() {
        func close(_ code: UInt16?, _ reason: String = "") -> [UInt8] {
            var output: [UInt8] = []
            WebSocketEncoder.appendClose(code: code, reason: reason, to: &output)
            return output
        }
        #expect(close(nil) == [0x88, 0] && close(nil, "x") == [0x88, 0])
        #expect(
            close(1000) == [0x88, 2, 0x03, 0xE8]
                && close(1001, "bye") == [0x88, 5, 0x03, 0xE9, 0x62, 0x79, 0x65])
        for code: UInt16 in [0, 1004, 1005, 1006, 1015, 5000] { #expect(close(code) == [0x88, 0]) }
    }

    @Test("a long reason is cut to 123 bytes between two characters", arguments: ["a", "ü", "€", "😀"])
    func longReason(character: String) {
        for prefix in 0..<4 {
            let reason = String(repeating: "x", count: prefix) + String(repeating: character, count: 200)
            var output: [UInt8] = []
            WebSocketEncoder.appendClose(code: 1000, reason: reason, to: &output)
            guard case .close(1000, let cut)? = decodeFrames(output, role: .client).events.first else {
                Issue.record("no close frame")
                return
            }
            #expect(
                reason.hasPrefix(cut) && cut.utf8.count <= 123 && cut.utf8.count > 123 - character.utf8.count)
        }
    }
}
