/// An origin, or a pattern of origins, in its parts: scheme, host and port (RFC 6454 4), in lower case.
struct OriginPattern: Sendable, Equatable {
    private enum Port: Sendable, Equatable {
        case number(UInt16)
        /// That of the scheme, where the scheme is none that is known here.
        case unstated
        case any
    }

    private let scheme: String
    /// Behind `*.` where the pattern has that.
    private let host: String
    private let matchesSubdomains: Bool
    private let port: Port

    /// True for what is an origin, and no pattern of several.
    var isExact: Bool { !matchesSubdomains && port != .any }

    /// Reads `scheme://host`, `scheme://host:port` or `null`; a slash at the end is forgiven. Nil for anything else.
    init?(_ text: String) {
        let text = text.lowercased()
        guard text != "null" else {
            (scheme, host, matchesSubdomains, port) = ("null", "", false, .unstated)
            return
        }
        guard let separator = text.firstRange(of: "://") else { return nil }
        let scheme = String(text[..<separator.lowerBound])
        var rest = text[separator.upperBound...]
        if rest.last == "/" { rest = rest.dropLast() }
        guard !scheme.isEmpty, scheme.utf8.allSatisfy(Self.isSchemeByte),
            let (host, portText) = Self.split(rest), let port = Self.port(portText, scheme: scheme)
        else { return nil }
        let isWild = host.hasPrefix("*.")
        self.scheme = scheme
        self.host = String(isWild ? host.dropFirst(2) : host)
        self.port = port
        matchesSubdomains = isWild
        guard !self.host.isEmpty, self.host.utf8.allSatisfy(Self.isHostByte) else { return nil }
    }

    /// True when the origin is one of the pattern's.
    func matches(_ origin: OriginPattern) -> Bool {
        guard scheme == origin.scheme, port == .any || port == origin.port else { return false }
        guard matchesSubdomains else { return host == origin.host }
        return origin.host.utf8.count > host.utf8.count + 1 && origin.host.hasSuffix("." + host)
    }

    /// Host and port; the colons of an IPv6 address are within brackets.
    private static func split(_ authority: Substring) -> (host: Substring, port: Substring?)? {
        let end = authority.lastIndex(of: "]").map { authority.index(after: $0) } ?? authority.startIndex
        guard let colon = authority[end...].firstIndex(of: ":") else { return (authority, nil) }
        return (authority[..<colon], authority[colon...].dropFirst())
    }

    private static func port(_ text: Substring?, scheme: String) -> Port? {
        guard let text else {
            switch scheme {
            case "https": return .number(443)
            case "http": return .number(80)
            default: return .unstated
            }
        }
        if text == "*" { return .any }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt16(text).map { .number($0) }
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x30...0x39, 0x2B, 0x2D, 0x2E: true
        default: false
        }
    }

    /// Letters, digits, `-`, `.`, `_`, and what an IPv6 address has.
    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x30...0x3A, 0x2D, 0x2E, 0x5F, 0x5B, 0x5D: true
        default: false
        }
    }
}
