/// Something that stands between the server and a handler: it may answer itself, change the request, store what it
/// found out on it, change the response, or throw.
///
/// The same chain serves ordinary requests and upgrades. Middleware runs in the order of `use`: first used, outermost.
public protocol Middleware: Sendable {
    /// Answers the request, usually by way of `next`.
    ///
    /// It runs where its caller does, which is on the connection's loop unless somebody left it.
    nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response
}

/// The rest of the chain, as a middleware sees it.
public struct Next: Sendable {
    let chain: [any Middleware]
    let index: Int
    let terminal: nonisolated(nonsending) @Sendable (Request) async throws -> Response

    /// Passes the request on and returns the response.
    public nonisolated(nonsending) func callAsFunction(_ request: Request) async throws -> Response {
        guard index < chain.count else { return try await terminal(request) }
        return try await chain[index].respond(
            to: request, next: Next(chain: chain, index: index + 1, terminal: terminal))
    }
}

/// A middleware that is a closure. It runs on the connection's loop, also where the middleware in front of it has left that.
public struct ClosureMiddleware: Middleware {
    /// What a middleware does.
    public typealias Body = @Sendable (_ request: Request, _ next: Next) async throws -> Response

    let body: Body

    /// Creates a middleware of a closure.
    public init(_ body: @escaping Body) {
        self.body = body
    }

    /// Calls the closure.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        try await body(request, next)
    }
}
