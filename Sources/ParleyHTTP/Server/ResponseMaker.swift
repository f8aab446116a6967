import ParleyTransport

/// Who makes a response.
enum ResponseMaker {
    case task(Task<Void, Never>)
    case other(PendingResponse)

    /// Nobody waits for the response.
    func cancel() {
        switch self {
        case .task(let task): task.cancel()
        case .other(let pending): pending.cancel()
        }
    }
}

extension HTTPServerLoop {
    /// Starts a task that prefers the loop, and begins on it at once.
    func startTask(_ work: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task.immediate(executorPreference: loop, operation: work)
    }

    /// Runs a closure on the loop: here, where a task that prefers the loop should be already.
    nonisolated(nonsending) func onLoop(_ body: @escaping @Sendable () -> Void) async {
        if loop.isCurrent { return body() }
        try? await loop.run(body)
    }
}
