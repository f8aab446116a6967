import ParleyTransport

/// Whether a peer takes what waits for it: a little now and then is not enough. Pure bookkeeping with times that are given.
struct HTTP2StallWatch {
    /// What must be taken within the time, so that a drip of bytes doesn't count as progress.
    static let leastProgress = 1024

    private var mark: (since: MonotonicInstant, taken: Int)?

    /// Something waits. Nothing changes when something did before.
    mutating func start(at now: MonotonicInstant, taken: Int) {
        if mark == nil { mark = (now, taken) }
    }

    /// The time until now doesn't count.
    mutating func restart(at now: MonotonicInstant, taken: Int) {
        if mark != nil { mark = (now, taken) }
    }

    /// Nothing waits any more.
    mutating func stop() { mark = nil }

    func deadline(_ timeout: UInt64) -> MonotonicInstant? { mark?.since.adding(timeout) }

    /// True when the time has passed without progress; with progress it begins anew.
    mutating func isStalled(at now: MonotonicInstant, taken: Int, timeout: UInt64) -> Bool {
        guard let current = mark else { return false }
        if taken &- current.taken >= Self.leastProgress {
            mark = (now, taken)
            return false
        }
        return current.since.adding(timeout) <= now
    }
}
