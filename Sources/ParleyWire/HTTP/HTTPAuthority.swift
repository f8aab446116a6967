/// The syntax of `uri-host [ ":" port ]` (RFC 3986 3.2.2 and 3.2.3, RFC 9110 7.2): `Host`, `:authority`, and the
/// authority of an absolute-form target. User information (`a@b`) is never part of it (RFC 9110 4.2.4).
package enum HTTPAuthority {
    /// True when the bytes are a host and an optional port up to 65535. An empty host is valid only without a port:
    /// a client sends `Host:` without a value when its target has no authority (RFC 9112 3.2).
    package static func isValid(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count > 0 else { return true }
        if bytes[0] == 0x5B { return isValidLiteral(bytes) }
        var end = 0
        while end < bytes.count, bytes[end] != HTTPBytes.colon { end &+= 1 }
        return end > 0 && isRegisteredName(bytes.extracting(0..<end)) && isValidPort(bytes, from: end)
    }

    /// An IP literal in brackets with an optional port.
    private static func isValidLiteral(_ bytes: Span<UInt8>) -> Bool {
        var end = 1
        while end < bytes.count, bytes[end] != 0x5D { end &+= 1 }
        guard end < bytes.count else { return false }
        let inside = bytes.extracting(1..<end)
        return (isIPv6(inside) || isFutureAddress(inside)) && isValidPort(bytes, from: end &+ 1)
    }

    /// Nothing, or a colon and at most five digits that make a number up to 65535.
    private static func isValidPort(_ bytes: Span<UInt8>, from start: Int) -> Bool {
        guard start < bytes.count else { return true }
        guard bytes[start] == HTTPBytes.colon, bytes.count &- start <= 6 else { return false }
        var port = 0
        for index in (start &+ 1)..<bytes.count {
            guard HTTPBytes.isDigit(bytes[index]) else { return false }
            port = port &* 10 &+ Int(bytes[index] &- 0x30)
        }
        return port <= 65535
    }

    /// `reg-name`: unreserved, percent-encoded and sub-delims. An IPv4 address is one too.
    private static func isRegisteredName(_ bytes: Span<UInt8>) -> Bool {
        var index = 0
        while index < bytes.count {
            if bytes[index] == 0x25 {
                guard index &+ 2 < bytes.count, HTTPBytes.hexadecimalValue(bytes[index &+ 1]) != nil,
                    HTTPBytes.hexadecimalValue(bytes[index &+ 2]) != nil
                else { return false }
                index &+= 3
            } else {
                guard isUnreservedOrDelimiter(bytes[index]) else { return false }
                index &+= 1
            }
        }
        return true
    }

    private static func isUnreservedOrDelimiter(_ byte: UInt8) -> Bool {
        if HTTPBytes.isAlpha(byte) || HTTPBytes.isDigit(byte) { return true }
        switch byte {
        case 0x2D, 0x2E, 0x5F, 0x7E: return true  // - . _ ~
        case 0x21, 0x24, 0x26...0x2C, 0x3B, 0x3D: return true  // ! $ & ' ( ) * + , ; =
        default: return false
        }
    }

    /// `IPvFuture`: "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ).
    private static func isFutureAddress(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count >= 4, bytes[0] | 0x20 == 0x76 else { return false }
        var index = 1
        while index < bytes.count, HTTPBytes.hexadecimalValue(bytes[index]) != nil { index &+= 1 }
        guard index > 1, index &+ 1 < bytes.count, bytes[index] == 0x2E else { return false }
        for rest in (index &+ 1)..<bytes.count
        where !isUnreservedOrDelimiter(bytes[rest]) && bytes[rest] != HTTPBytes.colon {
            return false
        }
        return true
    }

    /// `IPv6address`: eight groups of one to four digits, or fewer with one "::", the last two possibly as IPv4.
    private static func isIPv6(_ bytes: Span<UInt8>) -> Bool {
        var groups = 0
        var compressed = false
        var index = 0
        while index < bytes.count {
            if bytes[index] == HTTPBytes.colon {
                // A colon that no group precedes begins "::", which may stand once.
                guard !compressed, index &+ 1 < bytes.count, bytes[index &+ 1] == HTTPBytes.colon else {
                    return false
                }
                compressed = true
                index &+= 2
                continue
            }
            let start = index
            while index < bytes.count, HTTPBytes.hexadecimalValue(bytes[index]) != nil { index &+= 1 }
            if index < bytes.count, bytes[index] == 0x2E {
                guard isIPv4(bytes.extracting(start..<bytes.count)) else { return false }
                groups += 2
                break
            }
            guard index > start, index &- start <= 4 else { return false }
            groups += 1
            guard index < bytes.count else { break }
            guard bytes[index] == HTTPBytes.colon, index &+ 1 < bytes.count else { return false }
            // Before "::" the colon stays, so that the next turn sees both.
            if bytes[index &+ 1] != HTTPBytes.colon { index &+= 1 }
        }
        return compressed ? groups <= 7 : groups == 8
    }

    /// Four decimal numbers up to 255 without leading zeros.
    private static func isIPv4(_ bytes: Span<UInt8>) -> Bool {
        var parts = 0
        var start = 0
        for index in 0...bytes.count where index == bytes.count || bytes[index] == 0x2E {
            guard isDecimalOctet(bytes.extracting(start..<index)) else { return false }
            parts += 1
            start = index + 1
        }
        return parts == 4
    }

    private static func isDecimalOctet(_ bytes: Span<UInt8>) -> Bool {
        guard (1...3).contains(bytes.count), bytes.count == 1 || bytes[0] != 0x30 else { return false }
        var value = 0
        for index in bytes.indices {
            guard HTTPBytes.isDigit(bytes[index]) else { return false }
            value = value * 10 + Int(bytes[index] &- 0x30)
        }
        return value <= 255
    }
}
