#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension JSONDecodingSession {
    /// Decodes a value: a known type directly, any other with its own `init(from:)`.
    func decode<Value: Decodable>(_ type: Value.Type, _ index: Int) throws -> Value {
        guard let known = JSONKnownType(Value.self) else {
            return try Value(from: JSONValueDecoder(session: self, token: index))
        }
        return try decode(known, index)
    }

    private func decode<Value>(_ known: JSONKnownType, _ index: Int) throws -> Value {
        switch known {
        case .string: cast(try string(index))
        case .int: cast(try integer(index, as: Int.self))
        case .double: cast(try double(index))
        case .bool: cast(try bool(index))
        case .value: cast(try value(index))
        case .data: cast(Data(try binary(index)))
        case .date: cast(try date(index))
        case .url: cast(try url(index))
        case .decimal: cast(try decimal(index))
        case .strings: cast(try array(index) { try $0.string($1) })
        case .ints: cast(try array(index) { try $0.integer($1, as: Int.self) })
        case .bytes: cast(try array(index) { try $0.integer($1, as: UInt8.self) })
        case .doubles: cast(try array(index) { try $0.double($1) })
        case .bools: cast(try array(index) { try $0.bool($1) })
        case .values: cast(try array(index) { try $0.value($1) })
        case .stringMembers: cast(try object(index) { try $0.string($1) })
        case .intMembers: cast(try object(index) { try $0.integer($1, as: Int.self) })
        case .doubleMembers: cast(try object(index) { try $0.double($1) })
        case .boolMembers: cast(try object(index) { try $0.bool($1) })
        case .valueMembers: cast(try object(index) { try $0.value($1) })
        }
    }

    @inline(__always)
    private func cast<Known, Value>(_ value: Known) -> Value {
        // Sound: the caller has found `Value.self == Known.self`, by its ``JSONKnownType``.
        unsafeBitCast(value, to: Value.self)
    }

    /// The error for a value of another kind than the type's.
    @inline(never)
    func mismatch(_ type: Any.Type, _ index: Int) -> DecodingError {
        let kind = tape[index].kind
        let context = DecodingError.Context(
            codingPath: codingPath(index), debugDescription: "expected \(type), found \(kind)")
        return kind == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    /// The error for a value of the right kind that the type cannot hold.
    @inline(never)
    func corrupted(_ reason: String, _ index: Int) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: codingPath(index), debugDescription: reason))
    }

    /// The keys and indexes that lead to a value, found by walking down from the root.
    @inline(never)
    func codingPath(_ index: Int) -> [any CodingKey] {
        var path: [any CodingKey] = position.map { [JSONCodingKey(intValue: $0)] } ?? []
        guard index >= 0, index < tape.count else { return path }
        var current = 0
        while current != index {
            guard let (key, child) = step(from: current, to: index) else { break }
            path.append(key)
            current = child
        }
        return path
    }

    /// The child of an array or object that is, or holds, the token.
    private func step(from parent: Int, to index: Int) -> (key: JSONCodingKey, child: Int)? {
        let isObject = tape[parent].kind == .object
        var child = parent + 1
        for position in 0..<Int(tape[parent].count) {
            let value = isObject ? child + 1 : child
            let next = Int(tape[value].next)
            if index < next, index >= child {
                if !isObject { return (JSONCodingKey(intValue: position), value) }
                let key = tape[child]
                let name = JSONText.string(contents(key), hasEscapes: key.hasEscapes)
                return index == child ? nil : (JSONCodingKey(stringValue: name), value)
            }
            child = next
        }
        return nil
    }
}
