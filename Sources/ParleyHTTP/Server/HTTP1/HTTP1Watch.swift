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

    private enum Phase {
        case idle(since: MonotonicInstant)
        /// The server shuts down: a request that is on its way shall be answered.
        case leaving(since: MonotonicInstant)
        case head(since: MonotonicInstant)
        case content(ContentWatch)
        case draining(since: MonotonicInstant)
        /// The peer owes nothing.
        case none
    }

    private var phase: Phase

    init(now: MonotonicInstant) { phase = .idle(since: now) }

    mutating func idle(at now: MonotonicInstant) { phase = .idle(since: now) }

    mutating func leave(at now: MonotonicInstant) { phase = .leaving(since: now) }

    mutating func stop() { phase = .none }

    mutating func draining(at now: MonotonicInstant) { phase = .draining(since: now) }

    /// A part of a head came: the time counts from the first one on.
    mutating func receivedPartOfHead(at now: MonotonicInstant) {
        if case .head = phase { return }
        phase = .head(since: now)
    }

    /// Content is expected from now on.
    mutating func expectContent(at now: MonotonicInstant) {
        phase = .content(ContentWatch(now: now))
    }

    mutating func receivedContent(_ count: Int, at now: MonotonicInstant) {
        update { $0.received(count, at: now) }
    }

    /// The server itself stopped reading.
    mutating func pauseContent(at now: MonotonicInstant) { update { $0.pause(at: now) } }

    /// The server reads on: the pause doesn't count.
    mutating func resumeContent(at now: MonotonicInstant) { update { $0.resume(at: now) } }

    private mutating func update(_ body: (inout ContentWatch) -> Void) {
        guard case .content(var content) = phase else { return }
        body(&content)
        phase = .content(content)
    }

    /// The point at which ``check(at:_:)`` has something to say; nil when nothing is owed.
    func deadline(_ timeouts: ServerTimeouts) -> MonotonicInstant? {
        switch phase {
        case .idle(let since): return since.adding(timeouts.keepAlive)
        case .leaving(let since): return since.adding(timeouts.shutdownGrace)
        case .head(let since): return since.adding(timeouts.header)
        case .draining(let since): return since.adding(timeouts.drain)
        case .content(let content): return content.deadline(timeouts)
        case .none: return nil
        }
    }

    func check(at now: MonotonicInstant, _ timeouts: ServerTimeouts) -> Verdict {
        guard let deadline = deadline(timeouts), deadline <= now else { return .wait }
        switch phase {
        case .idle, .leaving: return .idle
        case .head: return .headerTimeout
        case .content: return .bodyTimeout
        case .draining: return .drainTimeout
        case .none: return .wait
        }
    }
}
