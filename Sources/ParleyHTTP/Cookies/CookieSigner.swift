public import Foundation
import ParleyWire

/// Signs the values of cookies with HMAC-SHA-256, so that clients can read but not change them.
///
/// A signature holds for one cookie's name, and up to a time if one is given. Keys rotate: put the new one in front, and leave
/// the old one behind it until what it signed is over.
///
/// ```swift
/// let signer = CookieSigner(key: try SigningKey(newSecret), older: [try SigningKey(oldSecret)])
/// try response.setCookie(Cookie("user", "ada", maxAge: .seconds(3600)), signedBy: signer)
/// let user = request.cookies.signed("user", by: signer)
/// ```
public struct CookieSigner: Sendable {
    private let keys: [SigningKey]

    /// Creates a signer.
    /// - Parameter key: signs and verifies.
    /// - Parameter older: verify only.
    public init(key: SigningKey, older: [SigningKey] = []) {
        keys = [key] + older
    }

    /// The signed form of a text: `text.expiry.code`, of which the first and the last are URL-safe Base64.
    /// - Parameter expires: when the signature ends, to the second; nil: never.
    public func sign(_ text: String, for name: String, expires: Date? = nil) -> String {
        let expiry = expires.map { String($0.wholeSeconds) } ?? ""
        let content = Base64URL.encode(Array(text.utf8)) + "." + expiry
        let code = HMACSHA256.code(for: Self.message(content, name), key: keys[0].bytes)
        // Without a code it will not be verified.
        return content + "." + Base64URL.encode(code ?? [])
    }

    /// The text of a signed value; nil when no key signed it for this name, or its time is over.
    public func verify(_ value: String, for name: String, at now: Date = Date()) -> String? {
        let parts = value.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let code = Base64URL.decode(parts[2]) else { return nil }
        let message = Self.message("\(parts[0]).\(parts[1])", name)
        guard keys.contains(where: { HMACSHA256.isCode(code, of: message, key: $0.bytes) }) else {
            return nil
        }
        // Only a key's owner could have written what follows.
        if !parts[1].isEmpty {
            guard let expiry = Int64(parts[1]), now.wholeSeconds < expiry else { return nil }
        }
        return Base64URL.decode(parts[0]).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// What is signed. No part can hold the NUL between them, so that no two are alike.
    private static func message(_ content: String, _ name: String) -> [UInt8] {
        Array("parley-cookie-1\0\(name)\0\(content)".utf8)
    }
}

/// A secret that signs: at least 32 bytes.
public struct SigningKey: Sendable {
    /// The bytes that a key has at least: as many as HMAC-SHA-256 gives (RFC 2104 3).
    public static let minimumBytes = 32

    let bytes: [UInt8]

    /// A key of random bytes, such as those that `openssl rand 32` writes.
    /// - Throws: ``SigningKeyError`` when they are less than 32.
    public init(_ bytes: [UInt8]) throws(SigningKeyError) {
        guard bytes.count >= Self.minimumBytes else { throw SigningKeyError() }
        self.bytes = bytes
    }

    /// A key of a text, such as that which `openssl rand -base64 32` writes.
    /// - Throws: ``SigningKeyError`` when it has less than 32 bytes.
    public init(_ text: String) throws(SigningKeyError) {
        try self.init(Array(text.utf8))
    }

    /// A new random key, for what needn't outlive this process.
    public static func random() -> SigningKey { SigningKey(random: SecureRandom.bytes(minimumBytes)) }

    private init(random: [UInt8]) { bytes = random }
}

/// A secret is too short to sign with.
public struct SigningKeyError: Error, Sendable, CustomStringConvertible {
    /// The rule.
    public var description: String { "a signing key has at least \(SigningKey.minimumBytes) bytes" }
}
