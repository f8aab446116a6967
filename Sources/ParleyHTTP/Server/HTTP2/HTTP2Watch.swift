import ParleyTransport

/// When an HTTP/2 connection as a whole has taken too long: pure bookkeeping with times that are given. What its streams
/// owe is theirs to watch.
struct HTTP2Watch {
    enum Verdict {
        case wait
        /// Nobody asked for anything: to be ended with GOAWAY.
        case idle
        /// Neither preface nor SETTINGS came, or a header section that doesn't end: to be ended at once.
        case headerTimeout
        /// The peer didn't answer the PING behind the first GOAWAY.
        case noticeTimeout
    }

    /// The time that the peer has to read the notice of a shutdown.
    static let noticeTimeout: UInt64 = 1000

    private enum Phase {
        case preface(since: MonotonicInstant)
        case idle(since: MonotonicInstant)
        case busy
    }

    private var phase: Phase
    private var headers: MonotonicInstant?
    private var notice: MonotonicInstant?

    init(now: MonotonicInstant) { phase = .preface(since: now) }

    /// The peer's SETTINGS came.
    mutating func established(at now: MonotonicInstant) {
        if case .preface = phase { phase = .idle(since: now) }
    }

    /// A stream began.
    mutating func busy() { phase = .busy }

    /// The last stream ended.
    mutating func idle(at now: MonotonicInstant) { phase = .idle(since: now) }

    /// Whether a header section has begun and not ended; the time counts from the first frame on.
    mutating func headers(areOpen: Bool, at now: MonotonicInstant) {
        headers = areOpen ? headers ?? now : nil
    }

    /// The notice of a shutdown was sent.
    mutating func noticed(at now: MonotonicInstant) { notice = now }

    /// True while an answer to the notice is awaited.
    var isNoticeOpen: Bool { notice != nil }

    /// The notice was answered, or waited for long enough.
    mutating func noticeEnded() { notice = nil }

    func deadline(_ timeouts: ServerTimeouts) -> MonotonicInstant? {
        let phaseDeadline: MonotonicInstant? =
            switch phase {
            case .preface(let since): since.adding(timeouts.preface)
            case .idle(let since): since.adding(timeouts.keepAlive)
            case .busy: nil
            }
        return earliest(
            phaseDeadline, earliest(headers?.adding(timeouts.header), notice?.adding(Self.noticeTimeout)))
    }

    func check(at now: MonotonicInstant, _ timeouts: ServerTimeouts) -> Verdict {
        if let headers, headers.adding(timeouts.header) <= now { return .headerTimeout }
        if let notice, notice.adding(Self.noticeTimeout) <= now { return .noticeTimeout }
        switch phase {
        case .preface(let since) where since.adding(timeouts.preface) <= now: return .headerTimeout
        case .idle(let since) where since.adding(timeouts.keepAlive) <= now: return .idle
        default: return .wait
        }
    }
}
