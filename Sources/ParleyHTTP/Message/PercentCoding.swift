/// Percent-coding (RFC 3986 2.1). Decoding is done once; a `%` that two hexadecimal digits do not follow stays as it is.
enum PercentCoding {
    /// The text with everything escaped but RFC 3986's unreserved characters and the further ones: good for one
    /// segment of a path, or for what is more restricted.
    static func encode(_ text: String, keeping further: StaticString = "") -> String {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if isUnreserved(byte) || further.withUTF8Buffer({ $0.contains(byte) }) {
                encoded.append(byte)
            } else {
                encoded += [0x25, hexadecimalDigit(byte >> 4), hexadecimalDigit(byte & 15)]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
        default: false
        }
    }

    private static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x37 + value
    }

    /// The text with every escape replaced by its byte; with `plusIsSpace` also `+` by a space, as forms have it.
    /// What is not UTF-8 then becomes U+FFFD.
    static func decode(_ text: Substring, plusIsSpace: Bool = false) -> String {
        decode(text.utf8.span, plusIsSpace: plusIsSpace)
    }

    /// The same of bytes.
    static func decode(_ bytes: Span<UInt8>, plusIsSpace: Bool = false) -> String {
        guard needsDecoding(bytes, plusIsSpace: plusIsSpace) else {
            return bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x25, let value = escapedByte(bytes, behind: index) {
                decoded.append(value)
                index += 3
            } else {
                decoded.append(plusIsSpace && byte == 0x2B ? 0x20 : byte)
                index += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    /// Whether this is what bytes of a query decode to, escapes once and `+` as a space; nothing is decoded behind the first
    /// byte that differs.
    static func isEqual(_ bytes: Span<UInt8>, to expected: StaticString) -> Bool {
        var (index, matched) = (0, 0)
        while index < bytes.count, matched < expected.utf8CodeUnitCount {
            let escaped = bytes[index] == 0x25 ? escapedByte(bytes, behind: index) : nil
            let byte = escaped ?? (bytes[index] == 0x2B ? 0x20 : bytes[index])
            guard byte == expected.utf8Start[matched] else { return false }
            index += escaped == nil ? 1 : 3
            matched += 1
        }
        return index == bytes.count && matched == expected.utf8CodeUnitCount
    }

    private static func needsDecoding(_ bytes: Span<UInt8>, plusIsSpace: Bool) -> Bool {
        for index in bytes.indices where bytes[index] == 0x25 || (plusIsSpace && bytes[index] == 0x2B) {
            return true
        }
        return false
    }

    private static func escapedByte(_ bytes: Span<UInt8>, behind index: Int) -> UInt8? {
        guard bytes.count - index > 2, let high = hexadecimalValue(bytes[index + 1]),
            let low = hexadecimalValue(bytes[index + 2])
        else { return nil }
        return high << 4 | low
    }

    private static func hexadecimalValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}

extension Substring.UTF8View {
    /// The text of these bytes; a cut between two characters is repaired by decoding anew.
    var asSubstring: Substring { Substring(self) }
}
