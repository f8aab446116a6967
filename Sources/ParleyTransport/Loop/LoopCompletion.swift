#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Tells whoever waits that an event loop's thread has ended.
final class LoopCompletion: Sendable {
    private struct State: @unchecked Sendable {
        /// Set until the thread is joined or detached; a `pthread_t` is a plain value.
        var thread: pthread_t?
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Lock(State())

    func started(_ thread: pthread_t) {
        state.withLock { $0.thread = thread }
    }

    /// The thread's last act.
    func finish() {
        let waiters = state.withLock { state in
            state.isFinished = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until the loop has stopped and its thread is gone.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isFinished = state.withLock { state in
                if !state.isFinished { state.waiters.append(continuation) }
                return state.isFinished
            }
            if isFinished { continuation.resume() }
        }
        join()
    }

    /// The thread has nothing left to do, so that this does not block for longer than it takes to exit.
    private func join() {
        guard let thread = takeThread() else { return }
        pthread_join(thread, nil)
    }

    /// Lets the system clean up when nobody waits for the thread.
    func detach() {
        guard let thread = takeThread() else { return }
        pthread_detach(thread)
    }

    private func takeThread() -> pthread_t? {
        state.withLock { state in
            defer { state.thread = nil }
            return state.thread
        }
    }
}
