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
    func deadline(_ configuration: ServerConfiguration) -> MonotonicInstant? {
        switch phase {
        case .idle(let since): return since.advanced(by: configuration.keepAliveTimeout)
        case .head(let since): return since.advanced(by: configuration.headerTimeout)
        case .draining(let since): return since.advanced(by: configuration.drainTimeout)
        case .content(let content): return Self.deadline(content, configuration)
        case .none: return nil
        }
    }

    private static func deadline(
        _ content: Content, _ configuration: ServerConfiguration
    ) -> MonotonicInstant? {
        guard content.pausedAt == nil else { return nil }
        let silence = content.lastByte.advanced(by: configuration.bodyTimeout)
        guard configuration.minimumBodyRate > 0 else { return silence }
        let due = Duration.seconds(content.bytes / configuration.minimumBodyRate)
        let slowness = content.began.advanced(by: max(configuration.bodyRateGrace, due))
        return min(silence, slowness)
    }

    func check(at now: MonotonicInstant, _ configuration: ServerConfiguration) -> Verdict {
        guard let deadline = deadline(configuration), deadline <= now else { return .wait }
        switch phase {
        case .idle: return .idle
        case .head: return .headerTimeout
        case .content: return .bodyTimeout
        case .draining: return .drainTimeout
        case .none: return .wait
        }
    }
}
