import HTTPTypes

/// Bounds a request's content. Beyond: 413, at once when the announced length says so, otherwise when it is read.
///
/// A limit further in can make it smaller, not larger. Where a few routes take more, let the closure tell them apart:
///
/// ```swift
/// app.use(BodyLimit { request in request.route == "/upload" ? 100 << 20 : 1 << 20 })
/// ```
///
/// Without it, `collect` and `decode` have limits of their own, and what is read piece by piece has none.
public struct BodyLimit: Middleware {
    private let limit: @Sendable (Request) -> Int

    /// The same limit for all requests, in bytes.
    public init(_ bytes: Int) { limit = { _ in bytes } }

    /// A limit for each request, in bytes.
    public init(_ bytes: @escaping @Sendable (_ request: Request) -> Int) { limit = bytes }

    /// Passes the request on, or throws ``HTTPError`` 413.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        let limit = max(0, limit(request))
        let body = request.body
        if let length = body.announcedLength {
            guard length <= UInt64(limit) else { throw RequestBody.tooLarge(limit) }
        } else {
            body.limit(to: limit)
        }
        return try await next(request)
    }
}
