import ParleyTransport

/// When an HTTP/1.1 connection has taken too long: pure bookkeeping with times that are given.
struct HTTP1Watch {
    enum Verdict {
        case wait
        /// Nobody asked for anything: to be closed without a word.
        case idle
        case headerTimeout
        case bodyTimeout
        case drainTimeout
    }

    /// The progress of a request's content.
    private struct Content {
        var began: MonotonicInstant
        var lastByte: MonotonicInstant
        var bytes = 0
        var pausedAt: MonotonicInstant?
    }

    private enum Phase {
        case idle(since: MonotonicInstant)
        case head(since: MonotonicInstant)
        case content(Content)
        case draining(since: MonotonicInstant)
        /// The peer owes nothing.
        case none
    }

    private var phase: Phase

    init(now: MonotonicInstant) { phase = .idle(since: now) }

    mutating func idle(at now: MonotonicInstant) { phase = .idle(since: now) }

    mutating func stop() { phase = .none }

    mutating func draining(at now: MonotonicInstant) { phase = .draining(since: now) }

    /// A part of a head came: the time counts from the first one on.
    mutating func receivedPartOfHead(at now: MonotonicInstant) {
        if case .head = phase { return }
        phase = .head(since: now)
    }

    /// Content is expected from now on.
    mutating func expectContent(at now: MonotonicInstant) {
        phase = .content(Content(began: now, lastByte: now))
    }

    mutating func receivedContent(_ count: Int, at now: MonotonicInstant) {
        guard case .content(var content) = phase else { return }
        content.lastByte = now
        content.bytes &+= count
        phase = .content(content)
    }

    /// The server itself stopped reading.
    mutating func pauseContent(at now: MonotonicInstant) {
        guard case .content(var content) = phase, content.pausedAt == nil else { return }
        content.pausedAt = now
        phase = .content(content)
    }

    /// The server reads on: the pause doesn't count.
    mutating func resumeContent(at now: MonotonicInstant) {
        guard case .content(var content) = phase, let pausedAt = content.pausedAt else { return }
        content.began = content.began.advanced(by: pausedAt.duration(to: now))
        content.lastByte = now
        content.pausedAt = nil
        phase = .content(content)
    }

    /// The point at which ``check(at:_:)`` has something to say; nil when nothing is owed.
    func deadline(_ timeouts: HTTP1Timeouts) -> MonotonicInstant? {
        switch phase {
        case .idle(let since): return since.adding(timeouts.keepAlive)
        case .head(let since): return since.adding(timeouts.header)
        case .draining(let since): return since.adding(timeouts.drain)
        case .content(let content): return Self.deadline(content, timeouts)
        case .none: return nil
        }
    }

    private static func deadline(_ content: Content, _ timeouts: HTTP1Timeouts) -> MonotonicInstant? {
        guard content.pausedAt == nil else { return nil }
        let silence = content.lastByte.adding(timeouts.body)
        guard timeouts.minimumBodyRate > 0 else { return silence }
        let due = UInt64(content.bytes / timeouts.minimumBodyRate).multipliedReportingOverflow(by: 1000)
        let slowness = content.began.adding(
            max(timeouts.bodyRateGrace, due.overflow ? .max : due.partialValue))
        return min(silence, slowness)
    }

    func check(at now: MonotonicInstant, _ timeouts: HTTP1Timeouts) -> Verdict {
        guard let deadline = deadline(timeouts), deadline <= now else { return .wait }
        switch phase {
        case .idle: return .idle
        case .head: return .headerTimeout
        case .content: return .bodyTimeout
        case .draining: return .drainTimeout
        case .none: return .wait
        }
    }
}

/// The times of a configuration in milliseconds: a deadline that is computed for every request must be an addition.
struct HTTP1Timeouts {
    let keepAlive: UInt64
    let header: UInt64
    let drain: UInt64
    let body: UInt64
    let bodyRateGrace: UInt64
    let minimumBodyRate: Int

    init(_ configuration: ServerConfiguration) {
        keepAlive = configuration.keepAliveTimeout.clampedMilliseconds
        header = configuration.headerTimeout.clampedMilliseconds
        drain = configuration.drainTimeout.clampedMilliseconds
        body = configuration.bodyTimeout.clampedMilliseconds
        bodyRateGrace = configuration.bodyRateGrace.clampedMilliseconds
        minimumBodyRate = configuration.minimumBodyRate
    }
}

extension Duration {
    /// The duration in whole milliseconds; 0 when it is negative, and no more than a century.
    fileprivate var clampedMilliseconds: UInt64 {
        let century: Duration = .seconds(3_155_760_000)
        let (seconds, attoseconds) = min(max(self, .zero), century).components
        return UInt64(seconds) * 1000 + UInt64(attoseconds / 1_000_000_000_000_000)
    }
}

extension MonotonicInstant {
    fileprivate func adding(_ milliseconds: UInt64) -> MonotonicInstant {
        let (sum, overflow) = self.milliseconds.addingReportingOverflow(milliseconds)
        return MonotonicInstant(milliseconds: overflow ? .max : sum)
    }
}
