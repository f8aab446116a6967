import ParleyWire

/// The cookies that a request came with (RFC 6265bis 5.8.3), read while they are asked for.
///
/// Values are given as they were sent, without the quotes around one: percent escapes are a convention of applications and are
/// left to them. What is no cookie between two semicolons is passed over.
///
/// ```swift
/// let theme = request.cookies["theme"] ?? "light"
/// ```
public struct RequestCookies: Sequence, Sendable {
    /// A name with its value.
    public struct Element: Sendable, Equatable {
        /// The name.
        public var name: String
        /// The value without the quotes around it.
        public var value: String
    }

    private let context: RequestContext

    init(context: RequestContext) { self.context = context }

    /// The value of the first cookie of this name: where several are sent, the one of the longest path comes first. Nil when
    /// there is none.
    public subscript(_ name: String) -> String? {
        var cursor = Cursor(context.head.headers)
        while cursor.advance() {
            if cursor.hasName(name) { return cursor.value }
        }
        return nil
    }

    /// The values of all cookies of this name, in their order: paths and domains may have one each.
    public func values(of name: String) -> [String] {
        var values: [String] = []
        var cursor = Cursor(context.head.headers)
        while cursor.advance() {
            if cursor.hasName(name) { values.append(cursor.value) }
        }
        return values
    }

    /// An iterator over all cookies, in their order.
    public func makeIterator() -> Iterator { Iterator(cursor: Cursor(context.head.headers)) }

    /// Walks over the cookies.
    public struct Iterator: IteratorProtocol {
        fileprivate var cursor: Cursor

        /// The next cookie.
        public mutating func next() -> Element? {
            cursor.advance() ? Element(name: cursor.name, value: cursor.value) : nil
        }
    }
}

extension Request {
    /// The cookies that the request came with.
    public var cookies: RequestCookies { RequestCookies(context: context) }
}

// MARK: - Bytes

/// Goes from cookie to cookie over all `Cookie` fields: HTTP/2 may send one in many (RFC 9113 8.2.3).
private struct Cursor {
    private let headers: HTTPHeaderBlock
    private var field: Int?
    private var rest: Range<Int>
    private var nameRange = 0..<0
    private var valueRange = 0..<0

    init(_ headers: HTTPHeaderBlock) {
        self.headers = headers
        field = headers.index(of: "cookie")
        rest = field.map { headers.valueRange(at: $0) } ?? 0..<0
    }

    var name: String { text(nameRange) }
    var value: String { text(valueRange) }

    func hasName(_ name: String) -> Bool {
        name.utf8.count == nameRange.count && name.utf8.elementsEqual(headers.bytes[nameRange])
    }

    /// Goes to the next cookie. False when there is none.
    mutating func advance() -> Bool {
        while let pair = nextPair() {
            guard let sign = headers.bytes[pair].firstIndex(of: 0x3D) else { continue }
            nameRange = trimmed(pair.lowerBound..<sign)
            valueRange = unquoted(trimmed(sign + 1..<pair.upperBound))
            if !nameRange.isEmpty { return true }
        }
        return false
    }

    /// The next piece between two semicolons.
    private mutating func nextPair() -> Range<Int>? {
        while rest.isEmpty {
            guard let current = field else { return nil }
            field = headers.index(of: "cookie", from: current + 1)
            guard let next = field else { return nil }
            rest = headers.valueRange(at: next)
        }
        let end = headers.bytes[rest].firstIndex(of: 0x3B) ?? rest.upperBound
        defer { rest = min(end + 1, rest.upperBound)..<rest.upperBound }
        return rest.lowerBound..<end
    }

    private func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (lower, upper) = (range.lowerBound, range.upperBound)
        while lower < upper, headers.bytes[lower] == 0x20 || headers.bytes[lower] == 0x09 { lower += 1 }
        while lower < upper, headers.bytes[upper - 1] == 0x20 || headers.bytes[upper - 1] == 0x09 {
            upper -= 1
        }
        return lower..<upper
    }

    private func unquoted(_ range: Range<Int>) -> Range<Int> {
        guard range.count >= 2, headers.bytes[range.lowerBound] == 0x22,
            headers.bytes[range.upperBound - 1] == 0x22
        else { return range }
        return range.lowerBound + 1..<range.upperBound - 1
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: headers.bytes[range], as: UTF8.self) }
}
