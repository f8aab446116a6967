#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads the elements of a JSON array one after another, each as the type that its reader asks for: the event name
/// and arguments of a Socket.IO packet.
///
/// The array is validated as a whole when the cursor is made, so that a bad packet is refused before anything of it
/// is used. The cursor is a value without the bytes: give every call the span that it was made with. With other bytes
/// it throws or gives other values, but stays safe.
public struct JSONArrayCursor: Sendable {
    private var scanner: JSONScanner
    private let attachments: [[UInt8]]?

    /// The position of the next element; the first one has 0.
    public private(set) var position = 0

    /// True when there is no further element.
    public private(set) var isAtEnd: Bool

    /// Validates a text that is one array.
    /// - Parameters:
    ///   - bytes: the span that holds the text.
    ///   - offset: where the text begins; it ends with the span.
    ///   - attachments: the packet's attachments; nil for a packet that is not binary. See ``JSON``.
    ///   - maximumDepth: how many arrays and objects may be open at once; at most 512.
    /// - Throws: ``JSONError``.
    public init(
        validating bytes: Span<UInt8>, at offset: Int = 0, attachments: [[UInt8]]? = nil,
        maximumDepth: Int = JSONScanner.defaultMaximumDepth
    ) throws(JSONError) {
        scanner = JSONScanner(at: offset, maximumDepth: maximumDepth)
        self.attachments = attachments
        guard let first = scanner.peek(bytes) else { throw JSONError(.unexpectedEnd, at: scanner.offset) }
        guard first == UInt8(ascii: "[") else { throw JSONError(.notAnArray, at: scanner.offset) }
        var whole = scanner
        if let attachments, !attachments.isEmpty {
            try JSONArrayCursor.checkPlaceholders(bytes, &whole, attachments)
        } else {
            try whole.skipValue(bytes)
        }
        try whole.expectEnd(bytes)
        scanner.offset += 1
        isAtEnd = scanner.peek(bytes) == UInt8(ascii: "]")
    }

    /// Validates the array of an event, and moves behind its name, each byte of which is looked at once.
    ///
    /// - Parameter name: where the name is.
    /// - Throws: ``JSONError``, with ``JSONError/Rule/notAString`` for an array that begins with no string.
    public init(
        event bytes: Span<UInt8>, name: inout JSONStringRange, attachments: [[UInt8]]? = nil,
        maximumDepth: Int = JSONScanner.defaultMaximumDepth
    ) throws(JSONError) {
        if let plain = try JSONArrayCursor.plainEvent(bytes, &name, attachments, maximumDepth) {
            self = plain
            return
        }
        self = try JSONArrayCursor(
            validating: bytes, attachments: attachments, maximumDepth: maximumDepth)
        guard let range = nextStringRange(in: bytes) else { throw JSONError(.notAString, at: 1) }
        name = range
    }

    /// Nil where it takes more than one look: at what is no array, and at placeholders that a client writes in another way,
    /// or somewhere within an argument.
    @inline(__always)
    private static func plainEvent(
        _ bytes: Span<UInt8>, _ name: inout JSONStringRange, _ attachments: [[UInt8]]?, _ maximumDepth: Int
    ) throws(JSONError) -> JSONArrayCursor? {
        var scanner = JSONScanner(at: 0, maximumDepth: maximumDepth)
        guard maximumDepth > 0, scanner.peek(bytes) == UInt8(ascii: "[") else { return nil }
        scanner.offset += 1
        name = try scanner.scanString(bytes)
        var whole = scanner
        let isOver = try !whole.scanSeparator(bytes, end: UInt8(ascii: "]"))
        if isOver {
            scanner.offset = whole.offset &- 1
        } else {
            whole.skipWhitespace(bytes)
            scanner = whole
            if let attachments, !attachments.isEmpty {
                guard try whole.skipArguments(bytes, PlaceholderMarks(count: attachments.count)) else {
                    return nil
                }
            } else {
                repeat {
                    try whole.skipValue(bytes, openArrays: 1)
                } while try whole.scanSeparator(bytes, end: UInt8(ascii: "]"))
            }
        }
        try whole.expectEnd(bytes)
        return JSONArrayCursor(scanner, attachments, position: 1, isAtEnd: isOver)
    }

    private init(_ scanner: JSONScanner, _ attachments: [[UInt8]]?, position: Int, isAtEnd: Bool) {
        self.scanner = scanner
        self.attachments = attachments
        self.position = position
        self.isAtEnd = isAtEnd
    }

