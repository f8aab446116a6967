/// The unkeyed container of an array that is being written.
struct JSONArrayEncoder: UnkeyedEncodingContainer {
    let session: JSONEncodingSession
    let handle: JSONHandle

    var codingPath: [any CodingKey] { session.codingPath(of: handle) }
    var count: Int { session.count(of: handle) }

    func encodeNil() throws {
        let item = try session.beginElement(handle)
        JSONWriter.writeNull(to: &session.output)
        session.end(item)
    }
    func encode(_ value: Bool) throws {
        let item = try session.beginElement(handle)
        JSONWriter.write(value, to: &session.output)
        session.end(item)
    }
    func encode(_ value: String) throws {
        let item = try session.beginElement(handle)
        JSONWriter.write(value, to: &session.output)
        session.end(item)
    }
    func encode(_ value: Double) throws {
        let item = try session.beginElement(handle)
        do { try JSONWriter.write(value, to: &session.output) } catch { throw session.cancel(item, error) }
        session.end(item)
    }
    func encode(_ value: Float) throws {
        let item = try session.beginElement(handle)
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
        try session.encode(value, session.beginElement(handle))
    }

    private func integer(_ value: Int64) throws {
        let item = try session.beginElement(handle)
        JSONWriter.writeSmall(value, to: &session.output)
        session.end(item)
    }
    private func integer(_ value: UInt64) throws {
        let item = try session.beginElement(handle)
        JSONWriter.write(integer: value, to: &session.output)
        session.end(item)
    }
    private func integer(_ value: Int128) throws {
        let item = try session.beginElement(handle)
        JSONWriter.write(integer: value, to: &session.output)
        session.end(item)
    }
    private func integer(_ value: UInt128) throws {
        let item = try session.beginElement(handle)
        JSONWriter.write(integer: value, to: &session.output)
        session.end(item)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        KeyedEncodingContainer(JSONObjectEncoder<NestedKey>(session: session, handle: inner(.object)))
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        JSONArrayEncoder(session: session, handle: inner(.array))
    }

    func superEncoder() -> any Encoder { JSONValueEncoder(session: session, handle: inner(.pending)) }

    private func inner(_ kind: JSONFrame.Kind) -> JSONHandle {
        session.inner(kind) { try $0.beginElement(handle) }
    }
}
