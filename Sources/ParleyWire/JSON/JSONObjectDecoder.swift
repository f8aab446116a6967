/// The keyed container of an object that is being read.
struct JSONObjectDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let session: JSONDecodingSession
    let token: Int

    init(_ session: JSONDecodingSession, _ token: Int) throws {
        let object = try session.token(token)
        guard object.kind == .object else { throw session.mismatch([String: Any].self, token) }
        self.session = session
        self.token = token
    }

    var codingPath: [any CodingKey] { session.codingPath(token) }

    var allKeys: [Key] {
        guard let object = try? session.token(token) else { return [] }
        var keys: [Key] = []
        var key = token + 1
        for _ in 0..<object.count {
            guard let name = try? session.string(key), let value = try? session.token(key + 1) else { break }
            if let known = Key(stringValue: name) { keys.append(known) }
            key = Int(value.next)
        }
        return keys
    }

    func contains(_ key: Key) -> Bool { session.member(key.stringValue, of: token) != nil }

    @inline(__always)
    private func value(_ key: Key) throws -> Int {
        if let value = session.member(key.stringValue, of: token) { return value }
        throw missing(key)
    }

    /// The member, unless it is missing or null.
    @inline(__always)
    private func present(_ key: Key) throws -> Int? {
        guard let value = session.member(key.stringValue, of: token) else {
            // A closed session has no members either, and must not read as an empty object.
            _ = try session.token(token)
            return nil
        }
        return session.isNull(value) ? nil : value
    }

    @inline(never)
    private func missing(_ key: Key) -> any Error {
        do { _ = try session.token(token) } catch { return error }
        return DecodingError.keyNotFound(
            key,
            DecodingError.Context(
                codingPath: codingPath, debugDescription: "no member \"\(key.stringValue)\""))
    }

    func decodeNil(forKey key: Key) throws -> Bool { session.isNull(try value(key)) }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try session.bool(value(key)) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try session.string(value(key)) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try session.double(value(key)) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try session.float(value(key)) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try session.integer(value(key), as: type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 {
        try session.integer(value(key), as: type)
    }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 {
        try session.integer(value(key), as: type)
    }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 {
        try session.integer(value(key), as: type)
    }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 {
        try session.integer(value(key), as: type)
    }
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 {
        try session.integer(value(key), as: type)
    }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt {
        try session.integer(value(key), as: type)
    }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 {
        try session.integer(value(key), as: type)
    }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 {
        try session.integer(value(key), as: type)
    }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 {
        try session.integer(value(key), as: type)
    }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 {
        try session.integer(value(key), as: type)
    }
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 {
        try session.integer(value(key), as: type)
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try session.decode(type, value(key))
    }

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
        try present(key).map { try session.bool($0) }
    }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
        try present(key).map { try session.string($0) }
    }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
        try present(key).map { try session.double($0) }
    }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? {
        try present(key).map { try session.float($0) }
    }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
        try present(key).map { try session.integer($0, as: type) }
    }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? {
        try present(key).map { try session.integer($0, as: type) }
    }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? {
        try present(key).map { try session.integer($0, as: type) }
    }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? {
        try present(key).map { try session.integer($0, as: type) }
    }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? {
        try present(key).map { try session.integer($0, as: type) }
    }
    func decodeIfPresent(_ type: Int128.Type, forKey key: Key) throws -> Int128? {
        try present(key).map { try session.integer($0, as: type) }
    }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? {
        try present(key).map { try session.integer($0, as: type) }
    }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? {
        try present(key).map { try session.integer($0, as: type) }
    }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? {
        try present(key).map { try session.integer($0, as: type) }
    }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? {
        try present(key).map { try session.integer($0, as: type) }
    }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? {
        try present(key).map { try session.integer($0, as: type) }
    }
    func decodeIfPresent(_ type: UInt128.Type, forKey key: Key) throws -> UInt128? {
        try present(key).map { try session.integer($0, as: type) }
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        try present(key).map { try session.decode(type, $0) }
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        KeyedDecodingContainer(try JSONObjectDecoder<NestedKey>(session, value(key)))
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try JSONArrayDecoder(session, value(key))
    }

    func superDecoder() throws -> any Decoder { superDecoder(JSONCodingKey.super.stringValue) }

    func superDecoder(forKey key: Key) throws -> any Decoder { superDecoder(key.stringValue) }

    /// As Foundation has it, a missing member reads as null.
    private func superDecoder(_ key: String) -> any Decoder {
        JSONValueDecoder(session: session, token: session.member(key, of: token) ?? -1)
    }
}
