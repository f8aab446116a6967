import ParleyTransport

extension EventLoop {
    /// Runs asynchronous work on this loop, from now on where the runtime can start a task in place, so that work which
    /// does not suspend is done when this returns.
    @discardableResult
    func start(_ work: sending @escaping @isolated(any) () async -> Void) -> Task<Void, Never> {
        #if canImport(Darwin)
            guard #available(macOS 26, *) else { return Task(executorPreference: self, operation: work) }
        #endif
        guard isCurrent else { return Task(executorPreference: self, operation: work) }
        return Task.immediate(executorPreference: self, operation: work)
    }
}
