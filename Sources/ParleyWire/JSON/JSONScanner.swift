/// Validates JSON (RFC 8259) in place, one value at a time, and remembers only an offset.
///
/// The scanner is strict: no leading zeros, no trailing commas, no comments, no byte order mark, no control
/// characters in strings, only well-formed UTF-8, no unpaired surrogate escapes. `\u0000` is allowed, as the RFC
/// has it. It never traps, whatever the bytes are; its recursion is bounded by ``maximumDepth``.
///
/// It does not own the bytes: every method takes the same span. With another span than before the answers are
/// meaningless, but still safe.
public struct JSONScanner: Sendable {
    /// The default of ``maximumDepth``: 128 arrays and objects inside each other.
    public static let defaultMaximumDepth = 128

    /// The longest number, in bytes. The longest exact decimal form of a `Double` has 1,077.
    public static let maximumNumberLength = 2_048

    /// The next byte to read, counted from the start of the span.
    public internal(set) var offset: Int

    /// How many arrays and objects may be open at once; at most 512.
    public let maximumDepth: Int

    /// Creates a scanner that starts at an offset.
    public init(at offset: Int = 0, maximumDepth: Int = JSONScanner.defaultMaximumDepth) {
        self.offset = max(0, offset)
        self.maximumDepth = min(max(0, maximumDepth), 512)
    }

    /// Moves behind space, tab, line feed and carriage return (RFC 8259 2).
    @inline(__always)
    public mutating func skipWhitespace(_ bytes: Span<UInt8>) {
        // Compact text has none: one comparison.
        if offset < bytes.count, bytes[offset] > 0x20 { return }
        skipManyWhitespace(bytes)
    }

    @inline(never)
    private mutating func skipManyWhitespace(_ bytes: Span<UInt8>) {
        while offset < bytes.count {
            let byte = bytes[offset]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            offset &+= 1
        }
    }

    /// The next byte after white space, which it moves behind, or nil at the end.
    @inline(__always)
    public mutating func peek(_ bytes: Span<UInt8>) -> UInt8? {
        skipWhitespace(bytes)
        return offset < bytes.count ? bytes[offset] : nil
    }

    /// Validates one value of any kind and moves behind it.
    /// - Throws: ``JSONError``; the offset of the scanner is then unspecified.
    public mutating func skipValue(_ bytes: Span<UInt8>, openArrays: Int = 0) throws(JSONError) {
        var nothing = JSONDiscard()
        try scanValue(bytes, into: &nothing, depth: maximumDepth &- openArrays)
    }

    /// Validates that only white space is left.
    public mutating func expectEnd(_ bytes: Span<UInt8>) throws(JSONError) {
        if peek(bytes) != nil { throw JSONError(.trailingBytes, at: offset) }
    }

    /// Moves behind white space and one byte, which must be `byte`.
    @inline(__always)
    mutating func expect(_ byte: UInt8, _ bytes: Span<UInt8>) throws(JSONError) {
        guard let next = peek(bytes) else { throw JSONError(.unexpectedEnd, at: offset) }
        guard next == byte else { throw JSONError(.unexpectedByte, at: offset) }
        offset &+= 1
    }

    /// Validates one value, and tells the sink what it is made of.
    /// - Parameter depth: how many arrays and objects may still be opened.
    mutating func scanValue<Sink: JSONTokenSink>(
        _ bytes: Span<UInt8>, into sink: inout Sink, depth: Int
    ) throws(JSONError) {
        guard let byte = peek(bytes) else { throw JSONError(.unexpectedEnd, at: offset) }
        switch byte {
        case UInt8(ascii: "\""):
            sink.string(try scanStringHere(bytes))
        case UInt8(ascii: "{"):
            try scanObject(bytes, into: &sink, depth: depth)
        case UInt8(ascii: "["):
            try scanArray(bytes, into: &sink, depth: depth)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            sink.number(try scanNumber(bytes))
        default:
            try scanLiteral(byte, bytes, into: &sink)
        }
    }

    private mutating func scanObject<Sink: JSONTokenSink>(
        _ bytes: Span<UInt8>, into sink: inout Sink, depth: Int
    ) throws(JSONError) {
        guard depth > 0 else { throw JSONError(.tooDeep, at: offset) }
        let token = sink.begin(.object, at: offset)
        offset &+= 1
        var members = 0
        if peek(bytes) == UInt8(ascii: "}") {
            offset &+= 1
            return sink.end(token, count: 0)
        }
        while true {
            guard let quote = peek(bytes) else { throw JSONError(.unexpectedEnd, at: offset) }
            guard quote == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: offset) }
            sink.string(try scanStringHere(bytes))
            try expect(UInt8(ascii: ":"), bytes)
            try scanValue(bytes, into: &sink, depth: depth &- 1)
            members &+= 1
            if try !scanSeparator(bytes, end: UInt8(ascii: "}")) { return sink.end(token, count: members) }
        }
    }

    private mutating func scanArray<Sink: JSONTokenSink>(
        _ bytes: Span<UInt8>, into sink: inout Sink, depth: Int
    ) throws(JSONError) {
        guard depth > 0 else { throw JSONError(.tooDeep, at: offset) }
        let token = sink.begin(.array, at: offset)
        offset &+= 1
        var elements = 0
        if peek(bytes) == UInt8(ascii: "]") {
            offset &+= 1
            return sink.end(token, count: 0)
        }
        while true {
            try scanValue(bytes, into: &sink, depth: depth &- 1)
            elements &+= 1
            if try !scanSeparator(bytes, end: UInt8(ascii: "]")) { return sink.end(token, count: elements) }
        }
    }

    /// Moves behind a comma (true) or behind the end of the array or object (false).
    @inline(__always)
    mutating func scanSeparator(_ bytes: Span<UInt8>, end: UInt8) throws(JSONError) -> Bool {
        guard let byte = peek(bytes) else { throw JSONError(.unexpectedEnd, at: offset) }
        guard byte == UInt8(ascii: ",") || byte == end else { throw JSONError(.unexpectedByte, at: offset) }
        offset &+= 1
        return byte == UInt8(ascii: ",")
    }

    private mutating func scanLiteral<Sink: JSONTokenSink>(
        _ first: UInt8, _ bytes: Span<UInt8>, into sink: inout Sink
    ) throws(JSONError) {
        let start = offset
        switch first {
        case UInt8(ascii: "t"):
            try expectWord("true", bytes)
            sink.literal(.true, at: start)
        case UInt8(ascii: "f"):
            try expectWord("false", bytes)
            sink.literal(.false, at: start)
        case UInt8(ascii: "n"):
            try expectWord("null", bytes)
            sink.literal(.null, at: start)
        default:
            throw JSONError(.unexpectedByte, at: offset)
        }
    }

    private mutating func expectWord(_ word: StaticString, _ bytes: Span<UInt8>) throws(JSONError) {
        let length = word.utf8CodeUnitCount
        for index in 0..<length {
            guard offset &+ index < bytes.count else { throw JSONError(.unexpectedEnd, at: offset &+ index) }
            guard bytes[offset &+ index] == word.utf8Start[index] else {
                throw JSONError(.invalidLiteral, at: offset &+ index)
            }
        }
        offset &+= length
    }
}
