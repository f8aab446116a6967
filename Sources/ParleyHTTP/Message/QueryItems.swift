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
        private var rest: Substring

        init(_ rest: Substring) { self.rest = rest }

        /// The next item; empty ones between two `&` are skipped.
        public mutating func next() -> Item? {
            while !rest.isEmpty {
                let item = rest.utf8.prefix { $0 != 0x26 }
                rest = rest.utf8.dropFirst(item.count + 1).asSubstring
                if !item.isEmpty { return Self.decode(item) }
            }
            return nil
        }

        private static func decode(_ bytes: Substring.UTF8View) -> Item {
            let name = bytes.prefix { $0 != 0x3D }
            let value = bytes.dropFirst(name.count + 1)
            return Item(
                name: PercentCoding.decode(name.asSubstring, plusIsSpace: true),
                value: PercentCoding.decode(value.asSubstring, plusIsSpace: true))
        }
    }

    private let raw: Substring

    /// The items of a raw query, which comes without its `?`.
    public init(_ raw: Substring) { self.raw = raw }

    /// An iterator over the items.
    public func makeIterator() -> Iterator { Iterator(raw) }
}
