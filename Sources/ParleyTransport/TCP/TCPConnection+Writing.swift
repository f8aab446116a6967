import CUV

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `send`, where a method of that name hides it.
private func systemSend(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    send(descriptor, bytes, count, 0)
}

// The way of bytes out: `flush` at the end of a turn takes the outbox and tries to write it at once. What the
// kernel does not take is written by libuv in pieces when it can be; meanwhile the outbox fills anew.
//
// Nothing here is reentered: what a handler calls (send, close, reset) only marks the outbox and queues a flush.
extension TCPConnection {
    /// The largest piece that libuv is given at once: each finished piece is seen as progress.
    private static var largestPiece: Int { 256 * 1024 }

    /// Called at the end of a turn in which something was sent or an end was asked for.
    package func flush() {
        let (ending, isAboveHigh) = outbox.withLock { outbox in
            outbox.isQueued = false
            if write == nil, phase != .closed, !outbox.bytes.isEmpty { outgoing = outbox.take() }
            return (outbox.ending, outbox.isAboveHigh)
        }
        guard phase != .closed else { return }
        if ending == .reset { return abort(.reset) }
        if ending == .slowPeer { return abort(.slowPeer) }
        if write == nil { writeOutgoing() }
        if write != nil || isAboveHigh { publishProgress() }
        if case .closing(let linger) = ending { beginClosing(linger: linger) }
        if drained != nil { noteDrained() }
    }

    /// Writes ``outgoing`` as far as the kernel takes it, and leaves the rest to libuv.
    private func writeOutgoing() {
        let remaining = outgoing.remaining
        guard remaining > 0 else { return }
        let written = outgoing.withBuffers(limit: remaining) { tryWrite($0) }
        guard written >= 0 || written == UV_EAGAIN.rawValue else { return closeHandle(Self.reason(written)) }
        noteWritten(max(0, Int(written)))
        if outgoing.remaining > 0 { startWrite() } else { recycleOutgoing() }
    }

    /// What the kernel takes at once, or an error of libuv. One buffer goes by send(2), which costs the kernel less than the
    /// write(2) that libuv would use.
    private func tryWrite(_ buffers: UnsafeBufferPointer<uv_buf_t>) -> Int32 {
        var descriptor: uv_os_fd_t = -1
        guard buffers.count == 1, uv_fileno(UnsafePointer(OpaquePointer(handle)), &descriptor) == 0 else {
            return uv_try_write(stream, buffers.baseAddress, UInt32(buffers.count))
        }
        while true {
            let count = systemSend(descriptor, buffers[0].base, Int(buffers[0].len))
            if count >= 0 { return Int32(truncatingIfNeeded: count) }
            guard errno == EINTR else { return -errno }
        }
    }

    private func startWrite() {
        let request = UnsafeMutablePointer<uv_write_t>.allocate(capacity: 1)
        let count = min(outgoing.remaining, Self.largestPiece)
        let status = outgoing.withBuffers(limit: count) { buffers in
            uv_write(request, stream, buffers.baseAddress, UInt32(buffers.count)) { request, status in
                guard let data = request?.pointee.handle.pointee.data else { return }
                Unmanaged<TCPConnection>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.didWrite(status) }
            }
        }
        guard status == 0 else {
            request.deallocate()
            return closeHandle(Self.reason(status))
        }
        write = PendingWrite(request: request, count: count)
        watchForStall()
    }

    private func didWrite(_ status: Int32) {
        guard let finished = write else { return }
        write = nil
        finished.request.deallocate()
        guard phase != .closed else { return recycleOutgoing() }
        guard status == 0 else { return closeHandle(Self.reason(status)) }
        noteWritten(finished.count)
        if outgoing.remaining > 0 { writeOutgoing() } else { recycleOutgoing() }
        if write == nil, phase != .closed { writeNext() }
        guard phase != .closed else { return }
        publishProgress()
        if write == nil, phase == .draining { finishDraining() }
        if drained != nil { noteDrained() }
    }

    /// Goes on with what was sent while libuv was writing.
    private func writeNext() {
        outbox.withLock { outbox in
            if !outbox.bytes.isEmpty { outgoing = outbox.take() }
        }
        writeOutgoing()
    }

    private func noteWritten(_ count: Int) {
        outgoing.offset += count
        totalWritten &+= count
    }

    /// Tells the outbox how much is left, and the handler when it can send again.
    private func publishProgress() {
        let canSendAgain = outbox.withLock { outbox in
            outbox.inFlight = outgoing.remaining
            outbox.isPeerBehind = outgoing.remaining > 0
            return outbox.passedLow(origin.limits)
        }
        if canSendAgain, phase == .open { handler?.becameWritable(self) }
    }

    /// Gives the buffer back; an idle connection holds none.
    func recycleOutgoing() {
        var used = OutgoingBytes()
        swap(&used, &outgoing)
        if !used.isShared, used.bytes.capacity > 0 { loop.pool.put(used.bytes) }
    }
}

// MARK: - Slow peers

extension TCPConnection {
    /// Looks now and then whether the kernel has taken anything, for as long as there is something to write.
    private func watchForStall() {
        guard timer == nil else { return }
        var seen = takenBytes
        var since = loop.now
        timer = loop.schedule(after: origin.limits.stallTimeout / 4) { [weak self] in
            self?.checkForStall(seen: &seen, since: &since)
        }
    }

    private func checkForStall(seen: inout Int, since: inout MonotonicInstant) {
        guard write != nil else {
            timer = nil
            return
        }
        let timeout = origin.limits.stallTimeout
        if takenBytes != seen {
            seen = takenBytes
            since = loop.now
        }
        let left = timeout - since.duration(to: loop.now)
        guard left > .zero else { return abort(.slowPeer) }
        timer?.reschedule(after: min(left, timeout / 4))
    }

    /// All bytes that the kernel has taken, those of the unfinished write included.
    private var takenBytes: Int {
        guard let write else { return totalWritten }
        return totalWritten &+ write.count &- Int(uv_stream_get_write_queue_size(stream))
    }
}
