/// The elements of a field such as `Accept` or `Accept-Encoding`, with their weights (RFC 9110 12.4.2).
struct WeightedList: Sendable {
    struct Element: Sendable, Equatable {
        /// The coding, media type or language, in lower case and without its parameters.
        var name: String
        /// In thousandths: 1000 where none is given, 0 for what is not acceptable.
        var weight: Int
    }

    /// The elements in their order. Those whose weight is malformed are left out.
    let elements: [Element]

    init(_ field: String) {
        elements = field.utf8.split(separator: 0x2C).compactMap { Self.element($0) }
    }

    /// The weight of a name: its own, or else that of `*`; nil when the list says nothing about it.
    func weight(of name: String) -> Int? {
        (elements.first { $0.name == name } ?? elements.first { $0.name == "*" })?.weight
    }

    private static func element(_ bytes: Substring.UTF8View) -> Element? {
        let parts = bytes.split(separator: 0x3B, omittingEmptySubsequences: false)
        let name = trimmed(parts[0]).lowercased()
        guard !name.isEmpty else { return nil }
        for part in parts.dropFirst() {
            let parameter = trimmed(part)
            guard parameter.lowercased().hasPrefix("q=") else { continue }
            guard let weight = weight(parameter.utf8.dropFirst(2)) else { return nil }
            return Element(name: name, weight: weight)
        }
        return Element(name: name, weight: 1000)
    }

    /// `0`, `1`, and up to three decimals behind a point.
    private static func weight(_ digits: Substring.UTF8View) -> Int? {
        guard let first = digits.first, first == 0x30 || first == 0x31 else { return nil }
        var value = Int(first - 0x30)
        var decimals = digits.dropFirst()
        if decimals.popFirst().map({ $0 != 0x2E }) ?? false { return nil }
        guard decimals.count <= 3 else { return nil }
        for position in 0..<3 {
            let digit =
                position < decimals.count
                ? decimals[decimals.index(decimals.startIndex, offsetBy: position)] : 0x30
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return value <= 1000 ? value : nil
    }

    private static func trimmed(_ bytes: Substring.UTF8View) -> Substring {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        var rest = bytes.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return Substring(rest)
    }
}
