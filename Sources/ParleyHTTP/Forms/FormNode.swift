/// What a field of a form holds.
enum FormValue: Sendable {
    case text(String)
    case file(UploadedFile)

    var text: String? { if case .text(let text) = self { text } else { nil } }
}

/// A place in a form's tree of names: `user[tags][]=a` puts `a` into the elements of `tags` of `user`.
///
/// What a place is depends on who asks: a value, a list or a keyed whole. It is built and read by one task.
final class FormNode {
    /// In their order; more than one where a name is repeated.
    private(set) var values: [FormValue] = []
    private(set) var members: [String: FormNode] = [:]
    private var elements: [FormNode] = []

    /// The items of a list: those of `a[]`, of a repeated `a`, or of `a[0]`, `a[1]` by their numbers.
    var list: [FormNode] {
        if !elements.isEmpty { return elements }
        if !values.isEmpty { return values.map { FormNode($0) } }
        let numbered = members.compactMap { name, node in Int(name).map { ($0, node) } }
        return numbered.count == members.count ? numbered.sorted { $0.0 < $1.0 }.map(\.1) : []
    }

    /// The value of a field that is one: the first where there are several.
    var value: FormValue? { values.first ?? elements.first?.value }

    init() {}

    private init(_ value: FormValue) { values = [value] }

    /// Puts a value at a path, whose first key is a member's, also where it is empty.
    func insert(_ value: FormValue, below path: [String]) {
        guard let first = path.first else { return }
        member(first).insert(value, at: path.dropFirst())
    }

    private func insert(_ value: FormValue, at path: ArraySlice<String>) {
        guard let key = path.first else { return values.append(value) }
        let rest = path.dropFirst()
        guard key.isEmpty else { return member(key).insert(value, at: rest) }
        // `a[][b]` begins a new element when the last one has a `b` already.
        if let next = rest.first, !next.isEmpty, let last = elements.last, last.members[next] == nil {
            return last.insert(value, at: rest)
        }
        let element = FormNode()
        elements.append(element)
        element.insert(value, at: rest)
    }

    private func member(_ key: String) -> FormNode {
        if let member = members[key] { return member }
        let member = FormNode()
        members[key] = member
        return member
    }
}

/// The names of fields: `a[b][]` is the path a, b, and an element without a name.
enum FormName {
    /// The path of a name; one whose brackets don't match is itself. Nil when it is deeper than the limit.
    static func path(_ name: String, depth: Int) -> [String]? {
        let bytes = name.utf8
        guard bytes.last == 0x5D, let open = bytes.firstIndex(of: 0x5B), open != bytes.startIndex else {
            return [name]
        }
        var path = [String(Substring(bytes[..<open]))]
        var rest = bytes[open...]
        while !rest.isEmpty {
            guard rest.first == 0x5B, let close = rest.firstIndex(of: 0x5D) else { return [name] }
            let key = rest[rest.index(after: rest.startIndex)..<close]
            guard !key.contains(0x5B) else { return [name] }
            guard path.count <= depth else { return nil }
            path.append(String(Substring(key)))
            rest = rest[rest.index(after: close)...]
        }
        return path
    }
}
