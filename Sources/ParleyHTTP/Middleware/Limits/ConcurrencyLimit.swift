import HTTPTypes
import Synchronization

/// Bounds how many requests are answered at a time. Beyond: 503 with `Retry-After`. A request counts until its handler has
/// returned; what is streamed, and upgraded connections, don't count from then on.
///
/// ```swift
/// app.group("/reports").use(ConcurrencyLimit(4))
/// ```
public struct ConcurrencyLimit: Middleware {
    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    private let maximum: Int
    private let retryAfter: Duration
    private let running = Counter()

    /// Creates the middleware; its copies count together.
    ///
    /// - Parameters:
    ///   - maximum: the requests at a time.
    ///   - retryAfter: what clients are told to wait, in whole seconds.
    public init(_ maximum: Int, retryAfter: Duration = .seconds(1)) {
        self.maximum = maximum
        self.retryAfter = retryAfter
    }

    /// Passes the request on, or throws ``HTTPError`` 503.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        defer { running.value.subtract(1, ordering: .relaxed) }
        guard running.value.add(1, ordering: .relaxed).newValue <= maximum else {
            throw HTTPError(
                .serviceUnavailable, "more than \(maximum) requests at a time",
                headers: [.retryAfter: "\(max(0, retryAfter.secondsRoundedUp))"])
        }
        return try await next(request)
    }
}
