/// Output buffers of one event loop that are not in use: a connection holds one only while it has bytes to send.
struct BufferPool {
    private var buffers: [[UInt8]] = []
    private var bytes = 0
    /// Larger buffers are given back to the allocator, so that one big message does not stay for ever.
    private static let largestKept = 64 * 1024
    /// As much as thousands of connections hold that get a small message each in one turn: to allocate that for every broadcast
    /// costs the kernel more than to send it.
    private static let mostBytesKept = 4 << 20
    private static let initialCapacity = 1024

    /// An empty buffer.
    mutating func take() -> [UInt8] {
        if let buffer = buffers.popLast() {
            bytes -= buffer.capacity
            return buffer
        }
        var buffer: [UInt8] = []
        buffer.reserveCapacity(Self.initialCapacity)
        return buffer
    }

    /// Gives a buffer back that nobody else refers to.
    mutating func put(_ buffer: consuming [UInt8]) {
        guard buffer.capacity <= Self.largestKept, bytes + buffer.capacity <= Self.mostBytesKept else {
            return
        }
        buffer.removeAll(keepingCapacity: true)
        bytes += buffer.capacity
        buffers.append(buffer)
    }
}
