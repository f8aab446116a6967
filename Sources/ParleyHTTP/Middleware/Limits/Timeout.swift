import HTTPTypes
import ParleyTransport

/// Bounds the time to a response's head. Beyond: 503, and the handler's task is cancelled.
///
/// The client gets its answer whether or not the handler heeds the cancellation; one that doesn't goes on until it is done, and a
/// synchronous one can't be interrupted at all. What is streamed, and upgraded connections, have all the time they want.
///
/// ```swift
/// app.use(Timeout(.seconds(10)))
/// ```
public struct Timeout: Middleware {
    private let limit: Duration

    /// Creates the middleware; times are rounded up to milliseconds.
    public init(_ limit: Duration) { self.limit = limit }

    /// Passes the request on, or throws ``HTTPError`` 503.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        let race = TimeoutRace(loop: request.loop)
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { waiter in
                race.begin(waiter, limit) { try await next(request) }
            }
        } onCancel: {
            race.cancelTask()
        }
    }
}

/// A handler against the clock: whoever is first resumes who waits.
///
/// Sound as `Sendable`: the timer is touched on the loop only, everything else under the lock.
private final class TimeoutRace: @unchecked Sendable {
    private struct State {
        var waiter: UnsafeContinuation<Response, any Error>?
        var task: Task<Void, Never>?
        var isCancelled = false
    }

    private let loop: EventLoop
    private let state = Lock(State())
    private var timer: LoopTimer?

    init(loop: EventLoop) { self.loop = loop }

    func begin(
        _ waiter: UnsafeContinuation<Response, any Error>, _ limit: Duration,
        _ work: @escaping @Sendable () async throws -> Response
    ) {
        state.withLock { $0.waiter = waiter }
        onLoop { $0.startTimer(limit) }
        let task = Task(executorPreference: loop) { [self] in
            do {
                finish(.success(try await work()))
            } catch {
                finish(.failure(error))
            }
        }
        let isCancelled = state.withLock { state in
            // It may be over by now: then nobody needs the task.
            if state.waiter != nil { state.task = task }
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    func cancelTask() {
        let task = state.withLock { state in
            state.isCancelled = true
            return state.task
        }
        task?.cancel()
    }

    private func startTimer(_ limit: Duration) {
        guard state.withLock({ $0.waiter != nil }) else { return }
        timer = loop.schedule(after: limit) { [weak self] in self?.expire(limit) }
    }

    private func expire(_ limit: Duration) {
        let task = state.withLock { state in
            state.isCancelled = true
            return state.task
        }
        finish(.failure(HTTPError(.serviceUnavailable, "no response within \(limit)")))
        task?.cancel()
    }

    private func finish(_ result: Result<Response, any Error>) {
        let waiter = state.withLock { state in
            defer { (state.waiter, state.task) = (nil, nil) }
            return state.waiter
        }
        guard let waiter else { return }
        onLoop { race in
            race.timer?.cancel()
            race.timer = nil
        }
        waiter.resume(with: result)
    }

    private func onLoop(_ body: @escaping @Sendable (TimeoutRace) -> Void) {
        if loop.isCurrent { return body(self) }
        loop.execute { [self] in body(self) }
    }
}
