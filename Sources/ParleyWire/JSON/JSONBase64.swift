/// Base64 (RFC 4648 4, with padding), the form of binary in plain JSON.
enum JSONBase64 {
    private static let alphabet: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// Appends the Base64 form of the bytes, without quotes.
    static func append(_ data: UnsafeRawBufferPointer, to output: inout JSONOutput) {
        let letters = alphabet.utf8Start
        output.reserve((data.count / 3 + 1) * 4)
        var position = 0
        while position &+ 3 <= data.count {
            let word =
                UInt32(data[position]) &<< 16 | UInt32(data[position &+ 1]) &<< 8
                | UInt32(data[position &+ 2])
            output.append(letters[Int(word &>> 18)])
            output.append(letters[Int(word &>> 12 & 63)])
            output.append(letters[Int(word &>> 6 & 63)])
            output.append(letters[Int(word & 63)])
            position &+= 3
        }
        switch data.count &- position {
        case 1:
            let word = UInt32(data[position]) &<< 16
            output.append(letters[Int(word &>> 18)])
            output.append(letters[Int(word &>> 12 & 63)])
            output.append(UInt8(ascii: "="))
            output.append(UInt8(ascii: "="))
        case 2:
            let word = UInt32(data[position]) &<< 16 | UInt32(data[position &+ 1]) &<< 8
            output.append(letters[Int(word &>> 18)])
            output.append(letters[Int(word &>> 12 & 63)])
            output.append(letters[Int(word &>> 6 & 63)])
            output.append(UInt8(ascii: "="))
        default:
            break
        }
    }

    /// The bytes behind the text, or nil when it is not Base64: other letters, wrong length, missing padding, or
    /// bits set that the padding discards.
    static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard text.count & 3 == 0 else { return nil }
        guard !text.isEmpty else { return [] }
        var padding = 0
        while padding < 2, text[text.count &- 1 &- padding] == UInt8(ascii: "=") { padding &+= 1 }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var word: UInt32 = 0
        for index in 0..<(text.count &- padding) {
            guard let digit = digit(text[index]) else { return nil }
            word = word &<< 6 | digit
            guard index & 3 == 3 else { continue }
            bytes.append(UInt8(truncatingIfNeeded: word &>> 16))
            bytes.append(UInt8(truncatingIfNeeded: word &>> 8))
            bytes.append(UInt8(truncatingIfNeeded: word))
            word = 0
        }
        switch padding {
        case 1:
            guard word & 3 == 0 else { return nil }
            bytes.append(UInt8(truncatingIfNeeded: word &>> 10))
            bytes.append(UInt8(truncatingIfNeeded: word &>> 2))
        case 2:
            guard word & 15 == 0 else { return nil }
            bytes.append(UInt8(truncatingIfNeeded: word &>> 4))
        default:
            break
        }
        return bytes
    }

    @inline(__always)
    private static func digit(_ letter: UInt8) -> UInt32? {
        switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(letter &- UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(letter &- UInt8(ascii: "a") &+ 26)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(letter &- UInt8(ascii: "0") &+ 52)
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
