import ParleyWire
import Testing

/// Whether the scanner takes a text as one value, to its end.
func isValid(_ bytes: [UInt8], maximumDepth: Int = JSONScanner.defaultMaximumDepth) -> Bool {
    rule(bytes, maximumDepth: maximumDepth) == nil
}

/// The rule that a text breaks, or nil.
func rule(_ bytes: [UInt8], maximumDepth: Int = JSONScanner.defaultMaximumDepth) -> JSONError.Rule? {
    var scanner = JSONScanner(maximumDepth: maximumDepth)
    do {
        try scanner.skipValue(bytes.span)
        try scanner.expectEnd(bytes.span)
        return nil
    } catch {
        return error.rule
    }
}

@Suite("JSONScanner: RFC 8259, strictly")
struct JSONScannerTests {
    static let accepted: [String] = [
        "null", "true", "false", " true ", "\t\n\r null", "0", "-0", "1", "-1", "10", "1.5", "-0.5", "1e5",
        "1E+5", "1e-5", "1.25e10", "123456789012345678901234567890", "0e0", "0e+1", "0.0000001",
        "\"\"", "\"a\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"", "\"\\u0041\"", "\"\\uD834\\uDD1E\"",
        "\"\\udbff\\uDFFF\"", "\"\u{7F}\"", "\"é\"", "\"日本語\"", "\"😀\"", "\"\u{FFFF}\"", "\"\u{10FFFF}\"",
        "\"\u{2028}\"", "\"twelve bytes, and more than sixteen\"", "[]", "[ ]", "[1]", "[1,2]", "[ 1 , 2 ]",
        "[[]]", "[[],[]]", "{}", "{ }", "{\"a\":1}", "{ \"a\" : 1 , \"b\" : [ ] }", "{\"a\":{\"a\":{}}}",
        "{\"\":0}", "{\"a\":1,\"a\":2}", "[null,true,false,\"\",0,{},[]]", "{\"\\u0061\":1}", "[1]\n",
        "[\"\\\\\"]",
    ]

    static let refused: [(String, JSONError.Rule)] = [
        ("", .unexpectedEnd), (" ", .unexpectedEnd), ("nul", .unexpectedEnd), ("nulL", .invalidLiteral),
        ("True", .unexpectedByte), ("nan", .invalidLiteral), ("NaN", .unexpectedByte),
        ("Infinity", .unexpectedByte), ("-Infinity", .invalidNumber), ("truee", .trailingBytes),
        ("01", .invalidNumber), ("-01", .invalidNumber), ("00", .invalidNumber), ("+1", .unexpectedByte),
        ("-", .unexpectedEnd), ("--1", .invalidNumber), ("1.", .unexpectedEnd), (".5", .unexpectedByte),
        ("1.e5", .invalidNumber), ("1e", .unexpectedEnd), ("1e+", .unexpectedEnd), ("1eE2", .invalidNumber),
        ("0x1", .trailingBytes), ("1_000", .trailingBytes), ("1 2", .trailingBytes), ("1,", .trailingBytes),
        ("-a", .invalidNumber), ("1.2.3", .trailingBytes), ("[1,]", .unexpectedByte),
        ("[,1]", .unexpectedByte),
        ("[1", .unexpectedEnd), ("[1,", .unexpectedEnd), ("[", .unexpectedEnd), ("]", .unexpectedByte),
        ("[1}", .unexpectedByte), ("[1 2]", .unexpectedByte), ("[1]]", .trailingBytes),
        ("[\"a\" \"b\"]", .unexpectedByte), ("[a]", .unexpectedByte), ("['a']", .unexpectedByte),
        ("{", .unexpectedEnd), ("{\"a\"", .unexpectedEnd), ("{\"a\":", .unexpectedEnd),
        ("{\"a\":1", .unexpectedEnd), ("{\"a\":1,}", .unexpectedByte), ("{\"a\" 1}", .unexpectedByte),
        ("{a:1}", .unexpectedByte), ("{1:1}", .unexpectedByte), ("{null:1}", .unexpectedByte),
        ("{\"a\":1]", .unexpectedByte), ("{,}", .unexpectedByte), ("{\"a\":1 \"b\":2}", .unexpectedByte),
        ("{\"a\"::1}", .unexpectedByte), ("{\"a\":1}}", .trailingBytes), ("{\"a\":}", .unexpectedByte),
        ("\"", .unexpectedEnd), ("\"a", .unexpectedEnd), ("\"\\", .unexpectedEnd), ("\"\\\"", .unexpectedEnd),
        ("\"\\x41\"", .invalidEscape), ("\"\\a\"", .invalidEscape), ("\"\\'\"", .invalidEscape),
        ("\"\\u\"", .invalidEscape), ("\"\\u00\"", .invalidEscape), ("\"\\u004G\"", .invalidEscape),
        ("\"\\U0041\"", .invalidEscape), ("\"\\u+041\"", .invalidEscape), ("\"\\u00", .unexpectedEnd),
        ("\"\\uD800\"", .loneSurrogate), ("\"\\uDC00\"", .loneSurrogate), ("\"\\uD800x\"", .loneSurrogate),
        ("\"\\uD800\\n\"", .loneSurrogate), ("\"\\uD800\\uD800\"", .loneSurrogate),
        ("\"\\uD834\\u0041\"", .loneSurrogate), ("\"\\uDD1E\\uD834\"", .loneSurrogate),
        ("\"\n\"", .controlCharacter), ("\"\t\"", .controlCharacter), ("\"\u{0}\"", .controlCharacter),
        ("\"12345678\u{1F}\"", .controlCharacter), ("\u{FEFF}1", .unexpectedByte),
        ("\u{A0}1", .unexpectedByte),
        ("\u{B}1", .unexpectedByte), ("\u{C}1", .unexpectedByte), ("1\u{0}", .trailingBytes),
        ("*", .unexpectedByte),
        ("[1]//", .trailingBytes), ("/**/1", .unexpectedByte), ("<null>", .unexpectedByte),
        ("\\u0031", .unexpectedByte),
    ]

