import ParleyTransport

extension HTTPServerLoop {
    /// Starts a task that prefers the loop, and begins on it at once where the system can.
    func startTask(_ work: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        if #available(macOS 26, *) {
            return Task.immediate(executorPreference: loop, operation: work)
        }
        return Task(executorPreference: loop, operation: work)
    }

    /// Runs a closure on the loop: here, where a task that prefers the loop should be already.
    nonisolated(nonsending) func onLoop(_ body: @escaping @Sendable () -> Void) async {
        if loop.isCurrent { return body() }
        try? await loop.run(body)
    }
}
