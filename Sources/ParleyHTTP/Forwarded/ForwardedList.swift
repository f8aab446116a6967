import ParleyWire

/// The last elements of a list, counted from its end; separators within quotes are none (RFC 9110 5.6.4).
///
/// It is read from its end: what proxies appended is found whatever a client wrote before it, be it a quote that never closes.
struct ForwardedList {
    /// From the end of the list to its beginning.
    private(set) var elements: [String] = []
    private let separator: UInt8
    private let limit: Int

    private static let quote: UInt8 = 0x22
    private static let backslash: UInt8 = 0x5C

    /// The elements of all fields of a name, which is in lower case; no more than the limit.
    init(_ headers: HTTPHeaderBlock, _ name: StaticString, limit: Int) {
        separator = 0x2C
        self.limit = limit
        var lines: [Int] = []
        while let index = headers.index(of: name, from: lines.last.map { $0 + 1 } ?? 0) {
            lines.append(index)
        }
        for line in lines.reversed() { append(headers.value(at: line)) }
    }

    /// The parts of an element; nil when there are more than the limit.
    init?(element: String, separator: UInt8, limit: Int) {
        self.separator = separator
        self.limit = limit + 1
        append(element)
        if elements.count > limit { return nil }
    }

    /// The element at a distance from the end, 1 being the last one; nil where there is none.
    func element(at distance: Int) -> String? {
        elements.indices.contains(distance - 1) ? elements[distance - 1] : nil
    }

    private mutating func append(_ text: String) {
        let bytes = Array(text.utf8)
        var end = bytes.count
        var isQuoted = false
        for index in bytes.indices.reversed() where elements.count < limit {
            if bytes[index] == Self.quote, !isEscaped(index, in: bytes, isQuoted) { isQuoted.toggle() }
            guard bytes[index] == separator, !isQuoted else { continue }
            append(bytes[(index + 1)..<end])
            end = index
        }
        append(bytes[..<end])
    }

    /// An odd number of backslashes before a quote within quotes makes it a part of the text.
    private func isEscaped(_ index: Int, in bytes: [UInt8], _ isQuoted: Bool) -> Bool {
        isQuoted && bytes[..<index].reversed().prefix { $0 == Self.backslash }.count % 2 == 1
    }

    private mutating func append(_ element: ArraySlice<UInt8>) {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        var element = element.drop(while: isBlank)
        while let last = element.last, isBlank(last) { element.removeLast() }
        guard !element.isEmpty, elements.count < limit else { return }
        elements.append(String(decoding: element, as: UTF8.self))
    }
}
