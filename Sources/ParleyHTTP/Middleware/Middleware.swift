/// Something that stands between the server and a handler: it may answer itself, change the request, store what it
/// found out on it, change the response, or throw.
///
/// The same chain serves ordinary requests and upgrades. Middleware runs in the order of `use`: first used, outermost.
public protocol Middleware: Sendable {
    /// Answers the request, usually by way of `next`.
    func respond(to request: Request, next: Next) async throws -> Response
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

/// A middleware that is a closure.
public struct ClosureMiddleware: Middleware {
    let body: @Sendable (Request, Next) async throws -> Response

    /// Creates a middleware of a closure.
    public init(_ body: @escaping @Sendable (Request, Next) async throws -> Response) {
        self.body = body
    }

    /// Calls the closure.
    public func respond(to request: Request, next: Next) async throws -> Response {
        try await body(request, next)
    }
}
