import HTTPTypes

extension HTTPRequest.Method {
    /// The method of these bytes (RFC 9110 9.1), without a `String` for those that are common; nil when they are no token.
    init?(bytes: Span<UInt8>) {
        if let common = Self.common(bytes) {
            self = common
        } else {
            self.init(String(bytes: bytes))
        }
    }

    private static func common(_ bytes: Span<UInt8>) -> Self? {
        switch bytes.count {
        case 3:
            if equal(bytes, "GET") { return .get }
            if equal(bytes, "PUT") { return .put }
        case 4:
            if equal(bytes, "POST") { return .post }
            if equal(bytes, "HEAD") { return .head }
        case 5: if equal(bytes, "PATCH") { return .patch }
        case 6: if equal(bytes, "DELETE") { return .delete }
        case 7:
            if equal(bytes, "OPTIONS") { return .options }
            if equal(bytes, "CONNECT") { return .connect }
        default: break
        }
        return nil
    }

    @inline(__always)
    private static func equal(_ bytes: Span<UInt8>, _ expected: StaticString) -> Bool {
        for index in 0..<expected.utf8CodeUnitCount where bytes[index] != expected.utf8Start[index] {
            return false
        }
        return true
    }
}
