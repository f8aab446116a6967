/// Output buffers of one event loop that are not in use: a connection holds one only while it has bytes to send.
struct BufferPool {
    private var buffers: [[UInt8]] = []
    /// Larger buffers are given back to the allocator, so that one big message does not stay for ever.
    private static let largestKept = 64 * 1024
    private static let mostKept = 128
    private static let initialCapacity = 4 * 1024

    /// An empty buffer.
    mutating func take() -> [UInt8] {
        if let buffer = buffers.popLast() { return buffer }
        var buffer: [UInt8] = []
        buffer.reserveCapacity(Self.initialCapacity)
        return buffer
    }

    /// Gives a buffer back that nobody else refers to.
    mutating func put(_ buffer: consuming [UInt8]) {
        guard buffer.capacity <= Self.largestKept, buffers.count < Self.mostKept else { return }
        buffer.removeAll(keepingCapacity: true)
        buffers.append(buffer)
    }
}
