import CZlib

/// Compresses a stream of bytes (RFC 1951) with memory of its own, which it holds from the beginning:
/// 2^(windowBits + 2) + 2^(memoryLevel + 9) bytes and 6 KiB; that is 262 KiB for 15 and 8, 38 KiB for 12 and 5.
///
/// It may be passed from thread to thread, but used by one at a time.
public final class Deflater {
    /// What the output has when a call returns.
    public enum Flush: Sendable {
        /// What zlib thinks is due: the best compression.
        case none
        /// All of the input, up to a byte boundary, marked by the bytes 00 00 FF FF.
        case sync
        /// All of the input and the end of the format. Only ``Deflater/reset()`` may follow.
        case finish

        fileprivate var code: Int32 {
            switch self {
            case .none: Z_NO_FLUSH
            case .sync: Z_SYNC_FLUSH
            case .finish: Z_FINISH
            }
        }
    }

    /// Owned: its place in memory must not change, as zlib's state points back to it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Creates a compressor.
    /// - Parameters:
    ///   - level: 0 (none) to 9 (best, slowest).
    ///   - windowBits: 9 to 15; how far it looks back, as a power of two. What is beyond either end counts as that end.
    ///   - memoryLevel: 1 to 9.
    /// - Throws: ``CompressionError/memory``.
    public init(
        _ format: CompressionFormat, level: Int = 6, windowBits: Int = 15, memoryLevel: Int = 8
    )
        throws(CompressionError)
    {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = deflateInit2_(
            stream, Int32(min(max(level, 0), 9)), Z_DEFLATED,
            format.zlibWindowBits(min(max(windowBits, 9), 15)), Int32(min(max(memoryLevel, 1), 9)),
            Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else {
            stream.deallocate()
            throw .memory
        }
        self.stream = stream
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Forgets everything: the next byte begins a new stream.
    public func reset() { deflateReset(stream) }

    /// Compresses until the input is used up and flushed, or the output is full.
    ///
    /// - Parameters:
    ///   - offset: where the input begins; advanced over what was taken.
    ///   - written: where the output begins; advanced over what was written. At least 7 bytes should be free.
    /// - Returns: true when there is nothing more to write for this input; false when the output is full: call again,
    ///   with the same flush.
    public func deflate(
        _ input: Span<UInt8>, at offset: inout Int, into output: inout MutableSpan<UInt8>,
        at written: inout Int, flush: Flush
    ) -> Bool {
        output.withUnsafeMutableBufferPointer { deflate(input, at: &offset, into: $0, at: &written, flush) }
    }

    /// Compresses all of the input, and appends what comes of it.
    public func deflate(_ input: Span<UInt8>, flush: Flush, appendingTo output: inout [UInt8]) {
        var offset = 0
        // Enough for nearly every call; a longer output takes several pieces.
        let capacity = min(max(input.count / 2, 512), 32 * 1024)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { buffer in
            while true {
                var written = 0
                let isDone = deflate(input, at: &offset, into: buffer, at: &written, flush)
                output.append(contentsOf: buffer[..<written])
                // A call without progress would be followed by others.
                if isDone || written == 0 { return }
            }
        }
    }

    /// The output's bytes may be uninitialised: zlib only writes to them.
    private func deflate(
        _ input: Span<UInt8>, at offset: inout Int, into output: UnsafeMutableBufferPointer<UInt8>,
        at written: inout Int, _ flush: Flush
    ) -> Bool {
        guard written < output.count else { return false }
        return input.withUnsafeBufferPointer { bytes in
            while true {
                // zlib counts with 32 bits; only the last part of a longer input is flushed.
                let count = min(bytes.count - offset, 1 << 30)
                let room = min(output.count - written, 1 << 30)
                let isLast = count == bytes.count - offset
                stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: bytes.baseAddress?.advanced(by: offset))
                stream.pointee.avail_in = UInt32(count)
                stream.pointee.next_out = output.baseAddress?.advanced(by: written)
                stream.pointee.avail_out = UInt32(room)
                let status = CZlib.deflate(stream, isLast ? flush.code : Z_NO_FLUSH)
                offset += count - Int(stream.pointee.avail_in)
                written += room - Int(stream.pointee.avail_out)
                release()
                // An error is a call too many: there was nothing to do.
                if status != Z_OK { return true }
                if written == output.count { return false }
                if isLast, flush != .finish { return true }
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
