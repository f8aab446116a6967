/// The unkeyed container of an array that is being read. Its four numbers are narrow so that it fits into an
/// existential without an allocation.
struct JSONArrayDecoder: UnkeyedDecodingContainer {
    let session: JSONDecodingSession
    private let token: UInt32
    private var next: UInt32
    private var position: UInt32 = 0
    private let length: UInt32

    init(_ session: JSONDecodingSession, _ token: Int) throws {
        let array = try session.token(token)
        guard array.kind == .array else { throw session.mismatch([Any].self, token) }
        self.session = session
        // Tokens are fewer than the text has bytes, and those are fewer than 2^32.
        self.token = UInt32(truncatingIfNeeded: token)
        next = self.token &+ 1
        length = array.count
    }

    var codingPath: [any CodingKey] { session.codingPath(Int(token)) }
    var count: Int? { Int(length) }
    var isAtEnd: Bool { position >= length }
    var currentIndex: Int { Int(position) }

    /// Reads the next element, and moves on only if that succeeds.
    @inline(__always)
    private mutating func element<Value>(_ read: (JSONDecodingSession, Int) throws -> Value) throws -> Value {
        guard position < length else { throw end(Value.self) }
        let index = Int(next)
        let following = try session.token(index).next
        let value = try read(session, index)
        next = following
        position &+= 1
        return value
    }

    @inline(never)
    private func end(_ type: Any.Type) -> DecodingError {
        let path = codingPath + [JSONCodingKey(intValue: Int(position))]
        return .valueNotFound(
            type, DecodingError.Context(codingPath: path, debugDescription: "the array has no more elements"))
    }

    mutating func decodeNil() throws -> Bool {
        guard position < length else { throw end(Any?.self) }
        guard session.isNull(Int(next)) else { return false }
        next = try session.token(Int(next)).next
        position &+= 1
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try element { try $0.bool($1) } }
    mutating func decode(_ type: String.Type) throws -> String { try element { try $0.string($1) } }
    mutating func decode(_ type: Double.Type) throws -> Double { try element { try $0.double($1) } }
    mutating func decode(_ type: Float.Type) throws -> Float { try element { try $0.float($1) } }
    mutating func decode(_ type: Int.Type) throws -> Int { try integer(type) }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try integer(type) }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try integer(type) }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try integer(type) }
    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try integer(type) }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try element { try $0.decode(type, $1) }
    }

    private mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws -> Integer {
        try element { try $0.integer($1, as: type) }
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try element { KeyedDecodingContainer(try JSONObjectDecoder<NestedKey>($0, $1)) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try element { try JSONArrayDecoder($0, $1) }
    }

    mutating func superDecoder() throws -> any Decoder {
        try element { JSONValueDecoder(session: $0, token: $1) }
    }
}
