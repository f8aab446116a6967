extension TCPConnection {
    /// The bytes that were sent and not yet taken by the kernel. Safe from any thread.
    public var pendingBytes: Int {
        outbox.withLock { $0.pending }
    }

    /// False from the high watermark on until ``ByteStreamHandler/becameWritable(_:)``. Safe from any thread.
    public var isWritable: Bool {
        outbox.withLock { $0.ending == .none && !$0.isAboveHigh }
    }

    /// Counts the outbox as above its high watermark, until little is pending. Safe from any thread.
    public func awaitWritable() {
        if outbox.withLock({ $0.awaitLow() }) { loop.enqueueFlush(self, onLoop: loop.isCurrent) }
    }

    /// Copies bytes into the outbox; they leave at the end of the loop's turn. Bytes that come after the
    /// connection's end was asked for are discarded. Safe from any thread; bytes of one thread stay in order.
    public func send(_ bytes: Span<UInt8>) {
        bytes.withUnsafeBufferPointer { send($0) }
    }

    /// Sends an encoded buffer without copying it where the outbox is empty. Safe from any thread.
    public func send(shared bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        let onLoop = loop.isCurrent
        let mustQueue = outbox.withLock {
            $0.send(shared: bytes, limits: origin.limits) { onLoop ? loop.pool.take() : [] }
        }
        if mustQueue { loop.enqueueFlush(self, onLoop: onLoop) }
    }

    private func send(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard !bytes.isEmpty else { return }
        let onLoop = loop.isCurrent
        let mustQueue = outbox.withLock {
            $0.send(bytes, limits: origin.limits) { onLoop ? loop.pool.take() : [] }
        }
        if mustQueue { loop.enqueueFlush(self, onLoop: onLoop) }
    }
}
