/// JSON (RFC 8259) for `Codable` types: compact, strict, and with binary as Socket.IO attachments.
///
/// - Binary: `Data` and ``JSONValue/binary(_:)`` anywhere inside a value are written as
///   `{"_placeholder":true,"num":0}`, the bytes beside the text; without attachments, as Base64 strings.
///   `[UInt8]` is an array of numbers, as everywhere in Codable.
/// - `Date` is written as JavaScript's `toJSON` does, `2026-07-01T12:30:00.250Z`, and read from any RFC 3339 form
///   or from a number of milliseconds since 1970. `URL` is a string, `Decimal` a number.
/// - A number such as `1.0` or `1e2` is read as an integer when it is one exactly.
/// - Infinity and NaN cannot be written; a number that is too large for a finite `Double` cannot be read.
/// - Of a repeated key the last value counts.
public enum JSON {
    /// How many arrays, objects and wrapped values may be open while one is encoded.
    public static let maximumEncodingDepth = 512

    /// Appends a value as compact JSON, with its binary as attachments.
    /// - Parameters:
    ///   - value: any value; `String`, `Int`, `Double`, `Bool`, ``JSONValue`` and collections of them are written
    ///     without an `Encoder`.
    ///   - bytes: where the text is appended; unchanged when an error is thrown.
    ///   - attachments: where the bytes of `Data` and ``JSONValue/binary(_:)`` are appended; a placeholder's number
    ///     is an index into it.
    /// - Throws: `EncodingError`, or what the value's own `encode(to:)` throws.
    @inlinable
    public static func encode<Value: Encodable>(
        _ value: Value, into bytes: inout [UInt8], attachments: inout [[UInt8]]
    ) throws {
        if try encodePrimitive(value, into: &bytes) { return }
        try encodeAny(value, into: &bytes, attachments: &attachments)
    }

    /// Appends a value as compact JSON, with its binary as Base64 strings.
    /// - Parameters:
    ///   - value: any value.
    ///   - bytes: where the text is appended; unchanged when an error is thrown.
    /// - Throws: `EncodingError`, or what the value's own `encode(to:)` throws.
    @inlinable
    public static func encode<Value: Encodable>(_ value: Value, into bytes: inout [UInt8]) throws {
        if try encodePrimitive(value, into: &bytes) { return }
        try encodeAny(value, into: &bytes)
    }

    /// Writes the types that need nothing else; folds to one call or to none where the type is known.
    @inlinable @inline(__always)
    static func encodePrimitive<Value>(_ value: Value, into bytes: inout [UInt8]) throws -> Bool {
        if Value.self == String.self {
            append(unsafeBitCast(value, to: String.self), to: &bytes)
        } else if Value.self == Int.self {
            append(unsafeBitCast(value, to: Int.self), to: &bytes)
        } else if Value.self == Bool.self {
            append(unsafeBitCast(value, to: Bool.self), to: &bytes)
        } else if Value.self == Double.self {
            try append(unsafeBitCast(value, to: Double.self), to: &bytes)
        } else {
            return false
        }
        return true
    }

    @usableFromInline
    static func append(_ value: String, to bytes: inout [UInt8]) {
        JSONOutput.with(&bytes) { JSONWriter.write(value, to: &$0) }
    }

    @usableFromInline
    static func append(_ value: Int, to bytes: inout [UInt8]) {
        JSONOutput.with(&bytes) { JSONWriter.writeSmall(Int64(value), to: &$0) }
    }

    @usableFromInline
    static func append(_ value: Bool, to bytes: inout [UInt8]) {
        JSONOutput.with(&bytes) { JSONWriter.write(value, to: &$0) }
    }

    @usableFromInline
    static func append(_ value: Double, to bytes: inout [UInt8]) throws {
        do {
            try JSONOutput.with(&bytes) { try JSONWriter.write(value, to: &$0) }
        } catch {
            throw (error as? JSONUnencodable)?.encodingError([]) ?? error
        }
    }

    @usableFromInline
    static func encodeAny<Value: Encodable>(
        _ value: Value, into bytes: inout [UInt8], attachments: inout [[UInt8]]
    ) throws {
        let count = attachments.count
        var collected = JSONAttachments(isCollecting: true, buffers: attachments)
        // One owner, so that appending does not copy.
        attachments = []
        defer { attachments = collected.buffers }
        do {
            try encodeAny(value, into: &bytes, &collected)
        } catch {
            collected.buffers.removeLast(collected.buffers.count - count)
            throw error
        }
    }

    @usableFromInline
    static func encodeAny<Value: Encodable>(_ value: Value, into bytes: inout [UInt8]) throws {
        var attachments = JSONAttachments.base64
        try encodeAny(value, into: &bytes, &attachments)
    }

    private static func encodeAny<Value: Encodable>(
        _ value: Value, into bytes: inout [UInt8], _ attachments: inout JSONAttachments
    ) throws {
        try JSONOutput.with(&bytes) { output in
            do {
                let depth = maximumEncodingDepth
                if try JSONWriter.writeKnown(
                    value, to: &output, attachments: &attachments, depth: depth)
                {
                    return
                }
                try JSONEncodingSession.encode(value, to: &output, attachments: &attachments)
            } catch {
                throw (error as? JSONUnencodable)?.encodingError([]) ?? error
            }
        }
    }
}
