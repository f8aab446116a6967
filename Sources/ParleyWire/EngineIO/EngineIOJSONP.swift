/// Polling by script tags and forms, for pages without XMLHttpRequest across origins: payloads travel as
/// `___eio[<index>]("<payload>");` to the client and as the field `d` of a form from it.
public enum EngineIOJSONP {
    /// Appends a script that hands the payload to the client's callback. The payload must be UTF-8; it becomes a string
    /// literal that is lawful in JavaScript of any age, and that no HTML parser takes for markup.
    public static func append(payload: Span<UInt8>, index: Int, to output: inout [UInt8]) {
        output.append(contentsOf: "___eio[\(index)](\"".utf8)
        var position = 0
        while position < payload.count {
            if let separator = lineSeparator(payload, position) {
                output.append(contentsOf: separator.utf8)
                position += 3
            } else {
                append(payload[position], to: &output)
                position += 1
            }
        }
        output.append(contentsOf: "\");".utf8)
    }

    /// U+2028 and U+2029 end a line in JavaScript before ECMAScript 2019, not in JSON.
    private static func lineSeparator(_ payload: Span<UInt8>, _ position: Int) -> String? {
        guard payload[position] == 0xE2, position + 2 < payload.count, payload[position + 1] == 0x80 else {
            return nil
        }
        return switch payload[position + 2] {
        case 0xA8: #"\u2028"#
        case 0xA9: #"\u2029"#
        default: nil
        }
    }

    private static func append(_ byte: UInt8, to output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""): output.append(contentsOf: #"\""#.utf8)
        case UInt8(ascii: "\\"): output.append(contentsOf: #"\\"#.utf8)
        case UInt8(ascii: "<"): output.append(contentsOf: #"\u003c"#.utf8)
        case UInt8(ascii: "\n"): output.append(contentsOf: #"\n"#.utf8)
        case UInt8(ascii: "\r"): output.append(contentsOf: #"\r"#.utf8)
        case 0x00...0x1F, 0x7F:
            output.append(contentsOf: #"\u00"#.utf8)
            output.append(hexadecimal(byte >> 4))
            output.append(hexadecimal(byte & 15))
        default: output.append(byte)
        }
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }

    // MARK: Forms

    /// The payload in a form's content (`application/x-www-form-urlencoded`): its first field `d`, decoded. Nil when there is
    /// none, or when an escape is malformed.
    public static func payload(ofForm form: Span<UInt8>) -> [UInt8]? {
        var start = 0
        while start < form.count {
            var end = start
            while end < form.count, form[end] != UInt8(ascii: "&") { end += 1 }
            if end - start >= 2, form[start] == UInt8(ascii: "d"), form[start + 1] == UInt8(ascii: "=") {
                return unescape(form.extracting((start + 2)..<end)).map(restoreNewlines)
            }
            start = end + 1
        }
        return nil
    }

    private static func unescape(_ value: Span<UInt8>) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(value.count)
        var position = 0
        while position < value.count {
            switch value[position] {
            case UInt8(ascii: "+"): output.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard position + 2 < value.count, let high = digit(value[position + 1]),
                    let low = digit(value[position + 2])
                else { return nil }
                output.append(high << 4 | low)
                position += 2
            case let byte: output.append(byte)
            }
            position += 1
        }
        return output
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    /// Browsers turn line feeds in forms into CR LF. So clients write a line feed as `\n`, and an `\n` that was there before
    /// with one more backslash; this undoes it.
    private static func restoreNewlines(_ text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var backslashes = 0
        for byte in text {
            guard byte == UInt8(ascii: "n"), backslashes > 0 else {
                output.append(byte)
                backslashes = byte == UInt8(ascii: "\\") ? backslashes + 1 : 0
                continue
            }
            output.removeLast()
            output.append(backslashes == 1 ? UInt8(ascii: "\n") : byte)
            backslashes = 0
        }
        return output
    }
}
