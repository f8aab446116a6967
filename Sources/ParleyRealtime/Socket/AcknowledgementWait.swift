import ParleyTransport

/// One task's waiting for an acknowledgement, which ends by the reply, by a failure, or with the task.
final class AcknowledgementWait<Value: Sendable>: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Value, any Error>?
        var isOver = false
        /// The id of the event that is waited for.
        var id: UInt64?
    }

    private let socket: Socket
    private let state = Lock(State())

    init(_ socket: Socket) { self.socket = socket }

    /// Waits for what `ask` asks for. It returns the event's id, if the event is on its way.
    ///
    /// - Throws: what the waiting ends by; `CancellationError` when the task is cancelled.
    func value(
        _ ask: (@escaping @Sendable (Result<Value, any Error>) -> Void) -> UInt64?
    ) async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard begin(continuation) else { return continuation.resume(throwing: CancellationError()) }
                keep(ask { self.end($0) })
            }
        } onCancel: {
            end(.failure(CancellationError()))
            forget()
        }
    }

    private func begin(_ continuation: CheckedContinuation<Value, any Error>) -> Bool {
        state.withLock { state in
            guard !state.isOver else { return false }
            state.continuation = continuation
            return true
        }
    }

    private func end(_ result: Result<Value, any Error>) {
        let continuation = state.withLock { state in
            defer { state.continuation = nil }
            state.isOver = true
            return state.continuation
        }
        continuation?.resume(with: result)
    }

    private func keep(_ id: UInt64?) {
        let isOver = state.withLock { state in
            state.id = id
            return state.isOver
        }
        if isOver { forget() }
    }

    private func forget() {
        guard let id = state.withLock({ $0.id }) else { return }
        _ = socket.cancelAcknowledgement(id)
    }
}
