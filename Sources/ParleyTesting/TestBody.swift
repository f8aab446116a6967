import ParleyWire

/// The content of a ``TestClient``'s request.
public struct TestBody: Sendable, ExpressibleByStringLiteral {
    let bytes: [UInt8]
    let type: String?

    /// No content.
    public static let none = TestBody(bytes: [], type: nil)

    /// Bytes, of a type that the request's fields may give.
    public static func bytes(_ bytes: [UInt8], type: String? = nil) -> TestBody {
        TestBody(bytes: bytes, type: type)
    }

    /// A text.
    public static func text(_ text: String, type: String = "text/plain; charset=utf-8") -> TestBody {
        TestBody(bytes: Array(text.utf8), type: type)
    }

    /// A value as JSON. Throws what encoding throws.
    public static func json(_ value: some Encodable) throws -> TestBody {
        var bytes: [UInt8] = []
        try JSON.encode(value, into: &bytes)
        return TestBody(bytes: bytes, type: "application/json")
    }

    /// The fields of a form (`application/x-www-form-urlencoded`), in their order.
    public static func form(_ fields: KeyValuePairs<String, String>) -> TestBody {
        let items = fields.map { "\(escape($0.key))=\(escape($0.value))" }
        return TestBody(
            bytes: Array(items.joined(separator: "&").utf8), type: "application/x-www-form-urlencoded")
    }

    /// A text.
    public init(stringLiteral text: String) { self = .text(text) }

    private init(bytes: [UInt8], type: String?) {
        self.bytes = bytes
        self.type = type
    }

    private static func escape(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var escaped: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x2A: escaped.append(byte)
            case 0x20: escaped.append(0x2B)
            default: escaped += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }
}
