import ParleyTransport

/// A point in time up to which others are waited for.
struct Deadline: Sendable {
    let instant: ContinuousClock.Instant

    init(after duration: Duration) { instant = .now.advanced(by: duration) }

    private init(instant: ContinuousClock.Instant) { self.instant = instant }

    var isOver: Bool { ContinuousClock.now >= instant }

    func later(by duration: Duration) -> Deadline { Deadline(instant: instant.advanced(by: duration)) }

    /// Waits for work up to the deadline, or until this task is cancelled; what takes longer goes on by itself. A task group
    /// would wait for it.
    /// - Returns: false when it was given up.
    @discardableResult
    func wait(for work: @escaping @Sendable () async -> Void) async -> Bool {
        let race = Race()
        let timer = Task {
            try? await Task.sleep(until: instant, clock: .continuous)
            race.finish(false)
        }
        Task {
            await work()
            race.finish(true)
        }
        let isDone = await withTaskCancellationHandler {
            await withCheckedContinuation { race.start($0) }
        } onCancel: {
            race.finish(false)
        }
        timer.cancel()
        return isDone
    }
}

/// Resumes a continuation with the first outcome.
private final class Race: Sendable {
    private enum State {
        case open
        case waiting(CheckedContinuation<Bool, Never>)
        case finished(Bool)
    }

    private let state = Lock(State.open)

    func start(_ continuation: CheckedContinuation<Bool, Never>) {
        let outcome: Bool? = state.withLock { state in
            if case .finished(let outcome) = state { return outcome }
            state = .waiting(continuation)
            return nil
        }
        if let outcome { continuation.resume(returning: outcome) }
    }

    func finish(_ outcome: Bool) {
        let waiting: CheckedContinuation<Bool, Never>? = state.withLock { state in
            switch state {
            case .finished: return nil
            case .open:
                state = .finished(outcome)
                return nil
            case .waiting(let continuation):
                state = .finished(outcome)
                return continuation
            }
        }
        waiting?.resume(returning: outcome)
    }
}
