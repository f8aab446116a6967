import ParleyTransport

/// The progress of a request's content: pure bookkeeping with times that are given.
struct ContentWatch {
    private var began: MonotonicInstant
    private var lastByte: MonotonicInstant
    private var bytes = 0
    private var pausedAt: MonotonicInstant?

    /// Content is expected from now on.
    init(now: MonotonicInstant) {
        began = now
        lastByte = now
    }

    mutating func received(_ count: Int, at now: MonotonicInstant) {
        lastByte = now
        bytes &+= count
    }

    /// The server itself stopped reading.
    mutating func pause(at now: MonotonicInstant) {
        if pausedAt == nil { pausedAt = now }
    }

    /// The server reads on: the pause doesn't count.
    mutating func resume(at now: MonotonicInstant) {
        guard let pausedAt else { return }
        began = began.advanced(by: pausedAt.duration(to: now))
        lastByte = now
        self.pausedAt = nil
    }

    /// When the content has taken too long; nil while the server doesn't read.
    func deadline(_ timeouts: ServerTimeouts) -> MonotonicInstant? {
        guard pausedAt == nil else { return nil }
        let silence = lastByte.adding(timeouts.body)
        guard timeouts.minimumBodyRate > 0 else { return silence }
        let due = UInt64(bytes / timeouts.minimumBodyRate).multipliedReportingOverflow(by: 1000)
        let slowness = began.adding(max(timeouts.bodyRateGrace, due.overflow ? .max : due.partialValue))
        return min(silence, slowness)
    }
}
