import COpenSSL

/// HMAC-SHA-256 (RFC 2104, RFC 6234) by OpenSSL.
package enum HMACSHA256 {
    /// The bytes of an authentication code.
    package static let length = 32

    /// The code of a message; nil only when OpenSSL has no memory, or no SHA-256 by its configuration.
    package static func code(for message: [UInt8], key: [UInt8]) -> [UInt8]? {
        guard let keyLength = Int32(exactly: key.count) else { return nil }
        var code = [UInt8](repeating: 0, count: length)
        guard HMAC(EVP_sha256(), key, keyLength, message, message.count, &code, nil) != nil else {
            return nil
        }
        return code
    }

    /// Whether a code is the message's. The time that it takes tells nothing about how much of the code is right.
    package static func isCode(_ code: [UInt8], of message: [UInt8], key: [UInt8]) -> Bool {
        guard let expected = self.code(for: message, key: key), code.count == expected.count else {
            return false
        }
        return CRYPTO_memcmp(code, expected, length) == 0
    }
}
