/// A cookie that can't be set, and why.
public struct CookieError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The cookie's name.
    public let name: String
    /// The rule that it breaks, with the section of RFC 6265bis.
    public let rule: String

    /// The name and the rule.
    public var description: String { "cookie \(name): \(rule)" }
}

extension Cookie {
    /// The bytes of a name and a value together that browsers keep (RFC 6265bis 5.7).
    static let maximumBytes = 4096
    /// The bytes of an attribute's value that browsers regard.
    static let maximumAttributeBytes = 1024

    func validate() throws(CookieError) {
        if let rule = brokenRule { throw CookieError(name: Self.printable(name), rule: rule) }
    }

    private var brokenRule: String? {
        if name.isEmpty || !name.utf8.allSatisfy(Self.isToken) {
            return "6265bis 4.1.1: the name is not a token"
        }
        if !Self.isValue(value) { return "6265bis 4.1.1: the value has a character that no cookie can hold" }
        if name.utf8.count + value.utf8.count > Self.maximumBytes {
            return "6265bis 5.7: name and value exceed \(Self.maximumBytes) bytes"
        }
        return brokenAttributeRule ?? brokenPrefixRule
    }

    private var brokenAttributeRule: String? {
        if let path, !Self.isPath(path) {
            return
                "6265bis 4.1.2.4: the path doesn't begin with a slash, is too long, or holds a control or semicolon"
        }
        if let domain, !Self.isDomain(domain) {
            return "6265bis 4.1.2.3: the domain is not the name of a host"
        }
        if sameSite == .none, !isSecure { return "6265bis 5.7: SameSite=None asks for Secure" }
        if isPartitioned, !isSecure { return "CHIPS: Partitioned asks for Secure" }
        return nil
    }

    private var brokenPrefixRule: String? {
        let prefix = name.lowercased()
        if prefix.hasPrefix("__secure-"), !isSecure { return "6265bis 4.1.3.1: __Secure- asks for Secure" }
        if prefix.hasPrefix("__host-"), !isSecure || path != "/" || domain != nil {
            return "6265bis 4.1.3.2: __Host- asks for Secure, Path=/ and no Domain"
        }
        return nil
    }

    private static func printable(_ name: String) -> String {
        String(decoding: name.utf8.prefix(64).map { isToken($0) ? $0 : 0x3F }, as: UTF8.self)
    }
}

// MARK: - Grammar

extension Cookie {
    /// `tchar` of RFC 9110 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
        default: false
        }
    }

    /// `cookie-value`: octets, or octets in quotes.
    private static func isValue(_ value: String) -> Bool {
        var bytes = value.utf8[...]
        if bytes.count >= 2, bytes.first == 0x22, bytes.last == 0x22 { bytes = bytes.dropFirst().dropLast() }
        return bytes.allSatisfy(isOctet)
    }

    /// `cookie-octet`: visible ASCII without quote, comma, semicolon and backslash.
    private static func isOctet(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21, 0x23...0x2B, 0x2D...0x3A, 0x3C...0x5B, 0x5D...0x7E: true
        default: false
        }
    }

    private static func isPath(_ path: String) -> Bool {
        path.utf8.first == 0x2F && path.utf8.count <= maximumAttributeBytes
            && path.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x3B }
    }

    /// Letters, digits, hyphens and points, with one point at the beginning at most, which browsers ignore.
    private static func isDomain(_ domain: String) -> Bool {
        let labels = domain.utf8.drop { $0 == 0x2E }.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard domain.utf8.count <= 253, !domain.hasPrefix(".."), !labels.isEmpty else { return false }
        return labels.allSatisfy { label in
            !label.isEmpty
                && label.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
                    default: false
                    }
                }
        }
    }
}
