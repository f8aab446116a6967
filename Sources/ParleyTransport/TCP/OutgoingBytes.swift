import CUV

/// Bytes on their way into the kernel.
package struct OutgoingBytes {
    package private(set) var bytes: [UInt8] = []
    /// True when others refer to the bytes too.
    var isShared = false
    /// How many of the bytes the kernel has taken.
    var offset = 0

    var remaining: Int { bytes.count - offset }

    /// The first bytes that the kernel has not taken, as libuv wants them.
    ///
    /// A native array's storage does not move while it is held and not written to, so that the pointer stays good
    /// for as long as this value is kept untouched: that is until the write's callback.
    func withBuffer<Result>(limit: Int, _ body: (uv_buf_t) -> Result) -> Result {
        bytes.withUnsafeBytes { all in
            let start = UnsafeMutableRawPointer(mutating: all.baseAddress)?.advanced(by: offset)
            // One write takes at most what an Int32 counts, as `uv_try_write` returns one.
            let count = UInt32(clamping: min(limit, Int(Int32.max)))
            return body(uv_buf_init(start?.assumingMemoryBound(to: CChar.self), count))
        }
    }
}

/// A write that libuv performs when the socket takes more.
struct PendingWrite {
    let request: UnsafeMutablePointer<uv_write_t>
    /// How many bytes it writes.
    let count: Int
}
