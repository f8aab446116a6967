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

/// Writes the parts of compact JSON to the end of an array of bytes.
enum JSONWriter {
    /// Writes a quoted string; only what RFC 8259 7 demands is escaped.
    @inline(__always)
    static func write(_ string: String, to bytes: inout [UInt8]) {
        var string = string
        string.withUTF8 { writeString($0, to: &bytes) }
    }

    @inline(never)
    static func writeString(_ utf8: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var start = 0
        while true {
            let end = endOfUnescaped(utf8, from: start)
            if end > start { bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start..<end])) }
            guard end < utf8.count else { break }
            appendEscape(utf8[end], to: &bytes)
            start = end &+ 1
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// The first byte from `start` that must be escaped.
    @inline(__always)
    private static func endOfUnescaped(_ utf8: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var position = start
        let raw = UnsafeRawBufferPointer(utf8)
        while position &+ 8 <= utf8.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            // Bytes from 0x80 are marked too; without their own top bit the other marks stay right.
            let special = JSONScanner.specialBytes(word & 0x7F7F_7F7F_7F7F_7F7F)
            if special != 0 { break }
            position &+= 8
        }
        while position < utf8.count {
            let byte = utf8[position]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            position &+= 1
        }
        return position
    }

    private static func appendEscape(_ byte: UInt8, to bytes: inout [UInt8]) {
        let letter: UInt8
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): letter = byte
        case 0x08: letter = UInt8(ascii: "b")
        case 0x09: letter = UInt8(ascii: "t")
        case 0x0A: letter = UInt8(ascii: "n")
        case 0x0C: letter = UInt8(ascii: "f")
        case 0x0D: letter = UInt8(ascii: "r")
        default:
            append("\\u00", to: &bytes)
            bytes.append(UInt8(ascii: "0") &+ byte &>> 4)
            let low = byte & 15
            bytes.append(low < 10 ? UInt8(ascii: "0") &+ low : UInt8(ascii: "a") &+ low &- 10)
            return
        }
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(letter)
    }

    @inline(__always)
    static func append(_ text: StaticString, to bytes: inout [UInt8]) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    @inline(__always)
    static func write(_ value: Bool, to bytes: inout [UInt8]) {
        if value { append("true", to: &bytes) } else { append("false", to: &bytes) }
    }

    @inline(__always)
    static func writeNull(to bytes: inout [UInt8]) { append("null", to: &bytes) }

    /// Writes an integer of any width.
    @inline(__always)
    static func write<Integer: FixedWidthInteger>(integer value: Integer, to bytes: inout [UInt8]) {
        if let small = Int64(exactly: value) {
            writeSmall(small, to: &bytes)
        } else {
            bytes.append(contentsOf: value.description.utf8)
        }
    }

    @inline(never)
    static func writeSmall(_ value: Int64, to bytes: inout [UInt8]) {
        var magnitude = value.magnitude
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        if magnitude < 10 { return bytes.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: magnitude)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var position = 20
            repeat {
                position &-= 1
                let (quotient, remainder) = magnitude.quotientAndRemainder(dividingBy: 10)
                digits[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: remainder)
                magnitude = quotient
            } while magnitude != 0
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[position..<20]))
        }
    }

    /// Writes the shortest number that is read back as the same `Double`; integers without a fraction.
    @inline(never)
    static func write(_ value: Double, to bytes: inout [UInt8]) throws(JSONUnencodable) {
        if abs(value) < 9_007_199_254_740_992, value == value.rounded(.towardZero),
            value != 0 || value.sign == .plus
        {
            return writeSmall(Int64(value), to: &bytes)
        }
        guard value.isFinite else {
            throw JSONUnencodable(value: value, reason: "JSON has no infinity and no NaN")
        }
        appendDescription(value.description, to: &bytes)
    }

    /// Writes the shortest number that is read back as the same `Float`.
    static func write(_ value: Float, to bytes: inout [UInt8]) throws(JSONUnencodable) {
        guard value.isFinite else {
            throw JSONUnencodable(value: value, reason: "JSON has no infinity and no NaN")
        }
        appendDescription(value.description, to: &bytes)
    }

    /// Swift's shortest form is JSON already, but for a `.0` that JSON does without.
    private static func appendDescription(_ description: String, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: description.utf8)
        if description.utf8.count > 2, bytes.suffix(2).elementsEqual(".0".utf8) { bytes.removeLast(2) }
    }

    /// Writes binary as a placeholder or as Base64.
    static func write(
        binary: UnsafeRawBufferPointer, to bytes: inout [UInt8], attachments: inout JSONAttachments
    ) {
        guard attachments.isCollecting else {
            bytes.append(UInt8(ascii: "\""))
            JSONBase64.append(binary, to: &bytes)
            return bytes.append(UInt8(ascii: "\""))
        }
        writePlaceholder(attachments.buffers.count, to: &bytes)
        attachments.buffers.append([UInt8](binary))
    }

    private static func writePlaceholder(_ number: Int, to bytes: inout [UInt8]) {
        append(#"{"_placeholder":true,"num":"#, to: &bytes)
        writeSmall(Int64(number), to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    /// Writes any value.
    /// - Parameter depth: how many arrays and objects may still be opened.
    static func write(
        _ value: JSONValue, to bytes: inout [UInt8], attachments: inout JSONAttachments, depth: Int
    ) throws(JSONUnencodable) {
        switch value {
        case .null: writeNull(to: &bytes)
        case .bool(let value): write(value, to: &bytes)
        case .int(let value): writeSmall(value, to: &bytes)
        case .double(let value): try write(value, to: &bytes)
        case .string(let value): write(value, to: &bytes)
        case .array(let elements):
            try write(array: elements, to: &bytes) { (element, bytes) throws(JSONUnencodable) in
                try write(element, to: &bytes, attachments: &attachments, depth: checked(depth))
            }
        case .object(let members):
            try write(object: members, to: &bytes) { (member, bytes) throws(JSONUnencodable) in
                try write(member, to: &bytes, attachments: &attachments, depth: checked(depth))
            }
        case .binary(let value):
            guard attachments.isCollecting else {
                return value.withUnsafeBytes { write(binary: $0, to: &bytes, attachments: &attachments) }
            }
            writePlaceholder(attachments.buffers.count, to: &bytes)
            attachments.buffers.append(value)
        }
    }

    private static func checked(_ depth: Int) throws(JSONUnencodable) -> Int {
        guard depth > 0 else { throw JSONUnencodable(value: 0, reason: "the value is nested too deeply") }
        return depth &- 1
    }

    @inline(__always)
    static func write<Element>(
        array elements: [Element], to bytes: inout [UInt8],
        element write: (Element, inout [UInt8]) throws(JSONUnencodable) -> Void
    ) throws(JSONUnencodable) {
        bytes.append(UInt8(ascii: "["))
        var isFirst = true
        for element in elements {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            try write(element, &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    @inline(__always)
    static func write<Value>(
        object members: [String: Value], to bytes: inout [UInt8],
        value write: (Value, inout [UInt8]) throws(JSONUnencodable) -> Void
    ) throws(JSONUnencodable) {
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        for (key, value) in members {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            JSONWriter.write(key, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            try write(value, &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }
}