    private static func checkPlaceholders(
        _ bytes: Span<UInt8>, _ scanner: inout JSONScanner, _ attachments: [[UInt8]]
    ) throws(JSONError) {
        let session = try JSONDecodingSession(bytes, &scanner, attachments: attachments)
        defer { session.close() }
        try session.checkPlaceholders()
    }

    /// Where the next element begins, or the closing bracket at the end: what the cursor has not read yet.
    public var offset: Int { scanner.offset }

    /// Decodes the next element.
    ///
    /// At the end of the array an `Optional` reads as nil, and any other type throws.
    /// - Parameters:
    ///   - type: any type.
    ///   - bytes: the span that the cursor was made with.
    /// - Throws: `DecodingError` whose coding path begins with the element's position. The cursor stays where it is.
    @inlinable
    public mutating func next<Value: Decodable>(
        _ type: Value.Type, in bytes: Span<UInt8>
    ) throws -> Value {
        if Value.self == String.self { return unsafeBitCast(try nextString(in: bytes), to: Value.self) }
        if Value.self == Int.self, let value = nextSmallInteger(in: bytes) {
            return unsafeBitCast(value, to: Value.self)
        }
        return try nextValue(type, in: bytes)
    }

    /// Moves behind the next element, which must be a string, without making a `String` of it.
    /// - Returns: where the string's contents are in the span, or nil when the next element is no string.
    public mutating func nextStringRange(in bytes: Span<UInt8>) -> JSONStringRange? {
        var ahead = scanner
        guard !isAtEnd, ahead.peek(bytes) == UInt8(ascii: "\""), let string = try? ahead.scanString(bytes),
            (try? advance(to: ahead, in: bytes)) != nil
        else { return nil }
        return string
    }

    @usableFromInline
    mutating func nextString(in bytes: Span<UInt8>) throws -> String {
        if let range = nextStringRange(in: bytes) { return range.string(in: bytes) }
        return try nextValue(String.self, in: bytes)
    }

    /// The next element when it is an integer of at most 18 digits; nil for whatever needs a closer look.
    @usableFromInline
    mutating func nextSmallInteger(in bytes: Span<UInt8>) -> Int? {
        var ahead = scanner
        guard !isAtEnd, let value = ahead.scanSmallInteger(bytes), (try? advance(to: ahead, in: bytes)) != nil
        else { return nil }
        return value
    }

    @usableFromInline
    mutating func nextValue<Value: Decodable>(_ type: Value.Type, in bytes: Span<UInt8>) throws -> Value {
        guard !isAtEnd else { return try missing(type) }
        if let attachment = try nextAttachment(as: type, in: bytes) { return attachment }
        var ahead = scanner
        let session = try JSONDecodingSession(
            bytes, &ahead, attachments: attachments, position: position)
        defer { session.close() }
        let value = try session.decode(type, 0)
        try advance(to: ahead, in: bytes)
        return value
    }

    /// The next element where it is a placeholder that the clients' way of writing shows at once, and the type takes bytes.
    private mutating func nextAttachment<Value>(as type: Value.Type, in bytes: Span<UInt8>) throws -> Value? {
        guard let attachments, Value.self == Data.self || Value.self == JSONValue.self else { return nil }
        var ahead = scanner
        guard let number = ahead.scanPlainPlaceholder(bytes), number < attachments.count else { return nil }
        try advance(to: ahead, in: bytes)
        if Value.self == Data.self { return unsafeBitCast(Data(attachments[number]), to: Value.self) }
        return unsafeBitCast(JSONValue.binary(attachments[number]), to: Value.self)
    }

    /// Moves behind an element and the comma or bracket that follows it.
    private mutating func advance(to ahead: JSONScanner, in bytes: Span<UInt8>) throws(JSONError) {
        var ahead = ahead
        if try ahead.scanSeparator(bytes, end: UInt8(ascii: "]")) {
            ahead.skipWhitespace(bytes)
        } else {
            isAtEnd = true
            ahead.offset -= 1
        }
        scanner = ahead
        position += 1
    }

    /// A missing argument: nil where the type has it.
    private func missing<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let optional = Value.self as? any JSONOptional.Type, let none = optional.missing as? Value {
            return none
        }
        let path = [JSONCodingKey(intValue: position)]
        throw DecodingError.valueNotFound(
            type, DecodingError.Context(codingPath: path, debugDescription: "the argument is missing"))
    }
}

/// Tells `Optional` from other types.
private protocol JSONOptional {
    static var missing: Self { get }
}

extension Optional: JSONOptional {
    fileprivate static var missing: Self { nil }
}
