/// What a value cannot be written as JSON for. Becomes an `EncodingError` where the coding path is known.
struct JSONUnencodable: Error {
    var value: any Sendable
    var reason: String

    func encodingError(_ codingPath: [any CodingKey]) -> EncodingError {
        EncodingError.invalidValue(
            value, EncodingError.Context(codingPath: codingPath, debugDescription: reason))
    }
}

/// Where binary goes while a value is encoded.
struct JSONAttachments {
    /// Collected, and a placeholder written; or written in place as Base64.
    var isCollecting: Bool
    var buffers: [[UInt8]] = []

    static let base64 = JSONAttachments(isCollecting: false)
}

/// Writes the parts of compact JSON to the end of an output.
enum JSONWriter {
    /// Writes a quoted string; only what RFC 8259 7 demands is escaped.
    @inline(__always)
    static func write(_ string: String, to output: inout JSONOutput) {
        var string = string
        string.withUTF8 { writeString($0, to: &output) }
    }

    @inline(never)
    static func writeString(_ utf8: UnsafeBufferPointer<UInt8>, to output: inout JSONOutput) {
        output.append(UInt8(ascii: "\""))
        var position = output.appendUnescaped(utf8, from: 0)
        while position < utf8.count {
            appendEscape(utf8[position], to: &output)
            position &+= 1
            // Escapes often come together: the next byte is looked at before the next sixteen are.
            guard position < utf8.count else { break }
            if !mustBeEscaped(utf8[position]) { position = output.appendUnescaped(utf8, from: position) }
        }
        output.append(UInt8(ascii: "\""))
    }