    static let notUTF8: [[UInt8]] = [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0xA0],
        [0xE1, 0x80, 0x41], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80],
        [0xF0, 0x9F, 0x98],
        [0xF1, 0x80, 0x80, 0x41], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    ]

    @Test("Every valid text is taken, and ends where it ends")
    func acceptedTexts() throws {
        for text in JSONScannerTests.accepted {
            let bytes = Array(text.utf8)
            #expect(isValid(bytes), "\(text)")
            for trailing in [",", "]", " ,1"] {
                let longer = bytes + Array(trailing.utf8)
                var scanner = JSONScanner()
                try scanner.skipValue(longer.span)
                #expect(scanner.peek(longer.span) == trailing.utf8.first { $0 != 0x20 }, "\(text)")
                #expect(rule(longer) == .trailingBytes, "\(text)")
            }
        }
    }

    @Test("Every wrong text is refused for the rule that it breaks")
    func refusedTexts() {
        for (text, expected) in JSONScannerTests.refused {
            #expect(rule(Array(text.utf8)) == expected, "\(text)")
            #expect(!isValid(Array("[\(text),1".utf8)), "\(text)")
        }
    }

    @Test("Bytes that are not UTF-8 are refused anywhere in a string (RFC 8259 8.1)")
    func invalidUTF8() {
        for sequence in JSONScannerTests.notUTF8 {
            for padding in 0..<18 {
                let text =
                    [0x22] + [UInt8](repeating: 0x61, count: padding) + sequence + Array("bcdefgh\"".utf8)
                #expect(rule(text) == .invalidUTF8, "\(sequence) after \(padding)")
                #expect(rule([0x22] + [UInt8](repeating: 0x61, count: padding) + sequence) != nil)
            }
        }
    }

    @Test("Every Unicode scalar is taken raw and as an escape")
    func everyScalar() {
        for value in stride(from: UInt32(0), to: 0x110000, by: 251) {
            guard let scalar = Unicode.Scalar(value), value >= 0x20, value != 0x22, value != 0x5C else {
                continue
            }
            #expect(isValid(Array("\"\(scalar)\"".utf8)))
        }
    }

    @Test("Special bytes are found at every position of those that are read at a time")
    func positions() {
        for length in 0..<40 {
            for position in 0...length {
                var contents = [UInt8](repeating: 0x78, count: length)
                contents.insert(0x1F, at: position)
                #expect(rule([0x22] + contents + [0x22]) == .controlCharacter)
                contents[position] = 0x22
                #expect(!isValid([0x22] + contents + [0x22]))
                contents.replaceSubrange(position...position, with: [0x5C, 0x6E])
                #expect(isValid([0x22] + contents + [0x22]))
                contents.replaceSubrange(position...(position + 1), with: [0xC3, 0xA9])
                #expect(isValid([0x22] + contents + [0x22]))
                contents[position + 1] = 0x78
                #expect(rule([0x22] + contents + [0x22]) == .invalidUTF8)
                contents.replaceSubrange(position...(position + 1), with: [0x7F, 0x20])
                #expect(isValid([0x22] + contents + [0x22]))
            }
        }
    }

    @Test("Every prefix of a text, and every text with one byte changed, is judged without a trap")
    func mutations() {
        let text = Array("{\"a\":[1,-2.5e+3,\"é\\u00e9\\ud83d\\ude00\",null,true],\"b\":{\"c\":false}}".utf8)
        for end in 0..<text.count { #expect(!isValid(Array(text[..<end]))) }
        for index in text.indices {
            for byte in UInt8.min...UInt8.max {
                var mutated = text
                mutated[index] = byte
                _ = isValid(mutated)
            }
        }
    }

    @Test("Arrays and objects nest up to the limit and no further")
    func depth() {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(isValid(nested(128)))
        #expect(rule(nested(129)) == .tooDeep)
        #expect(isValid(nested(2), maximumDepth: 2))
        #expect(rule(nested(3), maximumDepth: 2) == .tooDeep)
        #expect(rule(nested(1), maximumDepth: 0) == .tooDeep)
        #expect(rule(nested(100_000), maximumDepth: .max) == .tooDeep)
        let objects = String(repeating: "{\"a\":", count: 129) + "1" + String(repeating: "}", count: 129)
        #expect(rule(Array(objects.utf8)) == .tooDeep)
    }

    @Test("An event's name is read first, and the offset is where its arguments begin")
    func positionalReading() throws {
        let bytes = Array("[\"na\\u006de\",{\"a\":1},2]".utf8)
        var scanner = JSONScanner(at: 1)
        let name = try scanner.scanString(bytes.span)
        #expect(name.hasEscapes)
        #expect(name.string(in: bytes.span) == "name")
        let (same, shorter) = (Array("name".utf8), Array("nam".utf8))
        let areEqual = (name.equals(same.span, in: bytes.span), name.equals(shorter.span, in: bytes.span))
        #expect(areEqual == (true, false))
        #expect(bytes[scanner.offset] == UInt8(ascii: ","))
        var other = JSONScanner(at: 12)
        #expect(throws: JSONError(.notAString, at: 12)) { try other.scanString(bytes.span) }
    }

    @Test("An offset outside the bytes is an end, not a trap")
    func foreignOffsets() {
        let bytes = Array("1".utf8)
        for offset in [-1, 1, 2, Int.max] {
            var scanner = JSONScanner(at: offset)
            if offset > 0 {
                #expect(throws: JSONError.self) { try scanner.skipValue(bytes.span) }
            } else {
                #expect(throws: Never.self) { try scanner.skipValue(bytes.span) }
            }
        }
        let range = JSONStringRange(contents: 3..<9, hasEscapes: false)
        #expect(range.string(in: bytes.span) == "")
    }

    @Test("The error tells the offset")
    func offsets() {
        for (text, offset) in [
            ("[1,]", 3), ("{\"a\":tru1}", 8), ("\"ab\u{1}\"", 3), ("[1] x", 4), ("\"\\uD800\"", 1),
        ] {
            var scanner = JSONScanner()
            let bytes = Array(text.utf8)
            let error = #expect(throws: JSONError.self) {
                try scanner.skipValue(bytes.span)
                try scanner.expectEnd(bytes.span)
            }
            #expect(error?.offset == offset, "\(text)")
        }
    }
}
