/// Random bytes that nobody can foresee.
package enum SecureRandom {
    /// So many bytes of the system's secure generator, `getrandom` or `arc4random`, which can't fail.
    package static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        while bytes.count < count {
            withUnsafeBytes(of: generator.next() as UInt64) {
                bytes.append(contentsOf: $0.prefix(count - bytes.count))
            }
        }
        return bytes
    }

    /// An id of so many random bytes, as URL-safe Base64.
    package static func identifier(bytes count: Int) -> String {
        Base64URL.encode(bytes(count))
    }
}
