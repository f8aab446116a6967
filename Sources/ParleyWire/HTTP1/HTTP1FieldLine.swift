/// A field line (RFC 9112 5), the same in header and trailer sections.
enum HTTP1FieldLine {
    /// Validates a line without its line end and appends its field to the block.
    @inline(__always)
    static func append(_ line: Span<UInt8>, to block: inout HTTPHeaderBlock) throws(HTTP1Error) {
        var nameEnd = 0
        while nameEnd < line.count, HTTPBytes.isToken(line[nameEnd]) { nameEnd &+= 1 }
        guard nameEnd > 0, nameEnd < line.count, line[nameEnd] == HTTPBytes.colon else {
            throw line.count > 0 && HTTPBytes.isBlank(line[0]) ? .lineFolding : .fieldName
        }
        let value = HTTPBytes.trimmed((nameEnd &+ 1)..<line.count, in: line)
        guard HTTPBytes.isFieldValue(line.extracting(value)) else { throw .fieldValue }
        block.append(line: line, nameLength: nameEnd, value: value)
    }
}

/// What a section may still take before a limit is reached.
struct HTTP1SectionBudget: Sendable {
    private var remainingBytes: Int
    private var remainingFields: Int
    private let fieldBytes: Int

    /// No limit is taken as more than this: header blocks count in 32 bits, and "no limit" must not overflow.
    static let maximum = Int(Int32.max)

    init(_ limits: HTTPLimits) {
        remainingBytes = min(limits.headerSectionBytes, Self.maximum)
        remainingFields = limits.headerCount
        fieldBytes = limits.headerFieldBytes
    }

    /// The longest line, without its line end, that the section may still take.
    var lineBytes: Int { min(fieldBytes, remainingBytes) }

    /// The error for a line that is longer than ``lineBytes``.
    var lineError: HTTP1Error { remainingBytes <= fieldBytes ? .sectionTooLong : .fieldTooLong }

    /// Takes a field line of this length, at most ``lineBytes``, and its line end.
    mutating func take(_ length: Int) throws(HTTP1Error) {
        guard remainingFields > 0 else { throw .tooManyFields }
        remainingFields &-= 1
        remainingBytes = max(0, remainingBytes &- length &- 2)
    }
}
