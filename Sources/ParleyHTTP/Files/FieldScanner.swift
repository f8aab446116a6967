/// Reads a field's value from left to right, by bytes.
struct FieldScanner {
    private var rest: Substring.UTF8View

    init(_ field: String) {
        rest = field[...].utf8
        skipBlanks()
    }

    var isAtEnd: Bool { rest.isEmpty }

    /// The byte that comes next, without taking it.
    var next: UInt8? { rest.first }

    /// Takes the byte if it comes next.
    mutating func skip(_ byte: UInt8) -> Bool {
        guard rest.first == byte else { return false }
        rest.removeFirst()
        return true
    }

    /// Takes the text if it comes next, byte for byte.
    mutating func skip(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { bytes in
            guard rest.starts(with: bytes) else { return false }
            rest = rest.dropFirst(bytes.count)
            return true
        }
    }

    mutating func skipBlanks() {
        rest = rest.drop { $0 == FileByte.space || $0 == FileByte.tab }
    }

    /// Takes the commas and blanks between the elements of a list.
    mutating func skipListSeparators() {
        rest = rest.drop { $0 == FileByte.comma || $0 == FileByte.space || $0 == FileByte.tab }
    }

    /// Takes the bytes up to the first that is not accepted.
    mutating func take(while accepts: (UInt8) -> Bool) -> String {
        let taken = rest.prefix(while: accepts)
        rest = rest.dropFirst(taken.count)
        return String(Substring(taken))
    }

    /// Takes decimal digits: nil when there are none, the largest value for a number that does not fit.
    mutating func number() -> UInt64? {
        guard let first = rest.first, Self.isDigit(first) else { return nil }
        var value: UInt64 = 0
        while let byte = rest.first, Self.isDigit(byte) {
            rest.removeFirst()
            let (product, productOverflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = product.addingReportingOverflow(UInt64(byte - 0x30))
            value = productOverflow || sumOverflow || value == .max ? .max : sum
        }
        return value
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
}
