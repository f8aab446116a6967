/// The `Encoder` of one value; also its single value container.
struct JSONValueEncoder: Encoder, SingleValueEncodingContainer {
    let session: JSONEncodingSession
    let handle: JSONHandle

    var codingPath: [any CodingKey] { session.codingPath(of: handle) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        // A value that is an array already cannot be an object; every use of the container then throws.
        session.open(handle, as: .object)
        return KeyedEncodingContainer(JSONObjectEncoder(session: session, handle: handle))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        session.open(handle, as: .array)
        return JSONArrayEncoder(session: session, handle: handle)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() throws {
        let item = try session.beginSingle(handle)
        JSONWriter.writeNull(to: &session.output)
        session.end(item)
    }

    func encode(_ value: Bool) throws {
        let item = try session.beginSingle(handle)
        JSONWriter.write(value, to: &session.output)
        session.end(item)
    }
    func encode(_ value: String) throws {
        let item = try session.beginSingle(handle)
        JSONWriter.write(value, to: &session.output)
        session.end(item)
    }
    func encode(_ value: Double) throws {
        let item = try session.beginSingle(handle)
        do { try JSONWriter.write(value, to: &session.output) } catch { throw session.cancel(item, error) }
        session.end(item)
    }
    func encode(_ value: Float) throws {
        let item = try session.beginSingle(handle)
        do { try JSONWriter.write(value, to: &session.output) } catch { throw session.cancel(item, error) }
        session.end(item)
    }
    func encode(_ value: Int) throws { try integer(Int64(value)) }
    func encode(_ value: Int8) throws { try integer(Int64(value)) }
    func encode(_ value: Int16) throws { try integer(Int64(value)) }
    func encode(_ value: Int32) throws { try integer(Int64(value)) }
    func encode(_ value: Int64) throws { try integer(value) }
    func encode(_ value: Int128) throws { try integer(value) }
    func encode(_ value: UInt) throws { try integer(UInt64(value)) }
    func encode(_ value: UInt8) throws { try integer(UInt64(value)) }
    func encode(_ value: UInt16) throws { try integer(UInt64(value)) }
    func encode(_ value: UInt32) throws { try integer(UInt64(value)) }
    func encode(_ value: UInt64) throws { try integer(value) }
    func encode(_ value: UInt128) throws { try integer(value) }

    func encode<Value: Encodable>(_ value: Value) throws {
        try session.encode(value, session.beginSingle(handle))
    }

    private func integer(_ value: Int64) throws {
        let item = try session.beginSingle(handle)
        JSONWriter.writeSmall(value, to: &session.output)
        session.end(item)
    }
    private func integer(_ value: UInt64) throws {
        let item = try session.beginSingle(handle)
        JSONWriter.write(integer: value, to: &session.output)
        session.end(item)
    }
    private func integer(_ value: Int128) throws {
        let item = try session.beginSingle(handle)
        JSONWriter.write(integer: value, to: &session.output)
        session.end(item)
    }
    private func integer(_ value: UInt128) throws {
        let item = try session.beginSingle(handle)
        JSONWriter.write(integer: value, to: &session.output)
        session.end(item)
    }
}
