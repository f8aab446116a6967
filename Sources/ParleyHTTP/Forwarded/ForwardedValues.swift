import ParleyTransport
import ParleyWire

/// A node: an address with or without a port (RFC 7239 6, and what X-Forwarded-For has).
enum ForwardedNode {
    /// Nil for `unknown`, for names that hide the address (`_name`), and for what is malformed.
    ///
    /// - Parameter isIPv6Bracketed: whether an IPv6 address must stand in brackets. Otherwise it may have no port without them.
    static func address(_ text: String, isIPv6Bracketed: Bool = false) -> SocketAddress? {
        let bytes = text.utf8
        if bytes.first == 0x5B {
            guard let end = bytes.firstIndex(of: 0x5D) else { return nil }
            let rest = bytes[bytes.index(after: end)...]
            return address(bytes[bytes.index(after: bytes.startIndex)..<end], port: rest, isIPv6: true)
        }
        let colons = bytes.lazy.filter { $0 == 0x3A }.count
        if colons > 1 {
            return isIPv6Bracketed ? nil : address(bytes[...], port: bytes.suffix(0), isIPv6: true)
        }
        let end = bytes.firstIndex(of: 0x3A) ?? bytes.endIndex
        return address(bytes[..<end], port: bytes[end...], isIPv6: false)
    }

    private static func address(
        _ host: Substring.UTF8View, port: Substring.UTF8View, isIPv6: Bool
    ) -> SocketAddress? {
        // Neither an interface (`%eth0`) nor anything else that a system's parser might take.
        guard host.allSatisfy({ FileByte.hexadecimalValue($0) != nil || $0 == 0x2E || $0 == 0x3A }) else {
            return nil
        }
        guard let number = portNumber(port),
            let address = SocketAddress(host: String(Substring(host)), port: number)
        else { return nil }
        return address.isIPv6 == isIPv6 ? address.unmapped : nil
    }

    /// Nothing, or a colon and a port, of which one that is hidden (`:_name`) is 0.
    private static func portNumber(_ text: Substring.UTF8View) -> UInt16? {
        guard let first = text.first else { return 0 }
        let digits = text.dropFirst()
        guard first == 0x3A else { return nil }
        return digits.first == 0x5F ? 0 : port(digits)
    }

    /// One to five digits up to 65535.
    static func port(_ digits: some Sequence<UInt8>) -> UInt16? {
        var (value, count) = (0, 0)
        for digit in digits {
            guard (0x30...0x39).contains(digit), count < 5 else { return nil }
            value = value * 10 + Int(digit - 0x30)
            count += 1
        }
        return count > 0 ? UInt16(exactly: value) : nil
    }
}

/// The scheme of a client. Some proxies name that of WebSockets.
enum ForwardedScheme {
    static func isSecure(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "https", "wss": true
        case "http", "ws": false
        default: nil
        }
    }
}

/// A host with or without a port (RFC 9110 7.2).
struct ForwardedHost {
    let withoutPort: String
    let hasPort: Bool

    init(_ authority: String) {
        let bytes = authority.utf8
        let start = bytes.first == 0x5B ? bytes.firstIndex(of: 0x5D) ?? bytes.startIndex : bytes.startIndex
        let colon = bytes[start...].firstIndex(of: 0x3A)
        withoutPort = String(authority[..<(colon ?? bytes.endIndex)])
        hasPort = colon != nil
    }

    /// Nil for what is no host.
    static func validated(_ text: String) -> String? {
        !text.isEmpty && HTTPAuthority.isValid(text.utf8.span) ? text : nil
    }
}
