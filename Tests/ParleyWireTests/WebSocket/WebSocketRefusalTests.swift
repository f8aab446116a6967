import ParleyWire
import Testing

@Suite("WebSocket frames that are refused")
struct WebSocketRefusalTests {
    private func code(_ bytes: [UInt8], limits: WebSocketLimits = WebSocketLimits()) -> UInt16? {
        decodeFrames(bytes, limits: limits).failure?.closeCode
    }

    @Test("RFC 6455 5.2: reserved bits and opcodes")
    func reserved() {
        for bits: UInt8 in [0x10, 0x20, 0x40, 0x70] { #expect(code(rawFrame(0x81 | bits, [])) == 1002) }
        for opcode: UInt8 in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            #expect(code(rawFrame(0x80 | opcode, [])) == 1002)
        }
    }

    @Test("RFC 6455 5.1: a client masks, a server doesn't")
    func masking() {
        #expect(code([0x81, 0x00]) == 1002)
        #expect(decodeFrames(rawFrame(0x81, []), role: .client).failure?.closeCode == 1002)
    }

    @Test("RFC 6455 5.5: control frames are whole, and at most 125 bytes long")
    func control() {
        for opcode: UInt8 in [8, 9, 10] {
            #expect(code(rawFrame(opcode, [])) == 1002)
            #expect(code([0x80 | opcode, 0xFE, 0, 126, 0, 0, 0, 0]) == 1002)
            #expect(code([0x80 | opcode, 0xFF]) == 1002)
        }
        let longest = [UInt8](repeating: 1, count: 125)
        #expect(decodeFrames(rawFrame(0x89, longest)).events == [.ping(longest)])
    }

    @Test("RFC 6455 5.4: fragments in the wrong order")
    func fragmentOrder() {
        #expect(code(frame(.continuation, "a")) == 1002)
        #expect(code(frame(.continuation, "a", isFinal: false)) == 1002)
        #expect(code(frame(.text, "a", isFinal: false) + frame(.text, "b")) == 1002)
        #expect(code(frame(.text, "a", isFinal: false) + frame(.binary, "b", isFinal: false)) == 1002)
        #expect(code(frame(.text, "a") + frame(.continuation, "b")) == 1002)
    }

    @Test("RFC 6455 5.2: lengths in the fewest bytes, below 2^63")
    func lengths() {
        #expect(code([0x82, 0xFE, 0, 125, 0, 0, 0, 0]) == 1002)
        #expect(code([0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0]) == 1002)
        #expect(code([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == 1002)
        #expect(code([0x82, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]) == 1002)
        #expect(code([0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]) == 1009)
    }

    @Test("RFC 6455 7.4: close codes")
    func closeCodes() {
        func close(_ number: UInt16) -> [UInt8] { frame(.close, [UInt8(number >> 8), UInt8(number & 0xFF)]) }
        let invalid: [UInt16] = [
            0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
        ]
        for number in invalid { #expect(code(close(number)) == 1002, "\(number)") }
        let valid: [UInt16] = [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999,
        ]
        for number in valid { #expect(decodeFrames(close(number)).events == [.close(number, "")]) }
        #expect(code(frame(.close, [3])) == 1002)
        #expect(code(frame(.close, [0x03, 0xE8, 0xC3])) == 1007)
        #expect(code(frame(.close, [0x03, 0xE8, 0xFF, 0x61])) == 1007)
    }

    @Test("RFC 6455 8.1: text that isn't UTF-8 fails, also when only a later fragment shows it")
    func text() {
        #expect(code(frame(.text, [0xFF])) == 1007)
        #expect(code(frame(.text, [0xC3])) == 1007)
        #expect(code(frame(.text, [0xC3], isFinal: false) + frame(.continuation, [0x28])) == 1007)
        #expect(code(frame(.text, [0xC3], isFinal: false) + frame(.continuation, [])) == 1007)
        #expect(decodeFrames(frame(.binary, [0xFF])).events == [.binary([0xFF])])
    }

    @Test("text fails before its last fragment, and before its frame is complete")
    func failFast() {
        let start = frame(.text, [0x61, 0xED, 0xA0], isFinal: false)
        #expect(WebSocketTranscript([start]).failure?.closeCode == 1007)
        let announced: [UInt8] = [0x81, 0xFE, 0xFF, 0xFF, 0, 0, 0, 0, 0x61, 0xF4, 0x90]
        #expect(WebSocketTranscript([announced]).failure?.closeCode == 1007)
        #expect(WebSocketTranscript(announced.map { [$0] }).failure?.closeCode == 1007)
    }

    @Test("limit messageBytes: over one frame or many, by what headers announce")
    func messageLimit() {
        var limits = WebSocketLimits()
        limits.messageBytes = 1000
        let half = [UInt8](repeating: 0x61, count: 500)
        #expect(code(frame(.binary, half + half), limits: limits) == nil)
        #expect(code(frame(.binary, half + half + [1]), limits: limits) == 1009)
        let whole = frame(.text, half, isFinal: false) + frame(.continuation, half)
        #expect(code(whole, limits: limits) == nil)
        let over = frame(.text, half, isFinal: false) + frame(.continuation, half, isFinal: false)
        #expect(code(over + frame(.continuation, "a"), limits: limits) == 1009)
        #expect(
            WebSocketTranscript([[0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 1, 0, 0, 0, 0]]).failure?.closeCode
                == 1009)
        let fits = WebSocketTranscript([[0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]])
        #expect(fits.failure == nil && fits.isMidMessage)
    }

    @Test("limit fragments: 4,096 frames make a message, one more doesn't")
    func fragmentLimit() {
        let first = frame(.binary, "a", isFinal: false)
        let middle = [[UInt8]](repeating: frame(.continuation, "", isFinal: false), count: 4094).flatMap {
            $0
        }
        let last = frame(.continuation, "b")
        #expect(WebSocketTranscript([first + middle + last]).events == [.binary([0x61, 0x62])])
        let over = WebSocketTranscript([first + middle + frame(.continuation, "", isFinal: false) + last])
        #expect(over.failure?.rule.contains("limit fragments") == true && over.failure?.closeCode == 1009)
    }

    @Test("limit tinyFragmentBytes: tiny fragments are charged more than they carry, others are not")
    func tinyFragments() {
        var limits = WebSocketLimits()
        limits.fragments = 1_000_000
        let tiny = [[UInt8]](repeating: frame(.continuation, "a", isFinal: false), count: 17_000).flatMap {
            $0
        }
        let failure = WebSocketTranscript([frame(.binary, "a", isFinal: false) + tiny], limits: limits)
            .failure
        #expect(failure?.closeCode == 1009 && failure?.rule.contains("tinyFragmentBytes") == true)
        let part = frame(.continuation, [UInt8](repeating: 1, count: 64), isFinal: false)
        let large = [[UInt8]](repeating: part, count: 16_383).flatMap { $0 }
        let message = WebSocketTranscript([frame(.binary, "", isFinal: false) + large], limits: limits)
        #expect(message.failure == nil)
    }
}
