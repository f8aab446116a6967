import ParleyTransport

/// Holds one client to a ``FloodLimit``.
final class FloodGate: Sendable {
    enum Verdict: Equatable {
        case within
        /// The client is over the limit; the measure is there when it only begins to be.
        case over(FloodReport.Measure?)
    }

    private struct State {
        var packets: TokenBucket?
        var bytes: TokenBucket?
        var isOver = false
        var isPaused = false

        var settled: Duration { max(packets?.settled ?? .zero, bytes?.settled ?? .zero) }
    }

    let action: FloodLimit.Action
    private let state: Lock<State>

    init(_ limit: FloodLimit) {
        action = limit.action
        state = Lock(
            State(
                packets: limit.packetsPerSecond.map { TokenBucket(perSecond: $0, burst: limit.burst) },
                bytes: limit.bytesPerSecond.map { TokenBucket(perSecond: $0, burst: limit.burst) }))
    }

    /// Whether the message that came last was over the limit.
    var isOver: Bool { state.withLock { $0.isOver } }

    /// Counts a message.
    func charge(_ count: Int, now: MonotonicInstant?) -> Verdict {
        state.withLock { state in
            state.packets?.refill(now: now)
            state.bytes?.refill(now: now)
            let measure: FloodReport.Measure? =
                state.packets?.covers(1) == false
                ? .packets : state.bytes?.covers(count) == false ? .bytes : nil
            // What is dropped is not paid for, or a client that goes on would never be heard again.
            if measure == nil || action == .pause {
                state.packets?.take(1)
                state.bytes?.take(count)
            }
            defer { state.isOver = measure != nil }
            guard let measure else { return .within }
            return .over(state.isOver ? nil : measure)
        }
    }

    /// How long the client is not to be read from; nil when that is arranged for already.
    func beginPause() -> Duration? {
        state.withLock { state -> Duration? in
            guard !state.isPaused else { return nil }
            state.isPaused = true
            return state.settled
        }
    }

    /// How much longer; nil when it is over.
    func continuePause(now: MonotonicInstant) -> Duration? {
        state.withLock { state -> Duration? in
            state.packets?.refill(now: now)
            state.bytes?.refill(now: now)
            guard state.settled == .zero else { return state.settled }
            state.isPaused = false
            return nil
        }
    }
}
