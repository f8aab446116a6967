public import HTTPTypes

/// A header or trailer section that is to be sent: names in lower case and values, in one array of bytes. Fields that
/// HTTP/2 knows no use for (RFC 9113 8.2.2) are left out. Keep one and reset it, so that its storage is used again.
public struct HTTP2FieldSection: Sendable {
    /// A field begins where the one before ends, its value where its name ends.
    struct Entry: Sendable {
        var nameEnd: Int
        var valueEnd: Int
    }

    private(set) var bytes: [UInt8] = []
    private(set) var entries: [Entry] = []

    /// An empty section.
    public init() {}

    /// The number of fields.
    public var count: Int { entries.count }

    /// Empties the section and keeps its storage.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }

    /// Appends `:status` (RFC 9113 8.3.2), which goes first.
    public mutating func append(status code: Int) {
        append(name: ":status") { bytes in
            if code == 200 {
                bytes.append(literal: "200")
            } else {
                bytes.append(decimal: UInt64(max(0, code)))
            }
        }
    }

    /// Appends a field whose value is a number.
    public mutating func append(_ name: StaticString, number: UInt64) {
        append(name: name) { $0.append(decimal: number) }
    }

    /// Appends a field whose value is given as bytes that are known to be valid.
    public mutating func append(_ name: StaticString, bytes value: [UInt8]) {
        append(name: name) { $0.append(contentsOf: value) }
    }

    /// Appends the fields, but for those that belong to the connection or are the server's to set: `connection`,
    /// `content-length`, `date`, `keep-alive`, `proxy-connection`, `transfer-encoding` and `upgrade`.
    /// - Throws: ``HTTPEncodingError`` when a value holds a control character but TAB. The section is as it was.
    public mutating func append(_ fields: HTTPFields) throws(HTTPEncodingError) {
        let (byteCount, entryCount) = (bytes.count, entries.count)
        for field in fields where !Self.isDropped(field.name) {
            bytes.append(contentsOf: field.name.canonicalName.utf8)
            let value = bytes.count
            field.withUnsafeBytesOfValue { bytes.append(contentsOf: $0) }
            guard HTTPBytes.isFieldValue(bytes.span.extracting(value..<bytes.count)) else {
                bytes.removeSubrange(byteCount...)
                entries.removeSubrange(entryCount...)
                throw HTTPEncodingError(
                    field: field.name.rawName, rule: "RFC 9110 5.5: control character in a field value")
            }
            entries.append(Entry(nameEnd: value, valueEnd: bytes.count))
        }
    }

    @inline(__always)
    private mutating func append(name: StaticString, _ appendValue: (inout [UInt8]) -> Void) {
        bytes.append(literal: name)
        let value = bytes.count
        appendValue(&bytes)
        entries.append(Entry(nameEnd: value, valueEnd: bytes.count))
    }

    private static func isDropped(_ name: HTTPField.Name) -> Bool {
        switch name.canonicalName.utf8.count {
        case 4: name == .date
        case 7: name == .upgrade
        case 10: name == .connection || name.canonicalName == "keep-alive"
        case 14: name == .contentLength
        case 16: name.canonicalName == "proxy-connection"
        case 17: name == .transferEncoding
        default: false
        }
    }
}
