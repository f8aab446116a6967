/// The fields of a form in their order, collected: what ``Request/form(_:)`` returns.
///
/// ```swift
/// let form = try await request.form()
/// let name = form["name"] ?? "", tags = form.values(of: "tag"), picture = form.file("picture")
/// ```
public struct FormContent: Sendable {
    /// A field.
    public struct Field: Sendable {
        /// The name, as it was sent but for escapes.
        public var name: String
        let content: FormValue

        /// The text; nil for a file.
        public var text: String? { content.text }
        /// The file; nil for a text.
        public var file: UploadedFile? { if case .file(let file) = content { file } else { nil } }
    }

    /// All fields, texts and files.
    public internal(set) var fields: [Field] = []
    let limits: FormLimits

    /// The text of the first field of this name; nil when there is none.
    public subscript(_ name: String) -> String? { fields.first { $0.name == name && $0.text != nil }?.text }

    /// The texts of all fields of this name.
    public func values(of name: String) -> [String] { fields.filter { $0.name == name }.compactMap(\.text) }

    /// The first file of this name; nil when there is none.
    public func file(_ name: String) -> UploadedFile? { files(of: name).first }

    /// The files of this name.
    public func files(of name: String) -> [UploadedFile] {
        fields.filter { $0.name == name }.compactMap(\.file)
    }

    /// The fields as a value: see ``Request/decodeForm(_:limits:)``.
    /// - Throws: ``HTTPError`` 400 that names the field which doesn't fit.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try decode(type, what: "form")
    }

    func decode<Value: Decodable>(_ type: Value.Type, what: String) throws -> Value {
        let root = FormNode()
        for field in fields {
            guard let path = FormName.path(field.name, depth: limits.depth) else {
                throw HTTPError(
                    .badRequest, "limit depth: a name of the \(what) has more than \(limits.depth) brackets")
            }
            root.insert(field.content, below: path)
        }
        do {
            return try FormDecoder(node: root, path: nil).decode(type)
        } catch let error as DecodingError {
            throw HTTPError(.badRequest, "invalid \(what): \(error.formDescription)")
        }
    }

    /// Adds the fields of a query or an urlencoded body. False when there are too many.
    mutating func add(_ items: QueryItems) -> Bool {
        for item in items {
            guard fields.count < limits.fields else { return false }
            fields.append(Field(name: item.name, content: .text(item.value)))
        }
        return true
    }
}

extension DecodingError {
    /// Where and what, without anything that the client sent but its own names.
    fileprivate var formDescription: String {
        switch self {
        case .keyNotFound(let key, let context): "\((context.codingPath + [key]).formName) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            "\(context.codingPath.formName): \(context.debugDescription)"
        @unknown default: "it doesn't fit"
        }
    }
}

extension [any CodingKey] {
    /// `a[b][0]`.
    fileprivate var formName: String {
        guard let first else { return "the whole" }
        return dropFirst().reduce(first.stringValue) { name, key in
            "\(name)[\(key.intValue.map(String.init) ?? key.stringValue)]"
        }
    }
}
