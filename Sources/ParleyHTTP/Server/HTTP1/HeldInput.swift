/// Bytes that came while a response was owed, and that have to wait for its end.
struct HeldInput {
    private var bytes: [UInt8] = []
    private var offset = 0

    var isEmpty: Bool { offset == bytes.count }

    mutating func append(_ span: Span<UInt8>) {
        span.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    }

    /// Takes everything. What isn't used is given back by ``restore(_:from:)``, without a copy.
    mutating func take() -> (bytes: [UInt8], offset: Int) {
        defer { clear() }
        return (bytes, offset)
    }

    mutating func restore(_ bytes: [UInt8], from offset: Int) {
        guard offset < bytes.count else { return }
        self.bytes = bytes
        self.offset = offset
    }

    mutating func clear() {
        bytes = []
        offset = 0
    }
}
