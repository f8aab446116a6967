extension TLSStream {
    /// The bytes that were sent and are not yet encrypted, and those that the stream below has pending. Safe from any
    /// thread.
    public var pendingBytes: Int {
        outbox.withLock { $0.pending - $0.pendingBelow } + below.pendingBytes
    }

    /// False from the high watermark on until ``ByteStreamHandler/becameWritable(_:)``. Safe from any thread.
    public var isWritable: Bool {
        outbox.withLock { $0.ending == .none && !$0.isAboveHigh }
    }

    /// Counts the outbox as above its high watermark, until little is pending, here and below. Safe from any thread.
    public func awaitWritable() {
        if outbox.withLock({ $0.awaitLow() }) { loop.enqueueFlush(self, onLoop: loop.isCurrent) }
        below.awaitWritable()
    }

    /// Copies bytes into the outbox; they are encrypted and leave at the end of the loop's turn. Bytes that come after
    /// the stream's end was asked for are discarded. Safe from any thread; bytes of one thread stay in order.
    public func send(_ bytes: Span<UInt8>) {
        bytes.withUnsafeBufferPointer { send($0) }
    }

    /// Sends an encoded buffer without copying it where the outbox is empty. Safe from any thread.
    public func send(shared bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        let onLoop = loop.isCurrent
        let mustQueue = outbox.withLock {
            $0.send(shared: bytes, limits: limits, confirm: { isBelowBehind }) {
                onLoop ? loop.pool.take() : []
            }
        }
        if mustQueue { loop.enqueueFlush(self, onLoop: onLoop) }
    }

    private func send(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard !bytes.isEmpty else { return }
        let onLoop = loop.isCurrent
        let mustQueue = outbox.withLock {
            $0.send(bytes, limits: limits, confirm: { isBelowBehind }) { onLoop ? loop.pool.take() : [] }
        }
        if mustQueue { loop.enqueueFlush(self, onLoop: onLoop) }
    }

    /// What the outbox knows of the stream below may be old. Called under the outbox's lock: that of the stream below
    /// is always taken second.
    private var isBelowBehind: Bool { below.pendingBytes > 0 }
}

// MARK: - Encrypting

// The way of bytes out: `flush` at the end of a turn takes the outbox and encrypts it, a record at a time, into the
// stream below until that is above its mark; the rest waits for its `becameWritable`.
extension TLSStream {
    /// Called at the end of a turn in which something was sent, or reading was resumed, or an end was asked for.
    package func flush() {
        let ending = outbox.withLock { outbox in
            outbox.isQueued = false
            if phase == .open, outgoing.remaining == 0 { outgoing = outbox.take() }
            return outbox.ending
        }
        guard phase != .closed else { return }
        if mustReadOn { readOn() }
        switch ending {
        case .reset: below.reset()
        case .slowPeer:
            abandon(.slowPeer)
            below.reset()
        case .closing(let linger): beginClosing(linger: linger)
        case .none, .closed: encrypt()
        }
    }

    /// Encrypts what is pending as far as the stream below takes it, and tells the handler when it can send again.
    func encrypt() {
        guard phase == .open || phase == .draining else { return }
        var progress = Progress(left: below.pendingBytes)
        repeat {
            while outgoing.remaining > 0 {
                guard below.isWritable else { return note(progress) }
                guard let count = encryptRecord() else { return abort("encrypting failed") }
                progress.passedOn += count
            }
            recycleOutgoing()
        } while takeMore(progress)
    }

    private struct Progress {
        /// What the stream below had pending before: what is left there from the turn before, the kernel did not take.
        let left: Int
        var passedOn = 0
    }

    private func note(_ progress: Progress) {
        outbox.withLock {
            $0.note(inFlight: outgoing.remaining, left: progress.left, passedOn: progress.passedOn)
        }
    }

    /// Takes what was sent meanwhile. When that is nothing, everything is encrypted, and the handler may send again.
    private func takeMore(_ progress: Progress) -> Bool {
        let canSendAgain = outbox.withLock { outbox in
            outbox.note(inFlight: 0, left: progress.left, passedOn: progress.passedOn)
            // A stream below that takes no more says when it does again.
            if !outbox.bytes.isEmpty, below.isWritable { outgoing = outbox.take() }
            return outgoing.remaining == 0 && outbox.isAboveHigh && below.isWritable
                && outbox.passedLow(limits)
        }
        if canSendAgain, phase == .open { handler?.becameWritable(self) }
        return outgoing.remaining > 0
    }

    /// The count of the bytes that were encrypted; nil when the protocol has failed.
    private func encryptRecord() -> Int? {
        guard let connection else { return nil }
        let written = outgoing.bytes.withUnsafeBytes { all in
            let end = min(all.count, outgoing.offset + SSLConnection.largestRecord)
            return connection.write(UnsafeRawBufferPointer(rebasing: all[outgoing.offset..<end]))
        }
        outgoing.offset += written ?? 0
        return written
    }

    /// Gives the buffer back; an idle connection holds none.
    func recycleOutgoing() {
        var used = OutgoingBytes()
        swap(&used, &outgoing)
        if !used.isShared, used.bytes.capacity > 0 { loop.pool.put(used.bytes) }
    }
}