    @inline(__always)
    private static func mustBeEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private static func appendEscape(_ byte: UInt8, to output: inout JSONOutput) {
        let letter: UInt8
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): letter = byte
        case 0x08: letter = UInt8(ascii: "b")
        case 0x09: letter = UInt8(ascii: "t")
        case 0x0A: letter = UInt8(ascii: "n")
        case 0x0C: letter = UInt8(ascii: "f")
        case 0x0D: letter = UInt8(ascii: "r")
        default:
            output.append("\\u00")
            output.append(UInt8(ascii: "0") &+ byte &>> 4)
            let low = byte & 15
            output.append(low < 10 ? UInt8(ascii: "0") &+ low : UInt8(ascii: "a") &+ low &- 10)
            return
        }
        output.append(UInt8(ascii: "\\"))
        output.append(letter)
    }

    @inline(__always)
    static func write(_ value: Bool, to output: inout JSONOutput) {
        if value { output.append("true") } else { output.append("false") }
    }

    @inline(__always)
    static func writeNull(to output: inout JSONOutput) { output.append("null") }

    /// Writes an integer of any width.
    @inline(__always)
    static func write<Integer: FixedWidthInteger>(integer value: Integer, to output: inout JSONOutput) {
        if let small = Int64(exactly: value) {
            writeSmall(small, to: &output)
        } else {
            output.append(plain: value.description)
        }
    }

    @inline(never)
    static func writeSmall(_ value: Int64, to output: inout JSONOutput) {
        var magnitude = value.magnitude
        if value < 0 { output.append(UInt8(ascii: "-")) }
        if magnitude < 10 { return output.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: magnitude)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var position = 20
            repeat {
                position &-= 1
                let (quotient, remainder) = magnitude.quotientAndRemainder(dividingBy: 10)
                digits[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: remainder)
                magnitude = quotient
            } while magnitude != 0
            output.append(UnsafeBufferPointer(rebasing: digits[position..<20]))
        }
    }

    /// Writes the shortest number that is read back as the same `Double`; integers without a fraction.
    @inline(never)
    static func write(_ value: Double, to output: inout JSONOutput) throws(JSONUnencodable) {
        if abs(value) < 9_007_199_254_740_992, value == value.rounded(.towardZero),
            value != 0 || value.sign == .plus
        {
            return writeSmall(Int64(value), to: &output)
        }
        guard value.isFinite else {
            throw JSONUnencodable(value: value, reason: "JSON has no infinity and no NaN")
        }
        appendDescription(value.description, to: &output)
    }

    /// Writes the shortest number that is read back as the same `Float`.
    static func write(_ value: Float, to output: inout JSONOutput) throws(JSONUnencodable) {
        guard value.isFinite else {
            throw JSONUnencodable(value: value, reason: "JSON has no infinity and no NaN")
        }
        appendDescription(value.description, to: &output)
    }

    /// Swift's shortest form is JSON already, but for a `.0` that JSON does without.
    private static func appendDescription(_ description: String, to output: inout JSONOutput) {
        output.append(plain: description)
        if description.utf8.count > 2, output.bytes.suffix(2).elementsEqual(".0".utf8) {
            output.truncate(to: output.count - 2)
        }
    }

    /// Writes binary as a placeholder or as Base64.
    static func write(
        binary: UnsafeRawBufferPointer, to output: inout JSONOutput, attachments: inout JSONAttachments
    ) {
        guard attachments.isCollecting else {
            output.append(UInt8(ascii: "\""))
            JSONBase64.append(binary, to: &output)
            return output.append(UInt8(ascii: "\""))
        }
        writePlaceholder(attachments.buffers.count, to: &output)
        attachments.buffers.append([UInt8](binary))
    }

    private static func writePlaceholder(_ number: Int, to output: inout JSONOutput) {
        output.append(#"{"_placeholder":true,"num":"#)
        writeSmall(Int64(number), to: &output)
        output.append(UInt8(ascii: "}"))
    }

    /// Writes any value.
    /// - Parameter depth: how many arrays and objects may still be opened.
    static func write(
        _ value: JSONValue, to output: inout JSONOutput, attachments: inout JSONAttachments, depth: Int
    ) throws(JSONUnencodable) {
        switch value {
        case .null: writeNull(to: &output)
        case .bool(let value): write(value, to: &output)
        case .int(let value): writeSmall(value, to: &output)
        case .double(let value): try write(value, to: &output)
        case .string(let value): write(value, to: &output)
        case .array(let elements):
            try write(array: elements, to: &output) { (element, output) throws(JSONUnencodable) in
                try write(element, to: &output, attachments: &attachments, depth: checked(depth))
            }
        case .object(let members):
            try write(object: members, to: &output) { (member, output) throws(JSONUnencodable) in
                try write(member, to: &output, attachments: &attachments, depth: checked(depth))
            }
        case .binary(let value):
            guard attachments.isCollecting else {
                return value.withUnsafeBytes { write(binary: $0, to: &output, attachments: &attachments) }
            }
            writePlaceholder(attachments.buffers.count, to: &output)
            attachments.buffers.append(value)
        }
    }

    private static func checked(_ depth: Int) throws(JSONUnencodable) -> Int {
        guard depth > 0 else { throw JSONUnencodable(value: 0, reason: "the value is nested too deeply") }
        return depth &- 1
    }

    @inline(__always)
    static func write<Element, Failure: Error>(
        array elements: [Element], to output: inout JSONOutput,
        element write: (Element, inout JSONOutput) throws(Failure) -> Void
    ) throws(Failure) {
        output.append(UInt8(ascii: "["))
        var isFirst = true
        for element in elements {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            try write(element, &output)
        }
        output.append(UInt8(ascii: "]"))
    }

    @inline(__always)
    static func write<Value, Failure: Error>(
        object members: [String: Value], to output: inout JSONOutput,
        value write: (Value, inout JSONOutput) throws(Failure) -> Void
    ) throws(Failure) {
        output.append(UInt8(ascii: "{"))
        var isFirst = true
        for (key, value) in members {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            JSONWriter.write(key, to: &output)
            output.append(UInt8(ascii: ":"))
            try write(value, &output)
        }
        output.append(UInt8(ascii: "}"))
    }
}
