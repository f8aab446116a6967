import Testing

@testable import ParleyWire

@Suite("HMAC-SHA-256, Base64 for URLs, random bytes")
struct HMACSHA256Tests {
    @Test("the examples of RFC 4231")
    func examples() throws {
        func code(_ message: String, _ key: [UInt8]) -> String? {
            HMACSHA256.code(for: Array(message.utf8), key: key)?
                .map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        #expect(
            code("Hi There", [UInt8](repeating: 0x0B, count: 20))
                == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        #expect(
            code("what do ya want for nothing?", Array("Jefe".utf8))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            code(
                "Test Using Larger Than Block-Size Key - Hash Key First", [UInt8](repeating: 0xAA, count: 131)
            )
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test("a code is the message's and the key's, whole")
    func verification() throws {
        let code = try #require(HMACSHA256.code(for: [1, 2], key: [3]))
        #expect(HMACSHA256.isCode(code, of: [1, 2], key: [3]))
        #expect(
            !HMACSHA256.isCode(code, of: [1, 3], key: [3]) && !HMACSHA256.isCode(code, of: [1, 2], key: [4]))
        #expect(!HMACSHA256.isCode(Array(code.dropLast()), of: [1, 2], key: [3]))
        #expect(!HMACSHA256.isCode([], of: [1, 2], key: [3]))
    }

    @Test("Base64 for URLs comes back, and has one form only (RFC 4648 5)")
    func base64URL() {
        for bytes in [[], [0xFB], [0xFB, 0xFF], [0xFF, 0xEF, 0xBE], Array(0...255)] as [[UInt8]] {
            let text = Base64URL.encode(bytes)
            #expect(!text.contains { "+/=".contains($0) } && Base64URL.decode(text) == bytes)
        }
        for bad in ["-x=", "+w", "/w", "a", "_x"] { #expect(Base64URL.decode(bad) == nil, "\(bad)") }
    }

    @Test("ids are different, and as long as they should be")
    func random() {
        let ids = Set((0..<1000).map { _ in SecureRandom.identifier(bytes: 18) })
        #expect(ids.count == 1000 && ids.allSatisfy { $0.utf8.count == 24 })
    }
}
