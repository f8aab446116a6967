/// The `Encoder` of one value; also its single value container.
struct JSONValueEncoder: Encoder, SingleValueEncodingContainer {
    let session: JSONEncodingSession
    let handle: JSONHandle

    var codingPath: [any CodingKey] { session.codingPath(of: handle) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        // A value that is an array already cannot be an object; every use of the container then throws.
        _ = session.open(handle, as: .object)
        return KeyedEncodingContainer(JSONObjectEncoder(session: session, handle: handle))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        _ = session.open(handle, as: .array)
        return JSONArrayEncoder(session: session, handle: handle)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() throws {
        try session.single(handle) { session, _ in JSONWriter.writeNull(to: &session.bytes) }
    }

    func encode(_ value: Bool) throws {
        try session.single(handle) { session, _ in JSONWriter.write(value, to: &session.bytes) }
    }
    func encode(_ value: String) throws {
        try session.single(handle) { session, _ in JSONWriter.write(value, to: &session.bytes) }
    }
    func encode(_ value: Double) throws {
        try session.single(handle) { session, _ in try JSONWriter.write(value, to: &session.bytes) }
    }
    func encode(_ value: Float) throws {
        try session.single(handle) { session, _ in try JSONWriter.write(value, to: &session.bytes) }
    }
    func encode(_ value: Int) throws { try integer(value) }
    func encode(_ value: Int8) throws { try integer(value) }
    func encode(_ value: Int16) throws { try integer(value) }
    func encode(_ value: Int32) throws { try integer(value) }
    func encode(_ value: Int64) throws { try integer(value) }
    func encode(_ value: Int128) throws { try integer(value) }
    func encode(_ value: UInt) throws { try integer(value) }
    func encode(_ value: UInt8) throws { try integer(value) }
    func encode(_ value: UInt16) throws { try integer(value) }
    func encode(_ value: UInt32) throws { try integer(value) }
    func encode(_ value: UInt64) throws { try integer(value) }
    func encode(_ value: UInt128) throws { try integer(value) }

    func encode<Value: Encodable>(_ value: Value) throws {
        try session.single(handle) { session, location in try session.encode(value, at: location) }
    }

    private func integer<Integer: FixedWidthInteger>(_ value: Integer) throws {
        try session.single(handle) { session, _ in JSONWriter.write(integer: value, to: &session.bytes) }
    }
}
