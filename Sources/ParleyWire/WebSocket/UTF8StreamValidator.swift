/// Validates UTF-8 (RFC 3629) that comes in pieces, and fails at the first byte that can't be continued to valid text.
public struct UTF8StreamValidator: Sendable {
    /// The continuation bytes that the current character still needs.
    private var needed: UInt8 = 0
    /// The range of the next continuation byte: narrower after E0, ED, F0 and F4, which excludes overlong forms,
    /// surrogates and what lies beyond U+10FFFF.
    private var lower: UInt8 = 0x80
    private var upper: UInt8 = 0xBF

    /// A validator at the beginning of a text.
    public init() {}

    /// True when the text so far doesn't end within a character.
    public var isComplete: Bool { needed == 0 }

    /// True when the bytes are UTF-8 as a whole.
    public static func isValid(_ bytes: Span<UInt8>) -> Bool {
        var validator = UTF8StreamValidator()
        return validator.consume(bytes) && validator.isComplete
    }

    /// Takes the next piece.
    /// - Returns: false when the text isn't UTF-8; the validator is of no use then.
    public mutating func consume(_ bytes: Span<UInt8>) -> Bool {
        bytes.withUnsafeBufferPointer { consume($0) }
    }

    private mutating func consume(_ buffer: UnsafeBufferPointer<UInt8>) -> Bool {
        let count = buffer.count
        var index = 0
        while index < count {
            if needed == 0 {
                index = Self.skipASCII(buffer, from: index)
                let length = Self.wholeCharacters(buffer, at: index)
                if length > 0 {
                    index &+= length
                    continue
                }
                if index >= count { return true }
                guard begin(buffer[index]) else { return false }
            } else {
                guard buffer[index] >= lower, buffer[index] <= upper else { return false }
                needed &-= 1
                lower = 0x80
                upper = 0xBF
            }
            index &+= 1
        }
        return true
    }

    /// Takes the first byte of a character that isn't ASCII.
    @inline(__always)
    private mutating func begin(_ byte: UInt8) -> Bool {
        switch byte {
        case 0xC2...0xDF: needed = 1
        case 0xE0...0xEF:
            needed = 2
            if byte == 0xE0 { lower = 0xA0 }
            if byte == 0xED { upper = 0x9F }
        case 0xF0...0xF4:
            needed = 3
            if byte == 0xF0 { lower = 0x90 }
            if byte == 0xF4 { upper = 0x8F }
        default: return false
        }
        return true
    }

    /// The bytes of the characters of two and three bytes, in the middle of their planes, that stand complete at the
    /// index: most text that isn't ASCII. The state machine does the rest, and finds every error.
    @inline(__always)
    private static func wholeCharacters(_ buffer: UnsafeBufferPointer<UInt8>, at start: Int) -> Int {
        var index = start
        while index &+ 4 <= buffer.count {
            let word = UInt32(
                littleEndian: UnsafeRawPointer(buffer.baseAddress.unsafelyUnwrapped)
                    .loadUnaligned(fromByteOffset: index, as: UInt32.self))
            if word & 0x00C0_C0F0 == 0x0080_80E0, word & 0x200F != 0, word & 0x200F != 0x200D {
                index &+= 3  // E0 has a second byte from A0 on, ED one below A0
            } else if word & 0x0000_C0E0 == 0x0000_80C0, word & 0x1E != 0 {
                index &+= 2  // C0 and C1 are overlong
            } else {
                break
            }
        }
        return index &- start
    }

    /// The index of the first byte at or after `start` that isn't ASCII, or the count.
    @inline(__always)
    private static func skipASCII(_ buffer: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var index = start
        let count = buffer.count
        // Not empty: the caller's index is below the count. Every load is within index ..< index + size <= count.
        let base = UnsafeRawPointer(buffer.baseAddress.unsafelyUnwrapped)
        while index &+ 32 <= count {
            let words = base.loadUnaligned(fromByteOffset: index, as: SIMD4<UInt64>.self)
            if (words.x | words.y | words.z | words.w) & 0x8080_8080_8080_8080 != 0 { break }
            index &+= 32
        }
        while index &+ 8 <= count {
            let word = base.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080
            if word != 0 { return index &+ UInt64(littleEndian: word).trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < count, buffer[index] < 0x80 { index &+= 1 }
        return index
    }
}
