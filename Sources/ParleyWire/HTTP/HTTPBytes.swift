/// The byte classes of HTTP's grammar (RFC 9110 5.6.2, RFC 5234 B.1). Everything here is ASCII: nothing consults a
/// locale or Unicode.
enum HTTPBytes {
    static let carriageReturn: UInt8 = 0x0D
    static let lineFeed: UInt8 = 0x0A
    static let space: UInt8 = 0x20
    static let tab: UInt8 = 0x09
    static let comma: UInt8 = 0x2C
    static let colon: UInt8 = 0x3A
    static let semicolon: UInt8 = 0x3B

    // One bit for each of the bytes 0x00...0x3F and 0x40...0x7F that is a `tchar`: no table in memory, no bounds check.
    private static let tokenBitsLow: UInt64 = 0x03FF_6CFA_0000_0000
    private static let tokenBitsHigh: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    /// `tchar` of RFC 9110 5.6.2.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        guard byte < 0x80 else { return false }
        let bits = byte < 0x40 ? tokenBitsLow : tokenBitsHigh
        return (bits &>> UInt64(byte & 0x3F)) & 1 == 1
    }

    /// `VCHAR` of RFC 5234: printable ASCII without the space.
    @inline(__always)
    static func isVisible(_ byte: UInt8) -> Bool { byte &- 0x21 < 0x5E }

    /// SP or HTAB: `OWS`, `BWS`.
    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    @inline(__always)
    static func isAlpha(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// The value of a hexadecimal digit, or nil.
    @inline(__always)
    static func hexadecimalValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte &- 0x30 }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }

    /// True when every byte may stand in a field value: no control character but HTAB (RFC 9110 5.5).
    static func isFieldValue(_ bytes: Span<UInt8>) -> Bool {
        bytes.withUnsafeBufferPointer { buffer in
            var index = 0
            while index &+ 8 <= buffer.count {
                let word = UnsafeRawPointer(buffer.baseAddress.unsafelyUnwrapped)
                    .loadUnaligned(fromByteOffset: index, as: UInt64.self)
                if hasControl(word), !isFieldValueSlow(buffer, from: index, to: index &+ 8) { return false }
                index &+= 8
            }
            return isFieldValueSlow(buffer, from: index, to: buffer.count)
        }
    }

    /// True when one of the eight bytes is below 0x20 or is 0x7F. It may also be true for other bytes behind such a
    /// one, but is never false when there is one.
    @inline(__always)
    private static func hasControl(_ word: UInt64) -> Bool {
        let high: UInt64 = 0x8080_8080_8080_8080
        let ones: UInt64 = 0x0101_0101_0101_0101
        let below = (word &- (ones &* 0x20)) & ~word & high
        let delete = word ^ (ones &* 0x7F)
        return (below | ((delete &- ones) & ~delete & high)) != 0
    }

    private static func isFieldValueSlow(_ buffer: UnsafeBufferPointer<UInt8>, from: Int, to: Int) -> Bool {
        for index in from..<to {
            let byte = buffer[index]
            if (byte < 0x20 && byte != tab) || byte == 0x7F { return false }
        }
        return true
    }

    /// True when the two are equal but for the case of ASCII letters.
    static func equalIgnoringCase(_ bytes: Span<UInt8>, _ lowercased: StaticString) -> Bool {
        guard bytes.count == lowercased.utf8CodeUnitCount else { return false }
        let expected = lowercased.utf8Start
        for index in bytes.indices where Self.lowercased(bytes[index]) != expected[index] { return false }
        return true
    }

    /// True when the two are equal but for the case of ASCII letters.
    static func equalIgnoringCase(_ bytes: Span<UInt8>, _ others: Span<UInt8>) -> Bool {
        guard bytes.count == others.count else { return false }
        for index in bytes.indices where lowercased(bytes[index]) != lowercased(others[index]) {
            return false
        }
        return true
    }

    /// The range without the blanks (SP, HTAB) at both its ends.
    static func trimmed(_ range: Range<Int>, in bytes: Span<UInt8>) -> Range<Int> {
        var lower = range.lowerBound
        var upper = range.upperBound
        while lower < upper, isBlank(bytes[lower]) { lower &+= 1 }
        while lower < upper, isBlank(bytes[upper &- 1]) { upper &-= 1 }
        return lower..<upper
    }
}

extension String {
    /// The bytes as UTF-8, with U+FFFD in place of what is not.
    init(bytes: Span<UInt8>) {
        self = bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}

extension [UInt8] {
    /// Appends a copy of the bytes.
    @inline(__always)
    mutating func append(bytes: Span<UInt8>) {
        bytes.withUnsafeBufferPointer { append(contentsOf: $0) }
    }

    /// Appends the literal's bytes.
    @inline(__always)
    mutating func append(literal: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Appends the number in decimal digits.
    mutating func append(decimal value: UInt64) {
        if value >= 10 { append(decimal: value / 10) }
        append(0x30 &+ UInt8(truncatingIfNeeded: value % 10))
    }
}

/// As into an array, where the room was made beforehand for all that follows: what doesn't fit stops the program.
extension OutputSpan<UInt8> {
    /// Appends a copy of the bytes.
    @inline(__always)
    mutating func append(bytes: Span<UInt8>) {
        bytes.withUnsafeBufferPointer { append(copying: $0) }
    }

    /// Appends the literal's bytes.
    @inline(__always)
    mutating func append(literal: StaticString) {
        append(copying: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Appends the number in decimal digits.
    mutating func append(decimal value: UInt64) {
        if value >= 10 { append(decimal: value / 10) }
        append(0x30 &+ UInt8(truncatingIfNeeded: value % 10))
    }

    @inline(__always)
    private mutating func append(copying bytes: UnsafeBufferPointer<UInt8>) {
        precondition(bytes.count <= freeCapacity)
        guard let source = bytes.baseAddress else { return }
        withUnsafeMutableBufferPointer { buffer, count in
            // There is room, so there is a base address.
            (buffer.baseAddress.unsafelyUnwrapped + count).initialize(from: source, count: bytes.count)
            count += bytes.count
        }
    }
}
