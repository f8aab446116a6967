#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Turns the contents of JSON strings into Swift's, and compares them in place.
enum JSONText {
    /// The string whose validated contents these are.
    @inline(__always)
    static func string(_ contents: UnsafeBufferPointer<UInt8>, hasEscapes: Bool) -> String {
        hasEscapes ? unescaped(contents) : String(decoding: contents, as: UTF8.self)
    }

    @inline(never)
    static func unescaped(_ contents: UnsafeBufferPointer<UInt8>) -> String {
        // Every escape sequence is longer than what it stands for, so the contents' length is enough.
        String(unsafeUninitializedCapacity: contents.count) { output in unescape(contents, into: output) }
    }

    /// Writes the characters that the contents stand for, as UTF-8, and returns how many bytes these are.
    ///
    /// Contents that were not validated give other characters, but nothing is read or written out of bounds.
    static func unescape(
        _ contents: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>
    ) -> Int {
        var read = 0
        var written = 0
        while read < contents.count, written < output.count {
            guard contents[read] == UInt8(ascii: "\\"), read &+ 1 < contents.count else {
                output[written] = contents[read]
                read &+= 1
                written &+= 1
                continue
            }
            guard contents[read &+ 1] == UInt8(ascii: "u") else {
                output[written] = escapedByte(contents[read &+ 1])
                read &+= 2
                written &+= 1
                continue
            }
            let (scalar, length) = unicodeEscape(contents, at: read)
            for byte in UTF8.encode(scalar).unsafelyUnwrapped where written < output.count {
                output[written] = byte
                written &+= 1
            }
            read &+= length
        }
        return written
    }

    private static func escapedByte(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "r"): 0x0D
        default: letter
        }
    }

    /// The character of one `\u` escape, or of a pair of them, and the length of the escapes.
    private static func unicodeEscape(
        _ contents: UnsafeBufferPointer<UInt8>, at position: Int
    ) -> (scalar: Unicode.Scalar, length: Int) {
        let unit = hexadecimal(contents, at: position &+ 2)
        if unit & 0xFC00 == 0xD800 {
            let second = hexadecimal(contents, at: position &+ 8)
            let value = 0x10000 &+ (unit & 0x3FF) &<< 10 &+ (second & 0x3FF)
            return (Unicode.Scalar(value) ?? "\u{FFFD}", 12)
        }
        return (Unicode.Scalar(unit) ?? "\u{FFFD}", 6)
    }

    private static func hexadecimal(_ contents: UnsafeBufferPointer<UInt8>, at position: Int) -> UInt32 {
        guard position &+ 4 <= contents.count else { return 0xFFFD }
        var value: UInt32 = 0
        for index in position..<(position &+ 4) {
            value = value &<< 4 | (JSONScanner.hexadecimalDigit(contents[index]) ?? 0)
        }
        return value
    }

    /// Whether the contents stand for exactly these bytes of UTF-8.
    @inline(__always)
    static func equal(
        _ contents: UnsafeBufferPointer<UInt8>, hasEscapes: Bool, _ other: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        if hasEscapes { return unescaped(contents).utf8.elementsEqual(other) }
        guard contents.count == other.count else { return false }
        guard let left = contents.baseAddress, let right = other.baseAddress else { return true }
        guard contents.count <= 16 else { return memcmp(left, right, contents.count) == 0 }
        // Names are short: cheaper than a call.
        var index = 0
        while index < contents.count {
            if left[index] != right[index] { return false }
            index &+= 1
        }
        return true
    }
}

extension JSONStringRange {
    /// The string itself.
    /// - Parameter bytes: the span that was scanned.
    public func string(in bytes: Span<UInt8>) -> String {
        guard contents.upperBound <= bytes.count else { return "" }
        return bytes.extracting(contents).withUnsafeBufferPointer {
            JSONText.string($0, hasEscapes: hasEscapes)
        }
    }

    /// Whether the string's UTF-8 is exactly `utf8`, found without making a string unless it holds escapes.
    /// - Parameter bytes: the span that was scanned.
    public func equals(_ utf8: Span<UInt8>, in bytes: Span<UInt8>) -> Bool {
        guard contents.upperBound <= bytes.count else { return false }
        return bytes.extracting(contents).withUnsafeBufferPointer { own in
            utf8.withUnsafeBufferPointer { JSONText.equal(own, hasEscapes: hasEscapes, $0) }
        }
    }
}
