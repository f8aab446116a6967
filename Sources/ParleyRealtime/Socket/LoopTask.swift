import ParleyTransport

extension EventLoop {
    /// Runs asynchronous work on this loop, from now on where this is the loop's thread, so that work which does not suspend
    /// is done when this returns. `Client.follow` does the same by itself.
    @discardableResult
    func start(_ work: sending @escaping @isolated(any) () async -> Void) -> Task<Void, Never> {
        guard isCurrent else { return Task(executorPreference: self, operation: work) }
        return Task.immediate(executorPreference: self, operation: work)
    }
}
