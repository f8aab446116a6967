/// What a request's `Range` field selects of a content.
enum RangeSelection: Sendable, Equatable {
    /// Everything: 200.
    case whole
    /// One part: 206.
    case part(Range<UInt64>)
    /// Several parts, in the order in which they were asked for, none of which overlap: 206 with
    /// `multipart/byteranges`.
    case parts([Range<UInt64>])
    /// Nothing that exists: 416.
    case unsatisfiable

    /// Selects from a content of `size` bytes. Ranges that overlap, and more than ``ByteRange/maximumCount``, are
    /// answered with the whole content: nobody needs them, and they would multiply what is sent (RFC 9110 14.2).
    init(field: String?, size: UInt64) {
        guard let field, let ranges = ByteRange.parse(field) else {
            self = .whole
            return
        }
        let parts = ranges.compactMap { $0.resolved(in: size) }
        if parts.isEmpty {
            // The end of an empty content is satisfiable, but no `Content-Range` can name it.
            let isEndOfNothing = ranges.contains { if case .suffix(1...) = $0 { true } else { false } }
            self = isEndOfNothing ? .whole : .unsatisfiable
        } else if parts.count == 1 {
            self = .part(parts[0])
        } else {
            self = Self.overlap(parts) ? .whole : .parts(parts)
        }
    }

    private static func overlap(_ parts: [Range<UInt64>]) -> Bool {
        let sorted = parts.sorted { $0.lowerBound < $1.lowerBound }
        return zip(sorted, sorted.dropFirst()).contains { $0.upperBound > $1.lowerBound }
    }
}
