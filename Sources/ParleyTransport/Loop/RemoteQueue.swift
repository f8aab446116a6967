import Synchronization

/// One piece of work for an event loop.
enum LoopWork: Sendable {
    case job(UnownedJob)
    case closure(@Sendable () -> Void)
    case flush(any TurnFlushed)
}

/// What other threads have put to an event loop and it has not yet taken.
final class RemoteQueue: Sendable {
    private struct State {
        var work: [LoopWork] = []
        var isStopped = false
    }

    private let state = Lock(State())
    /// Lets the loop see without locking that there is nothing.
    private let isFilled = Atomic(false)

    /// Appends work and calls `wake` (under the lock, so that the loop cannot be torn down meanwhile) when the
    /// loop does not yet know. False when the loop has stopped, and the work was not taken.
    func append(_ work: LoopWork, wake: () -> Void) -> Bool {
        state.withLock { state in
            guard !state.isStopped else { return false }
            state.work.append(work)
            if !isFilled.exchange(true, ordering: .acquiringAndReleasing) { wake() }
            return true
        }
    }

    /// Moves everything into `work`, which must be empty; its capacity is used for what comes next.
    func take(into work: inout [LoopWork]) {
        guard isFilled.load(ordering: .acquiring) else { return }
        state.withLock { state in
            swap(&state.work, &work)
            isFilled.store(false, ordering: .releasing)
        }
    }

    /// Refuses everything from now on if nothing is waiting; false when something is.
    func stopIfEmpty() -> Bool {
        state.withLock { state in
            guard state.work.isEmpty else { return false }
            state.isStopped = true
            return true
        }
    }
}
