/// The unkeyed container of an array that is being written.
struct JSONArrayEncoder: UnkeyedEncodingContainer {
    let session: JSONEncodingSession
    let handle: JSONHandle

    var codingPath: [any CodingKey] { session.codingPath(of: handle) }
    var count: Int { session.count(of: handle) }

    func encodeNil() throws {
        try session.element(handle) { session, _ in JSONWriter.writeNull(to: &session.bytes) }
    }
    func encode(_ value: Bool) throws {
        try session.element(handle) { session, _ in JSONWriter.write(value, to: &session.bytes) }
    }
    func encode(_ value: String) throws {
        try session.element(handle) { session, _ in JSONWriter.write(value, to: &session.bytes) }
    }
    func encode(_ value: Double) throws {
        try session.element(handle) { session, _ in try JSONWriter.write(value, to: &session.bytes) }
    }
    func encode(_ value: Float) throws {
        try session.element(handle) { session, _ in try JSONWriter.write(value, to: &session.bytes) }
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
        try session.element(handle) { session, location in try session.encode(value, at: location) }
    }

    private func integer<Integer: FixedWidthInteger>(_ value: Integer) throws {
        try session.element(handle) { session, _ in JSONWriter.write(integer: value, to: &session.bytes) }
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
        session.inner(kind) { session, body in try session.element(handle, body) }
    }
}
