/// The keyed container of an object that is being written.
struct JSONObjectEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let session: JSONEncodingSession
    let handle: JSONHandle

    var codingPath: [any CodingKey] { session.codingPath(of: handle) }

    func encodeNil(forKey key: Key) throws {
        let item = try session.beginMember(handle, key.stringValue)
        JSONWriter.writeNull(to: &session.output)
        session.end(item)
    }
    func encode(_ value: Bool, forKey key: Key) throws {
        let item = try session.beginMember(handle, key.stringValue)
        JSONWriter.write(value, to: &session.output)
        session.end(item)
    }
    func encode(_ value: String, forKey key: Key) throws {
        let item = try session.beginMember(handle, key.stringValue)
        JSONWriter.write(value, to: &session.output)
        session.end(item)
    }
    func encode(_ value: Double, forKey key: Key) throws {
        let item = try session.beginMember(handle, key.stringValue)
        do { try JSONWriter.write(value, to: &session.output) } catch { throw session.cancel(item, error) }
        session.end(item)
    }
    func encode(_ value: Float, forKey key: Key) throws {
        let item = try session.beginMember(handle, key.stringValue)
        do { try JSONWriter.write(value, to: &session.output) } catch { throw session.cancel(item, error) }
        session.end(item)
    }
    func encode(_ value: Int, forKey key: Key) throws { try integer(Int64(value), key) }
    func encode(_ value: Int8, forKey key: Key) throws { try integer(Int64(value), key) }
    func encode(_ value: Int16, forKey key: Key) throws { try integer(Int64(value), key) }
    func encode(_ value: Int32, forKey key: Key) throws { try integer(Int64(value), key) }
    func encode(_ value: Int64, forKey key: Key) throws { try integer(value, key) }
    func encode(_ value: Int128, forKey key: Key) throws { try integer(value, key) }
    func encode(_ value: UInt, forKey key: Key) throws { try integer(UInt64(value), key) }
    func encode(_ value: UInt8, forKey key: Key) throws { try integer(UInt64(value), key) }
    func encode(_ value: UInt16, forKey key: Key) throws { try integer(UInt64(value), key) }
    func encode(_ value: UInt32, forKey key: Key) throws { try integer(UInt64(value), key) }
    func encode(_ value: UInt64, forKey key: Key) throws { try integer(value, key) }
    func encode(_ value: UInt128, forKey key: Key) throws { try integer(value, key) }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try session.encode(value, session.beginMember(handle, key.stringValue))
    }

    private func integer(_ value: Int64, _ key: Key) throws {
        let item = try session.beginMember(handle, key.stringValue)
        JSONWriter.writeSmall(value, to: &session.output)
        session.end(item)
    }
    private func integer(_ value: UInt64, _ key: Key) throws {
        let item = try session.beginMember(handle, key.stringValue)
        JSONWriter.write(integer: value, to: &session.output)
        session.end(item)
    }
    private func integer(_ value: Int128, _ key: Key) throws {
        let item = try session.beginMember(handle, key.stringValue)
        JSONWriter.write(integer: value, to: &session.output)
        session.end(item)
    }
    private func integer(_ value: UInt128, _ key: Key) throws {
        let item = try session.beginMember(handle, key.stringValue)
        JSONWriter.write(integer: value, to: &session.output)
        session.end(item)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        let inner = inner(.object, key.stringValue)
        return KeyedEncodingContainer(JSONObjectEncoder<NestedKey>(session: session, handle: inner))
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        JSONArrayEncoder(session: session, handle: inner(.array, key.stringValue))
    }

    func superEncoder() -> any Encoder {
        JSONValueEncoder(session: session, handle: inner(.pending, JSONCodingKey.super.stringValue))
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        JSONValueEncoder(session: session, handle: inner(.pending, key.stringValue))
    }

    private func inner(_ kind: JSONFrame.Kind, _ key: String) -> JSONHandle {
        session.inner(kind) { try $0.beginMember(handle, key) }
    }
}
