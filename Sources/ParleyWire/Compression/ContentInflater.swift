/// Inflates content of the HTTP codings `gzip` and `deflate` (RFC 9110 8.4.1), piece by piece, within limits.
///
/// gzip content may have several members (RFC 1952 2.2). `deflate` is the zlib format; that some clients send it without
/// its header is known by the first two bytes.
public final class ContentInflater {
    /// A content coding.
    public enum Coding: Sendable, Hashable {
        /// `gzip`, also known as `x-gzip`.
        case gzip
        /// `deflate`.
        case deflate
    }

    /// The limits of what comes out.
    public struct Limits: Sendable, Equatable {
        /// The bytes.
        public var bytes: Int
        /// How many times longer than what came in it may be. It is looked at from ``ratioThreshold`` bytes on.
        public var ratio: Int
        /// The bytes that may come of any input.
        public var ratioThreshold: Int

        /// The limits.
        public init(bytes: Int, ratio: Int, ratioThreshold: Int) {
            self.bytes = bytes
            self.ratio = ratio
            self.ratioThreshold = ratioThreshold
        }
    }

    private enum State {
        /// Nothing came yet, or one byte of `deflate`.
        case start
        case inflating
        /// A whole member, or the whole content, is behind us.
        case ended
    }

    private let coding: Coding
    private var limits: Limits
    private var state = State.start
    private var inflater: Inflater?
    private var firstByte: UInt8?
    /// What came in and what went out.
    private var consumed = 0
    private var produced = 0

    /// An inflater at the beginning of content. zlib's memory is taken with the first byte.
    public init(_ coding: Coding, limits: Limits) {
        self.coding = coding
        self.limits = limits
        // So that one byte more can be counted.
        self.limits.bytes = min(limits.bytes, .max - 1)
    }

    /// Inflates from the offset on, which is advanced over what was taken, and appends at most so many bytes.
    /// - Returns: true when the input is used up and nothing of it is left to be written.
    /// - Throws: ``CompressionError``.
    public func inflate(
        _ input: Span<UInt8>, at offset: inout Int, appendingTo output: inout [UInt8], upTo count: Int
    ) throws(CompressionError) -> Bool {
        let end = output.count + count
        while true {
            if state == .ended, offset < input.count { try beginMember() }
            if state == .start { try begin(input, at: &offset) }
            guard state == .inflating, let inflater else { return true }
            let allowance = min(end - output.count, allowance(input.count - offset))
            let (start, before) = (offset, output.count)
            let outcome = try inflater.inflate(
                input, at: &offset, appendingTo: &output, upTo: allowance)
            consumed += offset - start
            produced += output.count - before
            try check()
            switch outcome {
            case .needsInput: return true
            case .outputFull: if output.count >= end { return false }
            case .end: state = .ended
            }
        }
    }

    /// The content is over.
    /// - Throws: ``CompressionError/truncated`` when it isn't complete. Empty content is.
    public func finish() throws(CompressionError) {
        guard firstByte == nil else { throw .truncated }
        if state == .inflating { throw .truncated }
    }

    /// How much may come out, and one byte more, so that an excess shows. `produced` never exceeds the limits, and neither
    /// sum nor product overflows for any content that can be received.
    private func allowance(_ available: Int) -> Int {
        let (scaled, overflow) = (consumed + available).multipliedReportingOverflow(by: max(limits.ratio, 1))
        let byRatio = max(overflow ? .max : scaled, limits.ratioThreshold)
        return max(min(limits.bytes, byRatio) - produced, 0) + 1
    }

    private func check() throws(CompressionError) {
        guard produced <= limits.bytes else { throw .outputLimit(limits.bytes) }
        guard produced > limits.ratioThreshold else { return }
        let (scaled, overflow) = consumed.multipliedReportingOverflow(by: max(limits.ratio, 1))
        guard overflow || produced <= scaled else { throw .ratioLimit(limits.ratio) }
    }

    private func beginMember() throws(CompressionError) {
        guard coding == .gzip else { throw .trailingBytes }
        // What is no member fails in its header.
        inflater?.reset()
        state = .inflating
    }

    private func begin(_ input: Span<UInt8>, at offset: inout Int) throws(CompressionError) {
        guard offset < input.count else { return }
        if coding == .gzip {
            inflater = try Inflater(.gzip)
            state = .inflating
            return
        }
        guard let first = firstByte else {
            firstByte = input[offset]
            offset += 1
            return try begin(input, at: &offset)
        }
        firstByte = nil
        let inflater = try Inflater(Self.isZlibHeader(first, input[offset]) ? .zlib : .raw)
        self.inflater = inflater
        state = .inflating
        try feed(first, to: inflater)
    }

    /// The byte that had to be held back. A header's first byte, and a block's, makes no output.
    private func feed(_ byte: UInt8, to inflater: Inflater) throws(CompressionError) {
        var (offset, output) = (0, [] as [UInt8])
        let bytes = [byte]
        if try inflater.inflate(bytes.span, at: &offset, appendingTo: &output, upTo: 1) == .end {
            state = .ended
        }
        consumed += 1
    }

    /// RFC 1950 2.2: the method is 8, the window at most 32 KiB, and both bytes together divisible by 31.
    private static func isZlibHeader(_ first: UInt8, _ second: UInt8) -> Bool {
        first & 0x0F == 8 && first >> 4 <= 7 && (Int(first) << 8 | Int(second)) % 31 == 0
    }
}
