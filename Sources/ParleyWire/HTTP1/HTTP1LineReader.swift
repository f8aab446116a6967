#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Finds the lines of a message in input that is cut anywhere. A line that lies whole in one input is not copied; of a
/// cut one the beginning is held, never more than the line's limit and two bytes.
struct HTTP1LineReader: Sendable {
    enum Result {
        /// The line's content lies in this range of the input.
        case input(Range<Int>)
        /// The line's content is the first so many bytes of ``HTTP1LineReader/held``; call ``clear()`` after use.
        case held(Int)
        /// The input is used up.
        case needMore
        /// The line is longer than the limit. The held bytes are gone, the input stands where the line begins.
        case tooLong
        /// The line ends with LF alone.
        case bareLineFeed
    }

    /// The beginning of a line that the input cut off.
    private(set) var held: [UInt8] = []

    /// Advances the offset over the next line and its CRLF.
    /// - Parameter limit: the greatest length of the line's content in bytes.
    @inline(__always)
    mutating func next(_ input: Span<UInt8>, at offset: inout Int, limit: Int) -> Result {
        guard let end = Self.lineFeed(in: input, from: offset) else {
            return hold(input, at: &offset, limit: limit)
        }
        if held.isEmpty {
            let isTerminated = end > offset && input[end &- 1] == HTTPBytes.carriageReturn
            let content = offset..<(isTerminated ? end &- 1 : end)
            // A line that is too long is so before it is known how it ends: this keeps the outcome independent of cuts.
            guard content.count &- (isTerminated ? 0 : 1) <= limit else { return .tooLong }
            guard isTerminated else { return .bareLineFeed }
            offset = end &+ 1
            return .input(content)
        }
        return complete(input, at: &offset, end: end, limit: limit)
    }

    /// Forgets the held line and its storage.
    mutating func clear() { held = [] }

    private mutating func complete(
        _ input: Span<UInt8>, at offset: inout Int, end: Int, limit: Int
    ) -> Result {
        let length = held.count &+ (end &- offset)
        guard length &- 1 <= limit else { return .tooLong }
        held.append(bytes: input.extracting(offset..<end))
        guard held.last == HTTPBytes.carriageReturn else { return .bareLineFeed }
        offset = end &+ 1
        return .held(length &- 1)
    }

    private mutating func hold(_ input: Span<UInt8>, at offset: inout Int, limit: Int) -> Result {
        let rest = input.count &- offset
        // One byte more than the limit may be the CR of the line's end.
        guard rest &+ held.count &- 1 <= limit else { return .tooLong }
        if rest > 0 { held.append(bytes: input.extracting(offset..<input.count)) }
        offset = input.count
        return .needMore
    }

    @inline(__always)
    private static func lineFeed(in input: Span<UInt8>, from offset: Int) -> Int? {
        guard offset < input.count else { return nil }
        return input.withUnsafeBufferPointer { buffer in
            // The buffer is not empty, so it has a base address; memchr stays within it.
            let base = buffer.baseAddress.unsafelyUnwrapped
            guard let found = memchr(base + offset, 0x0A, buffer.count &- offset) else { return nil }
            return UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - base
        }
    }
}
