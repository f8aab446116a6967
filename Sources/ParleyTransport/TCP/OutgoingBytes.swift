import CUV

/// Bytes on their way into the kernel.
package struct OutgoingBytes {
    package private(set) var bytes: [UInt8] = []
    /// True when others refer to the bytes too.
    var isShared = false
    /// More bytes behind these, which others refer to too.
    var tail: [UInt8] = []
    /// How many of all of them the kernel has taken.
    var offset = 0

    var remaining: Int { bytes.count + tail.count - offset }

    /// The first bytes that the kernel has not taken, as libuv wants them: in one buffer or two.
    ///
    /// A native array's storage does not move while it is held and not written to, so that the pointers stay good
    /// for as long as this value is kept untouched: that is until the write's callback. libuv copies the buffers'
    /// descriptions.
    func withBuffers<Result>(limit: Int, _ body: (UnsafeBufferPointer<uv_buf_t>) -> Result) -> Result {
        // One write takes at most what an Int32 counts, as `uv_try_write` returns one.
        let limit = min(limit, Int(Int32.max))
        let first = Self.buffer(bytes, from: min(offset, bytes.count), limit: limit)
        let second = Self.buffer(tail, from: max(0, offset - bytes.count), limit: limit - Int(first.len))
        return withUnsafeTemporaryAllocation(of: uv_buf_t.self, capacity: 2) { buffers in
            var count = 0
            if first.len > 0 { count = 1 }
            buffers.initializeElement(at: 0, to: first)
            buffers.initializeElement(at: count, to: second)
            if second.len > 0 { count += 1 }
            return body(UnsafeBufferPointer(rebasing: buffers[..<count]))
        }
    }

    private static func buffer(_ bytes: [UInt8], from offset: Int, limit: Int) -> uv_buf_t {
        bytes.withUnsafeBytes { all in
            let start = UnsafeMutableRawPointer(mutating: all.baseAddress)?.advanced(by: offset)
            let count = UInt32(clamping: min(limit, all.count - offset))
            return uv_buf_init(start?.assumingMemoryBound(to: CChar.self), count)
        }
    }
}

/// A write that libuv performs when the socket takes more.
struct PendingWrite {
    let request: UnsafeMutablePointer<uv_write_t>
    /// How many bytes it writes.
    let count: Int
}
