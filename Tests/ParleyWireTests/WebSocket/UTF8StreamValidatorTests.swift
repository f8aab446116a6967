import ParleyWire
import Testing

@Suite("UTF-8 in pieces (RFC 3629)")
struct UTF8StreamValidatorTests {
    private func isValid(_ bytes: [UInt8]) -> Bool {
        let whole = UTF8StreamValidator.isValid(bytes.span)
        var validator = UTF8StreamValidator()
        let single = bytes.allSatisfy { validator.consume([$0].span) } && validator.isComplete
        #expect(whole == single)
        return whole
    }

    @Test(
        "every sequence of up to three bytes, and the edges of those of four, agree with the standard library"
    )
    func exhaustive() {
        func agrees(_ bytes: [UInt8]) -> Bool {
            UTF8StreamValidator.isValid(bytes.span) == (String(validating: bytes, as: UTF8.self) != nil)
        }
        let edges: [UInt8] = [
            0, 0x61, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0,
            0xF4, 0xF5, 0xFF,
        ]
        for first: UInt8 in 0...255 {
            for second: UInt8 in 0...255 {
                if !agrees([first, second]) { Issue.record("\(first) \(second)") }
                for third in edges where first >= 0xE0 {
                    // Padded, so that the path for whole characters sees it too.
                    if !agrees([first, second, third, 0x61]) { Issue.record("\(first) \(second) \(third)") }
                    for fourth in edges where first >= 0xF0 && edges.contains(second) {
                        if !agrees([first, second, third, fourth]) {
                            Issue.record("\([first, second, third, fourth])")
                        }
                    }
                }
            }
        }
    }

    @Test(
        "the classic edge cases",
        arguments: [
            ([0xCE, 0xBA, 0xE1, 0xBD, 0xB9, 0xCF, 0x83], true), ([0xF4, 0x8F, 0xBF, 0xBF], true),
            ([0xF4, 0x90, 0x80, 0x80], false), ([0xED, 0x9F, 0xBF], true), ([0xED, 0xA0, 0x80], false),
            ([0xEE, 0x80, 0x80], true), ([0xEF, 0xBF, 0xBF], true), ([0xC0, 0xAF], false),
            ([0xE0, 0x80, 0xAF], false),
            ([0xF0, 0x80, 0x80, 0xAF], false), ([0xF8, 0x88, 0x80, 0x80, 0x80], false), ([0x80], false),
            ([0xE1, 0xBD], false), ([0xFE], false), ([0xF0, 0x90, 0x80, 0x80], true), ([], true),
        ] as [([UInt8], Bool)])
    func edges(bytes: [UInt8], expected: Bool) {
        for prefix in 0..<20 {
            let padding = [UInt8](repeating: 0x61, count: prefix)
            #expect(isValid(padding + bytes) == expected && isValid(padding + bytes + padding) == expected)
        }
    }

    @Test("the first byte that can't be continued fails")
    func failFast() {
        var validator = UTF8StreamValidator()
        let begun = validator.consume(([0x61, 0xF4] as [UInt8]).span)
        #expect(begun && !validator.isComplete)
        let continued = validator.consume(([0x90] as [UInt8]).span)
        #expect(!continued)
    }

    @Test("random damage to long texts is judged as the standard library judges it")
    func random() {
        var random = SeededGenerator(seed: 99)
        let text = Array(
            "ASCII only for a while, Grüße, Привет мир, 日本語テキスト, 😀😀 and ASCII again to the end".utf8)
        for _ in 0..<5000 {
            let bytes = random.mutate(text + text, inserting: [0x80, 0xC3, 0xE2, 0xF0, 0xED])
            let expected = String(validating: bytes, as: UTF8.self) != nil
            let whole = UTF8StreamValidator.isValid(bytes.span)
            var validator = UTF8StreamValidator()
            let cut = random.cut(bytes).allSatisfy { validator.consume($0.span) } && validator.isComplete
            #expect(whole == expected && cut == expected, "\(bytes)")
        }
    }
}
