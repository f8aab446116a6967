/// Random bytes that nobody can foresee.
package enum SecureRandom {
    /// So many bytes of the system's secure generator, `getrandom` or `arc4random`, which can't fail.
    package static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<max(0, count)).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// An id of so many random bytes, as URL-safe Base64.
    package static func identifier(bytes count: Int) -> String {
        Base64URL.encode(bytes(count))
    }
}
