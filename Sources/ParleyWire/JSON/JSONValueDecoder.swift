/// The `Decoder` of one value; also its single value container.
struct JSONValueDecoder: Decoder, SingleValueDecodingContainer {
    let session: JSONDecodingSession
    /// The value's token; -1 for the missing value of a super decoder, which reads as null.
    let token: Int

    var codingPath: [any CodingKey] { session.codingPath(token) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(try JSONObjectDecoder<Key>(session, token))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try JSONArrayDecoder(session, token) }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { session.isNull(token) }
    func decode(_ type: Bool.Type) throws -> Bool { try session.bool(token) }
    func decode(_ type: String.Type) throws -> String { try session.string(token) }
    func decode(_ type: Double.Type) throws -> Double { try session.double(token) }
    func decode(_ type: Float.Type) throws -> Float { try session.float(token) }
    func decode(_ type: Int.Type) throws -> Int { try session.integer(token, as: type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try session.integer(token, as: type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try session.integer(token, as: type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try session.integer(token, as: type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try session.integer(token, as: type) }
    func decode(_ type: Int128.Type) throws -> Int128 { try session.integer(token, as: type) }
    func decode(_ type: UInt.Type) throws -> UInt { try session.integer(token, as: type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try session.integer(token, as: type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try session.integer(token, as: type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try session.integer(token, as: type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try session.integer(token, as: type) }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try session.integer(token, as: type) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try session.decode(type, token) }
}
