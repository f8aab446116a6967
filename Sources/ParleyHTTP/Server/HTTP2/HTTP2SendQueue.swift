/// Content that waits to be sent on one stream: one piece that is being sent, and what came behind it.
struct HTTP2SendQueue {
    private var bytes: [UInt8] = []
    private var offset = 0
    /// True when nothing follows what is here.
    private(set) var isEnded = false
    /// All bytes that were taken.
    private(set) var takenBytes = 0

    var pending: Int { bytes.count - offset }
    var isEmpty: Bool { offset == bytes.count }

    /// Appends a piece; without a copy when nothing waits.
    mutating func append(_ piece: [UInt8]) {
        if isEmpty {
            bytes = piece
            offset = 0
        } else {
            if offset > 64 * 1024, offset > bytes.count / 2 {
                bytes.removeFirst(offset)
                offset = 0
            }
            bytes.append(contentsOf: piece)
        }
    }

    mutating func end() { isEnded = true }

    /// Moves as many bytes as fit into a buffer, and tells how many.
    mutating func take(into buffer: UnsafeMutableBufferPointer<UInt8>) -> Int {
        let count = min(buffer.count, pending)
        guard count > 0, let target = buffer.baseAddress else { return 0 }
        bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            target.update(from: start + offset, count: count)
        }
        offset += count
        takenBytes &+= count
        if isEmpty {
            bytes = []
            offset = 0
        }
        return count
    }
}
