/// An entity tag (RFC 9110 8.8.3): the name of one state of a representation.
struct EntityTag: Sendable, Equatable {
    /// How two tags are compared (RFC 9110 8.8.3.2).
    enum Comparison {
        /// Equal, and neither is weak: the same bytes.
        case strong
        /// Equal but for weakness: equivalent content.
        case weak
    }

    /// What stands between the quotes.
    let opaque: String
    let isWeak: Bool

    init(_ opaque: String, isWeak: Bool = false) {
        self.opaque = opaque
        self.isWeak = isWeak
    }

    /// The tag as a field has it.
    var fieldValue: String { isWeak ? "W/\"\(opaque)\"" : "\"\(opaque)\"" }

    func matches(_ other: EntityTag, _ comparison: Comparison) -> Bool {
        // By bytes: strings that look the same are equal as Swift has it.
        guard opaque.utf8.elementsEqual(other.opaque.utf8) else { return false }
        return comparison == .weak || !(isWeak || other.isWeak)
    }

    /// True when an `If-Match` or `If-None-Match` field has this tag in its list, or is `*`. What follows a syntax
    /// error in the list is not looked at.
    func isListed(in field: String, _ comparison: Comparison) -> Bool {
        var scanner = FieldScanner(field)
        if scanner.skip(FileByte.asterisk) {
            scanner.skipBlanks()
            return scanner.isAtEnd
        }
        while let tag = scanner.nextEntityTagOfList() {
            if matches(tag, comparison) { return true }
        }
        return false
    }

    /// The tag that is the whole of a field, such as `If-Range`; nil when it is something else.
    static func whole(_ field: String) -> EntityTag? {
        var scanner = FieldScanner(field)
        guard let tag = scanner.entityTag() else { return nil }
        scanner.skipBlanks()
        return scanner.isAtEnd ? tag : nil
    }
}

extension FieldScanner {
    /// The list's next tag; nil at its end and at a syntax error. Empty elements are skipped (RFC 9110 5.6.1.2).
    mutating func nextEntityTagOfList() -> EntityTag? {
        skipListSeparators()
        guard let tag = entityTag() else { return nil }
        skipBlanks()
        return isAtEnd || next == FileByte.comma ? tag : nil
    }

    /// `[ W/ ] DQUOTE *etagc DQUOTE`
    mutating func entityTag() -> EntityTag? {
        let isWeak = skip("W/")
        guard skip(FileByte.quote) else { return nil }
        let opaque = take { $0 == 0x21 || ($0 >= 0x23 && $0 != 0x7F) }
        guard skip(FileByte.quote) else { return nil }
        return EntityTag(opaque, isWeak: isWeak)
    }
}
