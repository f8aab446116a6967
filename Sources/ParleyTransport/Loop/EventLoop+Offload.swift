import CUV

extension EventLoop {
    /// Runs blocking work, such as reading a file, on libuv's thread pool (4 threads, or as many as the
    /// environment's `UV_THREADPOOL_SIZE` says) and returns its result. Safe from any thread.
    ///
    /// Work that has not begun when the task is cancelled, or when the loop stops, is not done; work that has begun
    /// is awaited, also by a loop that stops.
    ///
    /// - Throws: what the work throws, `CancellationError`, or ``TransportError/loopStopped``.
    public func offload<Success: Sendable>(
        _ work: @escaping @Sendable () throws -> Success
    ) async throws -> Success {
        let offloaded = OffloadedWork(loop: self)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isQueued = execute {
                    offloaded.start(Offer(work: work, continuation: continuation))
                }
                if !isQueued { continuation.resume(throwing: TransportError.loopStopped) }
            }
        } onCancel: {
            execute { offloaded.cancel() }
        }
    }
}

/// Work with the task that waits for it, its type erased.
private protocol OfferedWork: AnyObject, Sendable {
    /// Does the work; on the pool's thread.
    func perform()
    /// Resumes the task: with the outcome, or with the error when the work was not done.
    func finish(failing error: any Error)
}

private final class Offer<Success: Sendable>: OfferedWork {
    private let work: @Sendable () throws -> Success
    private let continuation: CheckedContinuation<Success, any Error>
    private let outcome = Lock<Result<Success, any Error>?>(nil)

    init(
        work: @escaping @Sendable () throws -> Success, continuation: CheckedContinuation<Success, any Error>
    ) {
        self.work = work
        self.continuation = continuation
    }

    func perform() {
        let result = Result { try work() }
        outcome.withLock { $0 = result }
    }

    func finish(failing error: any Error) {
        continuation.resume(with: outcome.withLock { $0 } ?? .failure(error))
    }
}

/// One request to libuv's thread pool.
///
/// Sound as `Sendable`: `offer` is set on the loop's thread before the request is queued, and the pool's thread only
/// reads it between that and the request's end; the rest is touched on the loop's thread only.
private final class OffloadedWork: @unchecked Sendable {
    private let loop: EventLoop
    private let request = UnsafeMutablePointer<uv_work_t>.allocate(capacity: 1)
    private var offer: (any OfferedWork)?
    private var isCancelled = false

    init(loop: EventLoop) {
        self.loop = loop
    }

    deinit {
        request.deallocate()
    }

    func start(_ offer: any OfferedWork) {
        if isCancelled { return offer.finish(failing: CancellationError()) }
        if loop.isStopping { return offer.finish(failing: TransportError.loopStopped) }
        self.offer = offer
        request.pointee.data = Unmanaged.passRetained(self).toOpaque()
        loop.resourceOpened()
        let status = uv_queue_work(
            loop.handles.loop, request, { OffloadedWork.of($0)?.offer?.perform() },
            { request, _ in OffloadedWork.of(request)?.finish() })
        if status < 0 { finish() }
    }

    func cancel() {
        isCancelled = true
        guard offer != nil else { return }
        // Fails when the work has begun, which is fine: then its outcome is awaited.
        UnsafeMutableRawPointer(request).withMemoryRebound(to: uv_req_t.self, capacity: 1) {
            _ = uv_cancel($0)
        }
    }

    private func finish() {
        loop.resourceClosed()
        let finished = offer
        offer = nil
        finished?.finish(failing: CancellationError())
        Unmanaged.passUnretained(self).release()
    }

    private static func of(_ request: UnsafeMutablePointer<uv_work_t>?) -> OffloadedWork? {
        request?.pointee.data.map { Unmanaged<OffloadedWork>.fromOpaque($0).takeUnretainedValue() }
    }
}
