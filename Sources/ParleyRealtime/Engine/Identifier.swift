/// Makes ids of sessions and sockets: 20 characters of the URL-safe base64 alphabet, 120 bits of the system's
/// secure random generator.
enum Identifier {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(unsafeUninitializedCapacity: 20) { buffer in
            for half in 0..<2 {
                var bits = generator.next() as UInt64
                for index in 0..<10 {
                    buffer[half * 10 + index] = alphabet[Int(bits & 63)]
                    bits >>= 6
                }
            }
            return 20
        }
    }

    /// Whether an id that an application made may stand in JSON, in a URL's query and in a cookie as it is (RFC 6265 4.1.1).
    static func isValid(_ id: String) -> Bool {
        !id.isEmpty
            && id.utf8.allSatisfy { byte in
                switch byte {
                case 0x22, 0x2C, 0x3B, 0x5C: false
                default: 0x21...0x7E ~= byte
                }
            }
    }
}
