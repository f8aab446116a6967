/// Where the contents of a JSON string are, between its quotes.
public struct JSONStringRange: Hashable, Sendable {
    /// The bytes between the quotes, as offsets into the span that was scanned.
    public var contents: Range<Int>

    /// True when the contents hold escape sequences, so that they are not the string's own UTF-8.
    public var hasEscapes: Bool

    /// Creates a range; the scanner makes those that are validated.
    public init(contents: Range<Int>, hasEscapes: Bool) {
        self.contents = contents
        self.hasEscapes = hasEscapes
    }
}

extension JSONScanner {
    /// Validates a string (RFC 8259 7) that starts here or after white space, and moves behind its closing quote.
    /// - Returns: where its contents are, validated: well-formed UTF-8, whole escapes, paired surrogates.
    /// - Throws: ``JSONError``, with ``JSONError/Rule/notAString`` when another value is here.
    public mutating func scanString(_ bytes: Span<UInt8>) throws(JSONError) -> JSONStringRange {
        guard let first = peek(bytes) else { throw JSONError(.unexpectedEnd, at: offset) }
        guard first == UInt8(ascii: "\"") else { throw JSONError(.notAString, at: offset) }
        return try scanStringHere(bytes)
    }

    /// Validates the string whose opening quote is the next byte.
    mutating func scanStringHere(_ bytes: Span<UInt8>) throws(JSONError) -> JSONStringRange {
        let start = offset &+ 1
        var position = start
        var hasEscapes = false
        while true {
            position = JSONScanner.endOfPlainText(bytes, from: position)
            guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                offset = position &+ 1
                return JSONStringRange(contents: start..<position, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                position = try JSONScanner.endOfEscape(bytes, from: position)
            case 0x80...:
                position = try JSONScanner.endOfMultibyteText(bytes, from: position)
            default:
                throw JSONError(.controlCharacter, at: position)
            }
        }
    }

    /// The first byte at or after `position` that is a quote, a backslash, a control character or not ASCII.
    @inline(__always)
    static func endOfPlainText(_ bytes: Span<UInt8>, from position: Int) -> Int {
        var position = position
        let raw = bytes.bytes
        let count = bytes.count
        while position &+ 16 <= count {
            // In bounds: the sixteen bytes from position end at or before count.
            let chunk = raw.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: SIMD16<UInt8>.self)
            if let first = firstLane(escaped(chunk) .| notASCII(chunk)) { return position &+ first }
            position &+= 16
        }
        while position &+ 8 <= count {
            // In bounds: the eight bytes from position end at or before count.
            let word = raw.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self)
            let special = specialBytes(UInt64(littleEndian: word))
            if special != 0 { return position &+ special.trailingZeroBitCount &>> 3 }
            position &+= 8
        }
        while position < count {
            let byte = bytes[position]
            if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                break
            }
            position &+= 1
        }
        return position
    }

    /// Of sixteen bytes: quotes, backslashes and control characters.
    @inline(__always)
    static func escaped(_ chunk: SIMD16<UInt8>) -> SIMDMask<SIMD16<Int8>> {
        // Vectors of known type on both sides: anything else is done lane by lane.
        let quote = SIMD16<UInt8>(repeating: UInt8(ascii: "\""))
        let backslash = SIMD16<UInt8>(repeating: UInt8(ascii: "\\"))
        let space = SIMD16<UInt8>(repeating: UInt8(ascii: " "))
        return (chunk .== quote) .| (chunk .== backslash) .| (chunk .< space)
    }

    @inline(__always)
    private static func notASCII(_ chunk: SIMD16<UInt8>) -> SIMDMask<SIMD16<Int8>> {
        let first = SIMD16<UInt8>(repeating: 0x80)
        return chunk .>= first
    }

    /// The first lane that is set, if any is.
    @inline(__always)
    static func firstLane(_ mask: SIMDMask<SIMD16<Int8>>) -> Int? {
        let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        guard words.x | words.y != 0 else { return nil }
        if words.x != 0 { return UInt64(littleEndian: words.x).trailingZeroBitCount &>> 3 }
        return 8 &+ UInt64(littleEndian: words.y).trailingZeroBitCount &>> 3
    }

    /// Eight bytes at a time: the top bit of each byte that needs a closer look.
    ///
    /// A borrow can only mark bytes above one that is marked rightly, so the lowest mark is always right.
    @inline(__always)
    static func specialBytes(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslash = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let control = (word &- ones &* 0x20) & ~word
        return (((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash) | control | word) & tops
    }

    /// The offset behind the escape sequence, or pair of them, whose backslash is at `position`.
    private static func endOfEscape(_ bytes: Span<UInt8>, from position: Int) throws(JSONError) -> Int {
        guard position &+ 1 < bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
        switch bytes[position &+ 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return position &+ 2
        case UInt8(ascii: "u"):
            return try endOfUnicodeEscape(bytes, from: position)
        default:
            throw JSONError(.invalidEscape, at: position)
        }
    }

    private static func endOfUnicodeEscape(_ bytes: Span<UInt8>, from position: Int) throws(JSONError) -> Int
    {
        let unit = try hexadecimal(bytes, at: position &+ 2)
        guard unit & 0xF800 == 0xD800 else { return position &+ 6 }
        guard unit < 0xDC00, position &+ 7 < bytes.count, bytes[position &+ 6] == UInt8(ascii: "\\"),
            bytes[position &+ 7] == UInt8(ascii: "u")
        else { throw JSONError(.loneSurrogate, at: position) }
        let second = try hexadecimal(bytes, at: position &+ 8)
        guard second & 0xFC00 == 0xDC00 else { throw JSONError(.loneSurrogate, at: position) }
        return position &+ 12
    }

    private static func hexadecimal(_ bytes: Span<UInt8>, at position: Int) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for index in position..<(position &+ 4) {
            guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
            guard let digit = hexadecimalDigit(bytes[index]) else {
                throw JSONError(.invalidEscape, at: index)
            }
            value = value &<< 4 | digit
        }
        return value
    }

    @inline(__always)
    static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte &- UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte &- UInt8(ascii: "a") &+ 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte &- UInt8(ascii: "A") &+ 10)
        default: nil
        }
    }

    /// The offset behind a run of characters of two bytes and more (Unicode 16, table 3-7).
    private static func endOfMultibyteText(_ bytes: Span<UInt8>, from position: Int) throws(JSONError) -> Int
    {
        var position = position
        while position < bytes.count, bytes[position] >= 0x80 {
            let (length, second) = try multibyteForm(bytes[position], at: position)
            // A text that ends inside a character is as wrong as one that goes on with other bytes.
            guard position &+ length <= bytes.count, second.contains(bytes[position &+ 1]) else {
                throw JSONError(.invalidUTF8, at: position)
            }
            for index in (position &+ 2)..<max(position &+ 2, position &+ length) {
                guard bytes[index] & 0xC0 == 0x80 else { throw JSONError(.invalidUTF8, at: position) }
            }
            position &+= length
        }
        return position
    }

    /// How many bytes a character has by its first one, and which second bytes are allowed.
    @inline(__always)
    private static func multibyteForm(
        _ first: UInt8, at position: Int
    ) throws(JSONError) -> (length: Int, second: ClosedRange<UInt8>) {
        switch first {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xE1...0xEF: (3, 0x80...0xBF)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: throw JSONError(.invalidUTF8, at: position)
        }
    }
}
