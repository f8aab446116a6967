/// Percent-decoding (RFC 3986 2.1), once. A `%` that two hexadecimal digits do not follow stays as it is.
enum PercentCoding {
    /// The text with every escape replaced by its byte; with `plusIsSpace` also `+` by a space, as forms have it.
    /// What is not UTF-8 then becomes U+FFFD.
    static func decode(_ text: Substring, plusIsSpace: Bool = false) -> String {
        guard needsDecoding(text.utf8, plusIsSpace: plusIsSpace) else { return String(text) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.utf8.count)
        var bytes = text.utf8[...]
        while let byte = bytes.popFirst() {
            if byte == 0x25, let value = escapedByte(bytes) {
                decoded.append(value)
                bytes = bytes.dropFirst(2)
            } else {
                decoded.append(plusIsSpace && byte == 0x2B ? 0x20 : byte)
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func needsDecoding(_ bytes: Substring.UTF8View, plusIsSpace: Bool) -> Bool {
        bytes.contains { $0 == 0x25 || (plusIsSpace && $0 == 0x2B) }
    }

    private static func escapedByte(_ digits: Substring.UTF8View) -> UInt8? {
        guard let first = digits.first, let second = digits.dropFirst().first,
            let high = hexadecimalValue(first), let low = hexadecimalValue(second)
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
