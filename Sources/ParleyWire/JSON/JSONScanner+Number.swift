extension JSONScanner {
    /// Validates a number (RFC 8259 6) that starts here, and moves behind it.
    mutating func scanNumber(_ bytes: Span<UInt8>) throws(JSONError) -> JSONNumberRange {
        let start = offset
        var position = start
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position &+= 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "0") {
            position &+= 1
            if position < bytes.count, JSONScanner.isDigit(bytes[position]) {
                throw JSONError(.invalidNumber, at: position)
            }
        } else {
            position = try JSONScanner.endOfDigits(bytes, from: position)
        }
        var isInteger = true
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            isInteger = false
            position = try JSONScanner.endOfDigits(bytes, from: position &+ 1)
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            position &+= 1
            if position < bytes.count,
                bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
            {
                position &+= 1
            }
            position = try JSONScanner.endOfDigits(bytes, from: position)
        }
        guard position &- start <= JSONScanner.maximumNumberLength else {
            throw JSONError(.numberTooLong, at: start)
        }
        offset = position
        return JSONNumberRange(range: start..<position, isInteger: isInteger)
    }

    /// The value here, moved behind, when it is an integer of at most 18 digits; nil, and not moved, otherwise.
    mutating func scanSmallInteger(_ bytes: Span<UInt8>) -> Int? {
        guard let first = peek(bytes), first == UInt8(ascii: "-") || JSONScanner.isDigit(first) else {
            return nil
        }
        let start = offset
        guard let number = try? scanNumber(bytes), number.isInteger,
            let value = bytes.extracting(number.range).withUnsafeBufferPointer(JSONNumber.smallInteger)
        else {
            offset = start
            return nil
        }
        return Int(exactly: value)
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// The offset behind one digit or more.
    @inline(__always)
    private static func endOfDigits(_ bytes: Span<UInt8>, from start: Int) throws(JSONError) -> Int {
        var position = start
        while position < bytes.count, isDigit(bytes[position]) { position &+= 1 }
        if position == start {
            throw JSONError(position < bytes.count ? .invalidNumber : .unexpectedEnd, at: position)
        }
        return position
    }
}
