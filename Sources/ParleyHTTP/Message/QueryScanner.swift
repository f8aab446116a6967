/// Finds the items of a query in its bytes. Nothing becomes a `String` before somebody asks for it: of some items, all that is of
/// interest is what they are not.
package struct QueryScanner {
    /// The places of an item's name and value.
    package struct Item {
        fileprivate let name: Range<Int>
        fileprivate let value: Range<Int>
        /// Whether there is nothing to decode.
        fileprivate let isPlain: Bool
    }

    private var offset: Int

    /// A scanner of the query that begins at this byte, behind its `?`.
    package init(from offset: Int) { self.offset = offset }

    /// The next item; empty ones between two `&` are skipped.
    package mutating func next(_ bytes: Span<UInt8>) -> Item? {
        while offset < bytes.count {
            let start = offset
            var separator: Int?
            var isPlain = true
            while offset < bytes.count, bytes[offset] != 0x26 {
                switch bytes[offset] {
                case 0x3D where separator == nil: separator = offset
                case 0x25, 0x2B: isPlain = false
                default: break
                }
                offset += 1
            }
            let end = offset
            offset += 1
            guard end > start else { continue }
            let value = separator.map { $0 + 1..<end } ?? end..<end
            return Item(name: start..<(separator ?? end), value: value, isPlain: isPlain)
        }
        return nil
    }
}

extension QueryScanner.Item {
    /// The decoded name.
    package func name(in bytes: Span<UInt8>) -> String { decoded(name, in: bytes) }

    /// The decoded value; empty when the item has no `=`.
    package func value(in bytes: Span<UInt8>) -> String { decoded(value, in: bytes) }

    /// Whether this is the decoded name.
    package func isNamed(_ expected: StaticString, in bytes: Span<UInt8>) -> Bool {
        isEqual(name, to: expected, in: bytes)
    }

    /// Whether this is the decoded value.
    package func hasValue(_ expected: StaticString, in bytes: Span<UInt8>) -> Bool {
        isEqual(value, to: expected, in: bytes)
    }

    private func decoded(_ range: Range<Int>, in bytes: Span<UInt8>) -> String {
        let bytes = bytes.extracting(range)
        guard isPlain else { return PercentCoding.decode(bytes, plusIsSpace: true) }
        return bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    private func isEqual(_ range: Range<Int>, to expected: StaticString, in bytes: Span<UInt8>) -> Bool {
        guard isPlain else { return PercentCoding.isEqual(bytes.extracting(range), to: expected) }
        guard range.count == expected.utf8CodeUnitCount else { return false }
        let start = expected.utf8Start
        for offset in 0..<range.count where bytes[range.lowerBound + offset] != start[offset] { return false }
        return true
    }
}
