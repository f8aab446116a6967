/// One range of a `Range` field (RFC 9110 14.1.2), before the content's length is known.
enum ByteRange: Sendable, Equatable {
    /// `a-b`, or `a-` with nil: positions counted from 0, both included.
    case positions(first: UInt64, last: UInt64?)
    /// `-n`: the last n bytes.
    case suffix(UInt64)

    /// The positions in a content of that many bytes; nil when there is no such byte.
    func resolved(in size: UInt64) -> Range<UInt64>? {
        switch self {
        case .positions(let first, let last):
            guard first < size else { return nil }
            guard let last, last < size else { return first..<size }
            return last < first ? nil : first..<(last + 1)
        case .suffix(let length):
            let start = size > length ? size - length : 0
            return start < size ? start..<size : nil
        }
    }

    /// More ranges than these are not worth reading: such a request is answered with the whole content.
    static let maximumCount = 16

    /// The ranges of a `Range` field; nil when the unit is another one, the syntax is wrong, or there are too many,
    /// in all of which cases the field is to be ignored (RFC 9110 14.2).
    static func parse(_ field: String) -> [ByteRange]? {
        var scanner = FieldScanner(field)
        let unit = scanner.take { $0 != FileByte.equals }
        guard unit.utf8.elementsEqual("bytes".utf8, by: { $0 | 0x20 == $1 }), scanner.skip(FileByte.equals)
        else { return nil }
        var ranges: [ByteRange] = []
        while true {
            scanner.skipListSeparators()
            if scanner.isAtEnd { return ranges.isEmpty ? nil : ranges }
            guard ranges.count < maximumCount, let range = scanner.byteRange() else { return nil }
            ranges.append(range)
        }
    }
}

extension FieldScanner {
    /// `first-pos "-" [ last-pos ]` or `"-" suffix-length`, up to a comma or the end.
    fileprivate mutating func byteRange() -> ByteRange? {
        let first = number()
        guard skip(FileByte.hyphen) else { return nil }
        let last = number()
        skipBlanks()
        guard isAtEnd || next == FileByte.comma else { return nil }
        switch (first, last) {
        case (let first?, let last?): return last < first ? nil : .positions(first: first, last: last)
        case (let first?, nil): return .positions(first: first, last: nil)
        case (nil, let length?): return .suffix(length)
        case (nil, nil): return nil
        }
    }
}
