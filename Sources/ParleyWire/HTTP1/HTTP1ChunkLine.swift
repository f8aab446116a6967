/// A chunk's size line (RFC 9112 7.1): `1*HEXDIG [ chunk-ext ]`, of which extensions are validated and dropped.
struct HTTP1ChunkLine: Equatable {
    /// The chunk's length in bytes; 0 for the last chunk.
    var size: UInt64
    /// The bytes that the extensions took.
    var extensionBytes: Int

    private static let maximumDigits = 16

    /// The longest line that can be valid.
    static func lineBytes(_ limits: HTTPLimits) -> Int {
        maximumDigits &+ min(limits.chunkExtensionLineBytes, HTTP1SectionBudget.maximum)
    }

    /// Reads a line without its line end, or the beginning of one that is too long, which always throws.
    static func parse(_ line: Span<UInt8>, limits: HTTPLimits) throws(HTTP1Error) -> HTTP1ChunkLine {
        var size: UInt64 = 0
        var digits = 0
        while digits < line.count, let digit = HTTPBytes.hexadecimalValue(line[digits]) {
            // Sixteen digits are the 64 bits of the size: the shift loses nothing.
            guard digits < maximumDigits else { throw .chunkSize }
            size = size &<< 4 | UInt64(digit)
            digits &+= 1
        }
        guard digits > 0 else { throw .chunkSize }
        if digits == line.count { return HTTP1ChunkLine(size: size, extensionBytes: 0) }
        guard isExtensionStart(line, at: digits) else { throw .chunkSize }
        guard line.count &- digits <= limits.chunkExtensionLineBytes else { throw .chunkExtensionLineTooLong }
        guard isValidExtensions(line, from: digits) else { throw .chunkExtension }
        return HTTP1ChunkLine(size: size, extensionBytes: line.count &- digits)
    }

    /// Blanks are "bad whitespace" before a semicolon, which must be tolerated there, and nowhere else.
    private static func isExtensionStart(_ line: Span<UInt8>, at start: Int) -> Bool {
        let index = skipBlanks(line, start)
        return index < line.count && line[index] == HTTPBytes.semicolon
    }

    /// *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
    private static func isValidExtensions(_ line: Span<UInt8>, from start: Int) -> Bool {
        var index = start
        while index < line.count {
            index = skipBlanks(line, index)
            guard index < line.count, line[index] == HTTPBytes.semicolon else { return false }
            index = skipBlanks(line, index &+ 1)
            guard let name = skipToken(line, index) else { return false }
            index = name
            let equals = skipBlanks(line, index)
            if equals < line.count, line[equals] == 0x3D {
                let value = skipBlanks(line, equals &+ 1)
                guard let end = skipQuoted(line, value) ?? skipToken(line, value) else { return false }
                index = end
            }
        }
        return true
    }

    private static func skipBlanks(_ line: Span<UInt8>, _ start: Int) -> Int {
        var index = start
        while index < line.count, HTTPBytes.isBlank(line[index]) { index &+= 1 }
        return index
    }

    private static func skipToken(_ line: Span<UInt8>, _ start: Int) -> Int? {
        var index = start
        while index < line.count, HTTPBytes.isToken(line[index]) { index &+= 1 }
        return index > start ? index : nil
    }

    private static func skipQuoted(_ line: Span<UInt8>, _ start: Int) -> Int? {
        guard start < line.count, line[start] == 0x22 else { return nil }
        var index = start &+ 1
        while index < line.count {
            let byte = line[index]
            if byte == 0x22 { return index &+ 1 }
            if byte == 0x5C { index &+= 1 }
            guard index < line.count, HTTPBytes.isFieldValue(line.extracting(index..<(index &+ 1))) else {
                return nil
            }
            index &+= 1
        }
        return nil
    }
}
