#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// The way of bytes out: `flush` at the end of a turn takes the outbox and gives it to the kernel. What that does not take
// waits until the socket takes more; meanwhile the outbox fills anew.
//
// Nothing here is reentered: what a handler calls (send, close, reset) only marks the outbox and queues a flush.
extension TCPConnection {
    /// Called at the end of a turn in which something was sent, an end was asked for, or reading stopped or began.
    package func flush() {
        let (ending, isAboveHigh) = outbox.withLock { outbox in
            outbox.isQueued = false
            if !isBlocked, phase != .closed, !outbox.bytes.isEmpty { outgoing = outbox.take() }
            return (outbox.ending, outbox.isAboveHigh)
        }
        guard phase != .closed else { return }
        if ending == .reset { return abort(.reset) }
        if ending == .slowPeer { return abort(.slowPeer) }
        if !isBlocked { writeOutgoing() }
        if isBlocked || isAboveHigh { publishProgress() }
        if case .closing(let linger) = ending { beginClosing(linger: linger) }
        if drained != nil { noteDrained() }
        updateWatch()
    }

    /// Writes ``outgoing`` as far as the kernel takes it.
    private func writeOutgoing() {
        let remaining = outgoing.remaining
        guard remaining > 0 else { return }
        let written = outgoing.send(to: descriptor)
        if written == remaining { return didWriteAll(written) }
        let code = written < 0 ? errno : EAGAIN
        guard Self.isPassing(code) else {
            return closeHandle(Self.reason(code))
        }
        noteWritten(max(0, written))
        isBlocked = true
        watchForStall()
    }

    /// Whether the system may take the rest later.
    private static func isPassing(_ code: Int32) -> Bool {
        #if canImport(Darwin)
            // A socket whose peer is about to close it says so there.
            if code == EPROTOTYPE { return true }
        #endif
        return [EAGAIN, EWOULDBLOCK, EINTR, ENOBUFS].contains(code)
    }

    private func didWriteAll(_ count: Int) {
        totalWritten &+= count
        recycleOutgoing()
    }

    /// The socket takes more.
    func becameWritable() {
        isBlocked = false
        writeOutgoing()
        if !isBlocked, phase != .closed { writeNext() }
        guard phase != .closed else { return }
        publishProgress()
        if !isBlocked, phase == .draining { finishDraining() }
        if drained != nil { noteDrained() }
    }

    /// Goes on with what was sent meanwhile.
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
        var seen = totalWritten
        var since = loop.now
        timer = loop.schedule(after: origin.limits.stallTimeout / 4) { [weak self] in
            self?.checkForStall(seen: &seen, since: &since)
        }
    }

    private func checkForStall(seen: inout Int, since: inout MonotonicInstant) {
        guard isBlocked else {
            timer = nil
            return
        }
        let timeout = origin.limits.stallTimeout
        if totalWritten != seen {
            seen = totalWritten
            since = loop.now
        }
        let left = timeout - since.duration(to: loop.now)
        guard left > .zero else { return abort(.slowPeer) }
        timer?.reschedule(after: min(left, timeout / 4))
    }
}
