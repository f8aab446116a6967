import ParleyTransport

/// A response that somebody gives later, such as the answer to a long poll. No task waits for it: ten thousand of them cost little
/// more than the memory they take. It answers one request.
///
/// ```swift
/// app.get.answering("/next") { request in
///     let pending = PendingResponse()
///     readers.add(pending)
///     pending.onCancel { readers.remove(pending) }
///     return .pending(pending)
/// }
/// // Later, on any thread:
/// pending.complete(with: .text("news"))
/// ```
public final class PendingResponse: Sendable {
    typealias Observer = @Sendable (Result<Response, any Error>) -> Void

    private enum Progress {
        case waiting(Observer?)
        /// Completed before anybody asked for it.
        case completed(Result<Response, any Error>)
        case delivered
    }

    private struct State {
        var progress = Progress.waiting(nil)
        var isCancelled = false
        var cancelHandler: (@Sendable () -> Void)?
    }

    private let state = Lock(State())

    /// A response that nobody gave yet.
    public init() {}

    /// Gives the response. False where it was given before.
    @discardableResult
    public func complete(with response: Response) -> Bool { complete(.success(response)) }

    /// Fails, which is answered as a throw of a handler is. False where the response was given before.
    @discardableResult
    public func fail(_ error: any Error) -> Bool { complete(.failure(error)) }

    /// Calls back, once, when the client has gone, or does not want the response any more; at once where it has.
    ///
    /// A response that is given within the call is sent where that is still possible, as to a client that only ended its own
    /// direction; behind the call it is too late. Once the response was given there is no call, unless both happen at the same
    /// time.
    public func onCancel(_ body: @escaping @Sendable () -> Void) {
        let isCancelled = state.withLock { state in
            guard !state.isCancelled else { return true }
            guard case .waiting = state.progress else { return false }
            guard let earlier = state.cancelHandler else {
                state.cancelHandler = body
                return false
            }
            state.cancelHandler = {
                earlier()
                body()
            }
            return false
        }
        if isCancelled { body() }
    }

    private func complete(_ result: Result<Response, any Error>) -> Bool {
        let (isFirst, observer): (Bool, Observer?) = state.withLock { state in
            guard case .waiting(let observer) = state.progress else { return (false, nil) }
            state.progress = observer == nil ? .completed(result) : .delivered
            state.cancelHandler = nil
            return (true, observer)
        }
        observer?(result)
        return isFirst
    }
}

// MARK: - Who waits for it

extension PendingResponse {
    /// Calls the observer with the response, on whatever thread gives it; at once where it is given already. There is one
    /// observer; another one gets an error.
    ///
    /// - Returns: whether the observer waits.
    @discardableResult
    func observe(_ observer: @escaping Observer) -> Bool {
        let result: Result<Response, any Error>? = state.withLock { state in
            switch state.progress {
            case .waiting(nil):
                state.progress = .waiting(observer)
                return nil
            case .completed(let result):
                state.progress = .delivered
                return result
            case .waiting, .delivered: return .failure(ReturnedTwice())
            }
        }
        if let result { observer(result) }
        return result == nil
    }

    /// Nobody wants the response any more. Whoever was to give it may do so now; otherwise it fails.
    func cancel() {
        let handler: (@Sendable () -> Void)? = state.withLock { state in
            guard case .waiting = state.progress else { return nil }
            state.isCancelled = true
            return state.cancelHandler.take()
        }
        handler?()
        fail(CancellationError())
    }

    private struct ReturnedTwice: Error, CustomStringConvertible {
        var description: String { "a PendingResponse answers one request, and was returned for two" }
    }

    /// Waits for it in a task, as middleware in front of the handler has to.
    nonisolated(nonsending) func response() async throws -> Response {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                observe { continuation.resume(with: $0) }
            }
        } onCancel: {
            cancel()
        }
    }
}
