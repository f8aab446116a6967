extension EventLoop {
    /// Runs a closure on the loop and returns its result; inline when called on the loop already. Safe from any
    /// thread.
    ///
    /// - Throws: what the closure throws, or ``TransportError/loopStopped``.
    public func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result
    {
        if isCurrent, !isStopping { return try body() }
        return try await withCheckedThrowingContinuation { continuation in
            let isQueued = execute {
                guard !self.isStopping else {
                    return continuation.resume(throwing: TransportError.loopStopped)
                }
                continuation.resume(with: Swift.Result { try body() })
            }
            if !isQueued { continuation.resume(throwing: TransportError.loopStopped) }
        }
    }
}
