/// A field's value with parameters, such as those of `Content-Type` (RFC 9110 5.6.6) and `Content-Disposition` (RFC 6266,
/// RFC 7578 4.2): `form-data; name="a"; filename="b.txt"`.
package struct ParameterizedField: Sendable {
    /// What stands before the first semicolon, in lower case.
    package let value: String
    private var parameters: [(name: String, value: [UInt8])] = []

    package init(_ field: String) {
        var scanner = Scanner(bytes: Array(field.utf8))
        value = scanner.take { $0 != HTTPBytes.semicolon }.lowercased()
        while scanner.skip(HTTPBytes.semicolon) {
            let name = scanner.take { $0 != 0x3D && $0 != HTTPBytes.semicolon }.lowercased()
            guard scanner.skip(0x3D) else { continue }
            parameters.append((name, scanner.parameterValue()))
        }
    }

    /// The value of the first parameter of this name, which is in lower case. Nil when there is none.
    package subscript(_ name: String) -> String? {
        bytes(of: name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A parameter in its form with a charset (RFC 8187), `name*=UTF-8''na%C3%AFve`. Nil when there is none, or it is malformed.
    package func extended(_ name: String) -> String? {
        guard let bytes = bytes(of: name + "*") else { return nil }
        let parts = bytes.split(separator: 0x27, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let decoded = Self.decoded(parts[2]) else { return nil }
        switch String(decoding: parts[0], as: UTF8.self).lowercased() {
        case "utf-8": return String(validating: decoded, as: UTF8.self)
        case "iso-8859-1": return String(String.UnicodeScalarView(decoded.map { Unicode.Scalar($0) }))
        default: return nil
        }
    }

    private func bytes(of name: String) -> [UInt8]? { parameters.first { $0.name == name }?.value }

    private static func decoded(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var (decoded, rest) = ([UInt8](), bytes)
        while let byte = rest.popFirst() {
            guard byte == 0x25 else {
                decoded.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(HTTPBytes.hexadecimalValue),
                let low = rest.popFirst().flatMap(HTTPBytes.hexadecimalValue)
            else { return nil }
            decoded.append(high << 4 | low)
        }
        return decoded
    }
}

private struct Scanner {
    let bytes: [UInt8]
    var position = 0

    mutating func skip(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// Takes what is accepted, without the blanks at both its ends.
    mutating func take(while accepts: (UInt8) -> Bool) -> String {
        let start = position
        while position < bytes.count, accepts(bytes[position]) { position += 1 }
        let range = HTTPBytes.trimmed(start..<position, in: bytes.span)
        return String(decoding: bytes[range], as: UTF8.self)
    }

    mutating func parameterValue() -> [UInt8] {
        while position < bytes.count, HTTPBytes.isBlank(bytes[position]) { position += 1 }
        guard skip(0x22) else { return Array(take { $0 != HTTPBytes.semicolon }.utf8) }
        defer { _ = take { $0 != HTTPBytes.semicolon } }
        return quotedString()
    }

    /// A backslash escapes a quote and itself. Before anything else it is one: browsers send the names of files so.
    private mutating func quotedString() -> [UInt8] {
        var value: [UInt8] = []
        while position < bytes.count, bytes[position] != 0x22 {
            let next = position + 1
            if bytes[position] == 0x5C, next < bytes.count, bytes[next] == 0x22 || bytes[next] == 0x5C {
                position = next
            }
            value.append(bytes[position])
            position += 1
        }
        return value
    }
}
