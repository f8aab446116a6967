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
        private var scanner: QueryScanner

        init(_ text: String, from start: Int) {
            self.text = text
            scanner = QueryScanner(from: start)
        }

        /// The next item; empty ones between two `&` are skipped.
        public mutating func next() -> Item? {
            let bytes = text.utf8.span
            return scanner.next(bytes).map { Item(name: $0.name(in: bytes), value: $0.value(in: bytes)) }
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
