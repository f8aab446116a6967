/// Base64 as RFC 4648 section 4 has it: the standard alphabet, padded, no line breaks.
public enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let invalid: UInt8 = 0xFF
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: invalid, count: 256)
        for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
        return table
    }()

    /// Appends the encoding of the bytes.
    public static func encode(_ bytes: Span<UInt8>, into output: inout [UInt8]) {
        output.reserveCapacity(output.count + (bytes.count + 2) / 3 * 4)
        alphabet.withUnsafeBufferPointer { alphabet in
            var index = 0
            while index < bytes.count {
                let available = min(3, bytes.count - index)
                var group = UInt32(bytes[index]) << 16
                if available > 1 { group |= UInt32(bytes[index + 1]) << 8 }
                if available > 2 { group |= UInt32(bytes[index + 2]) }
                output.append(alphabet[Int(group >> 18)])
                output.append(alphabet[Int(group >> 12 & 63)])
                output.append(available > 1 ? alphabet[Int(group >> 6 & 63)] : UInt8(ascii: "="))
                output.append(available > 2 ? alphabet[Int(group & 63)] : UInt8(ascii: "="))
                index += 3
            }
        }
    }

    /// The bytes that the text stands for, or nil when it is not base64. Missing padding is accepted, as
    /// clients exist that leave it out; padding in the wrong place, and bits behind the last byte, are not.
    public static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        var count = text.count
        if count % 4 == 0 {
            for _ in 0..<2 where count > 0 && text[count - 1] == UInt8(ascii: "=") { count -= 1 }
        }
        guard count % 4 != 1 else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(count / 4 * 3 + 2)
        let isValid = values.withUnsafeBufferPointer { values in
            var group: UInt32 = 0
            var bits: UInt32 = 0
            for index in 0..<count {
                let value = values[Int(text[index])]
                guard value != invalid else { return false }
                group = group << 6 | UInt32(value)
                bits += 6
                if bits >= 8 {
                    bits -= 8
                    output.append(UInt8(truncatingIfNeeded: group >> bits))
                    group &= (1 << bits) - 1
                }
            }
            return group == 0
        }
        return isValid ? output : nil
    }
}
