import Foundation
import ParleyWire
import Testing

@Suite("Base64 (RFC 4648 section 4)")
struct Base64Tests {
    @Test("encodes and decodes as Foundation does, whatever the length")
    func agreesWithFoundation() {
        var generator = SystemRandomNumberGenerator()
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            var encoded: [UInt8] = []
            Base64.encode(bytes.span, into: &encoded)
            #expect(String(decoding: encoded, as: UTF8.self) == Data(bytes).base64EncodedString())
            #expect(Base64.decode(encoded.span) == bytes)
        }
    }

    @Test(
        "refuses what is no base64",
        arguments: [
            "A", "AAAAA", "AA=A", "A===", "====", "AB CD", "AB\nCD", "-_-_", "AAA\u{e9}", "QUJ=", "QR==",
        ])
    func refuses(_ text: String) {
        #expect(Base64.decode(Array(text.utf8).span) == nil)
    }

    @Test("accepts missing padding")
    func acceptsMissingPadding() {
        #expect(Base64.decode(Array("QUI".utf8).span) == Array("AB".utf8))
        #expect(Base64.decode(Array("QQ".utf8).span) == Array("A".utf8))
    }
}
