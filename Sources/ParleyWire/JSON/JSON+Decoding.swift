extension JSON {
    /// Decodes a text that holds one value.
    /// - Parameters:
    ///   - type: any type; `String`, `Int`, `Double`, `Bool`, ``JSONValue`` and collections of them are read without
    ///     a `Decoder`.
    ///   - bytes: the whole text; white space around the value is allowed.
    ///   - attachments: the attachments of a Socket.IO packet, which placeholders name, each at most once; nil to
    ///     read `Data` from Base64 strings and to take placeholders as ordinary objects.
    ///   - maximumDepth: how many arrays and objects may be open at once; at most 512.
    /// - Throws: ``JSONError`` when the text is not JSON or a placeholder is wrong; `DecodingError` when it does not
    ///   fit the type; what the type's own `init(from:)` throws.
    @inlinable
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: Span<UInt8>, attachments: [[UInt8]]? = nil,
        maximumDepth: Int = JSONScanner.defaultMaximumDepth
    ) throws -> Value {
        if Value.self == String.self { return unsafeBitCast(try decodeString(bytes), to: Value.self) }
        if Value.self == Int.self, let value = decodeInteger(bytes) {
            return unsafeBitCast(value, to: Value.self)
        }
        return try decodeAny(type, from: bytes, attachments: attachments, maximumDepth: maximumDepth)
    }

    @usableFromInline
    static func decodeString(_ bytes: Span<UInt8>) throws -> String {
        var scanner = JSONScanner()
        if scanner.peek(bytes) == UInt8(ascii: "\"") {
            let string = try scanner.scanString(bytes)
            try scanner.expectEnd(bytes)
            return string.string(in: bytes)
        }
        return try decodeAny(
            String.self, from: bytes, attachments: nil, maximumDepth: JSONScanner.defaultMaximumDepth)
    }

    /// The text's value when it is an integer of at most 18 digits; nil for whatever needs a closer look.
    @usableFromInline
    static func decodeInteger(_ bytes: Span<UInt8>) -> Int? {
        var scanner = JSONScanner()
        guard let value = scanner.scanSmallInteger(bytes), scanner.peek(bytes) == nil else { return nil }
        return value
    }

    @usableFromInline
    static func decodeAny<Value: Decodable>(
        _ type: Value.Type, from bytes: Span<UInt8>, attachments: [[UInt8]]?, maximumDepth: Int
    ) throws -> Value {
        var scanner = JSONScanner(maximumDepth: maximumDepth)
        let session = try JSONDecodingSession(bytes, &scanner, attachments: attachments, isWhole: true)
        defer { session.close() }
        try session.checkPlaceholders()
        return try session.decode(type, 0)
    }
}
