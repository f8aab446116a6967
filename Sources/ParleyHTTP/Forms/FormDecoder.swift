/// Decodes a `Decodable` from a place in a form.
struct FormDecoder: Decoder {
    let node: FormNode
    let path: FormPath?

    var codingPath: [any CodingKey] { path?.keys ?? [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let scalar = try FormScalar.decode(type, from: node, path: path) { return scalar }
        return try Value(from: self)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(FormKeyedContainer(node: node, path: path))
    }

    func unkeyedContainer() -> any UnkeyedDecodingContainer {
        FormUnkeyedContainer(nodes: node.list, path: path)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        FormSingleContainer(node: node, path: path)
    }
}

/// The way to a place, from its end.
final class FormPath {
    let parent: FormPath?
    let key: any CodingKey

    init(_ parent: FormPath?, _ key: any CodingKey) {
        self.parent = parent
        self.key = key
    }

    var keys: [any CodingKey] { (parent?.keys ?? []) + [key] }
}

/// The key of an element.
struct FormIndex: CodingKey {
    let intValue: Int?
    var stringValue: String { "\(intValue ?? 0)" }

    init(_ index: Int) { intValue = index }
    init(intValue: Int) { self.intValue = intValue }
    init?(stringValue: String) { return nil }
}

// MARK: - Containers

struct FormKeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let node: FormNode
    let path: FormPath?

    var codingPath: [any CodingKey] { path?.keys ?? [] }
    var allKeys: [Key] { node.members.keys.sorted().compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { node.members[key.stringValue] != nil }

    /// An input that was left empty is sent as an empty text.
    func decodeNil(forKey key: Key) -> Bool { node.members[key.stringValue].map(FormScalar.isEmpty) ?? true }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let path = FormPath(path, key)
        guard let member = node.members[key.stringValue] else {
            if let absent = FormScalar.absent(type) { return absent }
            // Lists of none, and types that are satisfied with nothing, but nothing else.
            if type is any FormList.Type { return try FormDecoder(node: FormNode(), path: path).decode(type) }
            throw DecodingError.keyNotFound(
                key, .init(codingPath: codingPath, debugDescription: "it is missing"))
        }
        return try FormDecoder(node: member, path: path).decode(type)
    }

    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
        contains(key) ? try decode(type, forKey: key) : nil
    }

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
        contains(key) ? try decode(type, forKey: key) : nil
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedDecodingContainer<Nested> {
        decoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedDecodingContainer {
        decoder(key).unkeyedContainer()
    }

    func superDecoder() -> any Decoder { FormDecoder(node: node, path: path) }

    func superDecoder(forKey key: Key) -> any Decoder { decoder(key) }

    private func decoder(_ key: Key) -> FormDecoder {
        FormDecoder(node: node.members[key.stringValue] ?? FormNode(), path: FormPath(path, key))
    }
}

/// What is empty where the form has nothing of it, as no box of a group was checked.
protocol FormList {}

extension Array: FormList {}
extension Set: FormList {}

struct FormUnkeyedContainer: UnkeyedDecodingContainer {
    let nodes: [FormNode]
    let path: FormPath?
    var currentIndex = 0

    var codingPath: [any CodingKey] { path?.keys ?? [] }
    var count: Int? { nodes.count }
    var isAtEnd: Bool { currentIndex >= nodes.count }

    init(nodes: [FormNode], path: FormPath?) {
        self.nodes = nodes
        self.path = path
    }

    mutating func decodeNil() -> Bool {
        guard !isAtEnd, FormScalar.isEmpty(nodes[currentIndex]) else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().decode(type) }

    mutating func nestedContainer<Key: CodingKey>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        try next().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try next().unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder { try next() }

    private mutating func next() throws -> FormDecoder {
        let path = FormPath(path, FormIndex(currentIndex))
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                FormNode.self, .init(codingPath: path.keys, debugDescription: "it is missing"))
        }
        defer { currentIndex += 1 }
        return FormDecoder(node: nodes[currentIndex], path: path)
    }
}

struct FormSingleContainer: SingleValueDecodingContainer {
    let node: FormNode
    let path: FormPath?

    var codingPath: [any CodingKey] { path?.keys ?? [] }

    func decodeNil() -> Bool { FormScalar.isEmpty(node) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try FormDecoder(node: node, path: path).decode(type)
    }
}
