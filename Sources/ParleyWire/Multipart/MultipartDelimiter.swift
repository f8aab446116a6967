#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Finds CRLF `--` boundary in content that is cut anywhere.
///
/// A delimiter has one CR, its first byte. So a match that fails can't have begun anew within itself: the search goes on
/// with the byte that failed, and is linear whatever the content is.
struct MultipartDelimiter: Sendable {
    enum Result: Equatable {
        /// Content up to here, and nothing else in this input; what may be a delimiter's beginning was taken in.
        case content(Range<Int>)
        /// What was taken in before is content after all: so many of the delimiter's first bytes, from the given one on.
        case held(Range<Int>)
        /// Content up to here, then the delimiter; the offset is behind it.
        case found(Range<Int>)
    }

    /// CRLF `--` boundary.
    let bytes: [UInt8]
    /// How many of them were matched at the end of the last input.
    private var matched = 0
    /// How many of these were never in the input.
    private var assumed = 0

    /// - Throws: ``MultipartError`` for what can't be a boundary: 1 to 70 characters of a small set, no space at the end.
    init(boundary: String) throws(MultipartError) {
        let characters = boundary.utf8
        guard 1...70 ~= characters.count, characters.last != HTTPBytes.space,
            characters.allSatisfy(Self.isBoundaryCharacter)
        else { throw .boundary }
        bytes = Array("\r\n--".utf8) + characters
    }

    /// Takes the line end before a delimiter for read: at a body's beginning, and behind a part's header section.
    mutating func assumeLineEnd() {
        matched = 2
        assumed = 2
    }

    /// Goes on; the offset is advanced over what was looked at.
    mutating func next(_ input: Span<UInt8>, at offset: inout Int) -> Result {
        if matched > 0 { return goOn(input, at: &offset) }
        let start = offset
        while let candidate = Self.carriageReturn(in: input, from: offset) {
            offset = candidate
            match(input, at: &offset)
            if matched == bytes.count { return found(start..<candidate) }
            if offset == input.count { return .content(start..<candidate) }
            matched = 0
        }
        offset = input.count
        return .content(start..<offset)
    }

    /// Goes on with a delimiter that began in an earlier input.
    private mutating func goOn(_ input: Span<UInt8>, at offset: inout Int) -> Result {
        match(input, at: &offset)
        if matched == bytes.count { return found(offset..<offset) }
        if offset == input.count { return .content(offset..<offset) }
        defer { (matched, assumed) = (0, 0) }
        return .held(assumed..<matched)
    }

    private mutating func found(_ content: Range<Int>) -> Result {
        (matched, assumed) = (0, 0)
        return .found(content)
    }

    private mutating func match(_ input: Span<UInt8>, at offset: inout Int) {
        while offset < input.count, matched < bytes.count, input[offset] == bytes[matched] {
            offset &+= 1
            matched &+= 1
        }
    }

    private static func carriageReturn(in input: Span<UInt8>, from offset: Int) -> Int? {
        guard offset < input.count else { return nil }
        return input.withUnsafeBufferPointer { buffer in
            // The buffer is not empty, so it has a base address; memchr stays within it.
            let base = buffer.baseAddress.unsafelyUnwrapped
            guard let found = memchr(base + offset, 0x0D, buffer.count &- offset) else { return nil }
            return UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - base
        }
    }

    /// `bchars` of RFC 2046 5.1.1.
    private static func isBoundaryCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x27...0x29, 0x2B...0x3A, 0x3D, 0x3F, 0x5F, HTTPBytes.space: true
        default: HTTPBytes.isAlpha(byte)
        }
    }
}
