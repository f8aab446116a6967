#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension JSONDecodingSession {
    /// Decodes a value: a known type directly, any other with its own `init(from:)`.
    func decode<Value: Decodable>(_ type: Value.Type, _ index: Int) throws -> Value {
        if Value.self == String.self { return cast(try string(index)) }
        if Value.self == Int.self { return cast(try integer(index, as: Int.self)) }
        if Value.self == Double.self { return cast(try double(index)) }
        if Value.self == Bool.self { return cast(try bool(index)) }
        if Value.self == JSONValue.self { return cast(try value(index)) }
        if Value.self == Data.self { return cast(Data(try binary(index))) }
        if Value.self == Date.self { return cast(try date(index)) }
        if Value.self == URL.self { return cast(try url(index)) }
        if Value.self == Decimal.self { return cast(try decimal(index)) }
        if Value.self == [String].self { return cast(try array(index) { try self.string($0) }) }
        if Value.self == [Int].self { return cast(try array(index) { try self.integer($0, as: Int.self) }) }
        if Value.self == [UInt8].self {
            return cast(try array(index) { try self.integer($0, as: UInt8.self) })
        }
        if Value.self == [Double].self { return cast(try array(index) { try self.double($0) }) }
        if Value.self == [Bool].self { return cast(try array(index) { try self.bool($0) }) }
        if Value.self == [JSONValue].self { return cast(try array(index) { try self.value($0) }) }
        if Value.self == [String: JSONValue].self { return cast(try object(index) { try self.value($0) }) }
        if Value.self == [String: String].self { return cast(try object(index) { try self.string($0) }) }
        if Value.self == [String: Int].self {
            return cast(try object(index) { try self.integer($0, as: Int.self) })
        }
        if Value.self == [String: Double].self { return cast(try object(index) { try self.double($0) }) }
        if Value.self == [String: Bool].self { return cast(try object(index) { try self.bool($0) }) }
        return try Value(from: JSONValueDecoder(session: self, token: index))
    }

    @inline(__always)
    private func cast<Known, Value>(_ value: Known) -> Value {
        // Sound: every call stands behind `Value.self == Known.self`.
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
