/// The items of a query (`a=1&b=2`), decoded while they are iterated: escapes once, `+` as a space.
public struct QueryItems: Sequence, Sendable {
    /// One item of a query.
    public struct Item: Sendable, Equatable {
        /// The decoded name.
        public var name: String
        /// The decoded value; empty when the item has no `=`.
        public var value: String
    }

    /// Walks over the items.
    public struct Iterator: IteratorProtocol {
        private let text: String
        /// In UTF-8 bytes from the text's start.
        private var offset: Int

        init(_ text: String, from offset: Int) {
            self.text = text
            self.offset = offset
        }

        /// The next item; empty ones between two `&` are skipped.
        public mutating func next() -> Item? {
            nextRaw().map { Item(name: $0.decoded($0.name), value: $0.value) }
        }

        /// The next item as it was sent.
        package mutating func nextRaw() -> RawItem? {
            let bytes = text.utf8.span
            while offset < bytes.count {
                let start = offset
                let end = bytes.firstIndex(of: 0x26, in: start..<bytes.count) ?? bytes.count
                offset = end + 1
                guard end > start else { continue }
                let separator = bytes.firstIndex(of: 0x3D, in: start..<end) ?? end
                return RawItem(
                    text: text, name: start..<separator, rawValue: Swift.min(separator + 1, end)..<end)
            }
            return nil
        }
    }

    /// An item that is decoded when it is asked for: of some, only what they are not is of interest.
    package struct RawItem {
        fileprivate let text: String
        fileprivate let name: Range<Int>
        fileprivate let rawValue: Range<Int>

        /// The decoded value; empty when the item has no `=`.
        package var value: String { decoded(rawValue) }

        /// Whether this is the decoded name.
        package func isNamed(_ expected: StaticString) -> Bool { matches(name, expected) }

        /// Whether this is the decoded value.
        package func hasValue(_ expected: StaticString) -> Bool { matches(rawValue, expected) }

        fileprivate func decoded(_ range: Range<Int>) -> String {
            PercentCoding.decode(text.utf8.span.extracting(range), plusIsSpace: true)
        }

        private func matches(_ range: Range<Int>, _ expected: StaticString) -> Bool {
            let bytes = text.utf8.span.extracting(range)
            // Escapes make it longer, and nothing else does.
            guard bytes.count <= expected.utf8CodeUnitCount else {
                return PercentCoding.isEscaped(bytes) && decoded(range) == "\(expected)"
            }
            guard bytes.count == expected.utf8CodeUnitCount else { return false }
            let start = expected.utf8Start
            for index in bytes.indices where bytes[index] != start[index] { return false }
            return true
        }
    }

    private let text: String
    private let start: Int

    /// The items of a raw query, which comes without its `?`.
    public init(_ raw: Substring) { self.init(String(raw), from: 0) }

    /// The items of the raw query that begins at this byte of a text, or behind its end.
    init(_ text: String, from start: Int) {
        self.text = text
        self.start = start
    }

    /// An iterator over the items.
    public func makeIterator() -> Iterator { Iterator(text, from: start) }
}

extension Span<UInt8> {
    /// Where the byte is first in the range.
    fileprivate func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        for index in range where self[index] == byte { return index }
        return nil
    }
}
