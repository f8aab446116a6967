import ParleyWire
import Testing

extension SeededGenerator {
    /// Cuts the bytes into pieces of random lengths.
    mutating func cut(_ bytes: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let longest = Bool.random(using: &self) ? 4 : 64
            let end = min(bytes.count, start + Int.random(in: 1...longest, using: &self))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }

    /// Changes, removes, inserts or repeats a few bytes.
    mutating func mutate(_ bytes: [UInt8], inserting interesting: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) where !result.isEmpty {
            let index = Int.random(in: 0..<result.count, using: &self)
            let byte =
                Bool.random(using: &self)
                ? interesting.randomElement(using: &self) ?? 0 : UInt8.random(in: 0...255, using: &self)
            switch Int.random(in: 0..<4, using: &self) {
            case 0: result[index] = byte
            case 1: result.remove(at: index)
            case 2: result.insert(byte, at: index)
            default:
                let end = min(result.count, index + Int.random(in: 1...20, using: &self))
                result.insert(contentsOf: result[index..<end], at: index)
            }
        }
        return result
    }
}

@Suite("HTTP/1.1 decoding of damaged input")
struct HTTP1MutationTests {
    private static let seeds = [
        "GET /a HTTP/1.1\r\nHost: b:80\r\nConnection: close, x\r\nExpect: 100-continue\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\r\nGET http://[::1]:8/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n",
    ]

    @Test("no input traps, and the outcome doesn't depend on how it is cut", arguments: 0..<3)
    func mutations(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) &+ 2026)
        var limits = HTTPLimits()
        limits.headerSectionBytes = 80
        limits.headerFieldBytes = 40
        limits.headerCount = 4
        limits.targetBytes = 24
        limits.chunkExtensionLineBytes = 8
        limits.chunkExtensionBodyBytes = 12
        for _ in 0..<3000 {
            let bytes = random.mutate(
                Array(Self.seeds[seed].utf8), inserting: Array("\r\n\t :;,0f\"\u{0}".utf8))
            for limits in [limits, HTTPLimits()] {
                let whole = HTTP1Transcript([bytes], limits: limits)
                let cut = HTTP1Transcript(random.cut(bytes), limits: limits)
                let single = HTTP1Transcript(bytes.map { [$0] }, limits: limits)
                #expect(
                    whole == cut && whole == single,
                    "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
            }
        }
    }
}
