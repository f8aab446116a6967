import CZlib

/// Inflates a stream of bytes (RFC 1951) with memory of its own: 7 KiB from the beginning, and the window, 2^windowBits
/// bytes, from the first output on; 39 KiB in all for 15. Output goes where the caller says, and never beyond what it allows.
///
/// It may be passed from thread to thread, but used by one at a time.
public final class Inflater {
    /// Why a call returned.
    public enum Outcome: Sendable, Equatable {
        /// The input is used up.
        case needsInput
        /// The output is full, and there may be more.
        case outputFull
        /// The compressed data ended; what is behind it in the input was not looked at. ``Inflater/reset()`` or
        /// ``Inflater/restart()`` must follow before more is inflated.
        case end
    }

    /// Owned: its place in memory must not change, as zlib's state points back to it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Creates an inflater.
    /// - Parameter windowBits: 8 to 15; how far the data may refer back, as a power of two. What is beyond either end counts
    ///   as that end.
    /// - Throws: ``CompressionError/memory``.
    public init(_ format: CompressionFormat, windowBits: Int = 15) throws(CompressionError) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = inflateInit2_(
            stream, format.zlibWindowBits(min(max(windowBits, 8), 15)), ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            stream.deallocate()
            throw .memory
        }
        self.stream = stream
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Forgets everything: the next byte begins a new stream.
    public func reset() { inflateReset(stream) }

    /// Begins a new stream which may refer back to what was inflated so far, as messages do behind a final block
    /// (RFC 7692 7.2.3.4).
    public func restart() { inflateResetKeep(stream) }

    /// True when the call that took the last input ended between two blocks, on a byte boundary: where a flush of the
    /// sender's ends.
    public var isBetweenBlocks: Bool {
        // 128: behind a block's end; the low bits: how many bits of the last byte are unused.
        stream.pointee.data_type & 0x9F == 0x80
    }

    /// Inflates until the input is used up, the output is full, or the data ends.
    ///
    /// - Parameters:
    ///   - offset: where the input begins; advanced over what was taken.
    ///   - written: where the output begins; advanced over what was written.
    /// - Throws: ``CompressionError/malformed``, ``CompressionError/memory``.
    public func inflate(
        _ input: Span<UInt8>, at offset: inout Int, into output: inout MutableSpan<UInt8>,
        at written: inout Int
    ) throws(CompressionError) -> Outcome {
        try output.withUnsafeMutableBufferPointer { (buffer) throws(CompressionError) in
            try inflate(input, at: &offset, into: buffer, at: &written)
        }
    }

    /// Inflates and appends, up to so many bytes: then the output is full.
    public func inflate(
        _ input: Span<UInt8>, at offset: inout Int, appendingTo output: inout [UInt8], upTo limit: Int
    ) throws(CompressionError) -> Outcome {
        var rest = limit
        return try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16 * 1024) {
            (buffer) throws(CompressionError) in
            while true {
                let piece = UnsafeMutableBufferPointer(rebasing: buffer[..<min(rest, buffer.count)])
                var written = 0
                let outcome = try inflate(input, at: &offset, into: piece, at: &written)
                output.append(contentsOf: piece[..<written])
                rest -= written
                if outcome != .outputFull || rest == 0 { return outcome }
            }
        }
    }

    /// The output's bytes may be uninitialised: zlib only writes to them.
    private func inflate(
        _ input: Span<UInt8>, at offset: inout Int, into output: UnsafeMutableBufferPointer<UInt8>,
        at written: inout Int
    ) throws(CompressionError) -> Outcome {
        try input.withUnsafeBufferPointer { (bytes) throws(CompressionError) in
            while true {
                guard written < output.count else { return .outputFull }
                let count = min(bytes.count - offset, 1 << 30)
                let room = min(output.count - written, 1 << 30)
                stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: bytes.baseAddress?.advanced(by: offset))
                stream.pointee.avail_in = UInt32(count)
                stream.pointee.next_out = output.baseAddress?.advanced(by: written)
                stream.pointee.avail_out = UInt32(room)
                let status = CZlib.inflate(stream, Z_SYNC_FLUSH)
                offset += count - Int(stream.pointee.avail_in)
                written += room - Int(stream.pointee.avail_out)
                release()
                switch status {
                case Z_STREAM_END: return .end
                // Z_BUF_ERROR: there was nothing to do.
                case Z_OK, Z_BUF_ERROR:
                    if offset == bytes.count, written < output.count { return .needsInput }
                case Z_MEM_ERROR: throw .memory
                default: throw .malformed
                }
            }
        }
    }

    /// The pointers are good during a call only.
    private func release() {
        stream.pointee.next_in = nil
        stream.pointee.avail_in = 0
        stream.pointee.next_out = nil
    }
}
