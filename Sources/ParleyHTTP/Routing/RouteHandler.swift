import HTTPTypes
import Logging

/// What answers a route's requests. A synchronous one is called on the loop without a task.
enum RouteHandler: Sendable {
    /// It stays where its caller is, which is on the loop. The application's function within looks for the task's executor at its
    /// beginning, and is on the loop too.
    typealias Asynchronous = nonisolated(nonsending) @Sendable (Request) async throws -> Response

    case synchronous(@Sendable (Request) throws -> Response)
    case asynchronous(Asynchronous)
    /// Called as a synchronous one; what takes longer is done as by an asynchronous one.
    case answering(@Sendable (Request) throws -> Answer)
}

/// What ``RouteRegistrar/answering(_:_:)``'s handlers return: the response, or who makes it where that takes longer.
public enum Answer: Sendable {
    /// Makes a response in its time.
    public typealias Rest = @Sendable () async throws -> Response

    /// The response is here: no task is started for it.
    case now(Response)
    /// The response comes. The closure runs in a task that prefers the event loop, as an asynchronous handler does, and is
    /// cancelled with it when the client goes away.
    case later(Rest)
    /// The response is given by somebody else, and no task waits for it.
    case pending(PendingResponse)

    /// The response, waited for where it isn't here.
    public nonisolated(nonsending) func response() async throws -> Response {
        switch self {
        case .now(let response): response
        case .later(let rest): try await rest()
        case .pending(let pending): try await pending.response()
        }
    }
}

/// A handler with the middleware in front of it, outermost first. A class, so that finding one costs one reference.
final class RouteEndpoint: Sendable {
    let handler: RouteHandler
    let middleware: [any Middleware]
    let parameterNames: [String]
    /// The route's pattern; nil for what answers where no route does.
    let pattern: String?
    /// The application's logger.
    let logger: Logger

    init(
        handler: RouteHandler, middleware: [any Middleware], logger: Logger = Logger(label: "parley"),
        pattern: String? = nil,
        parameterNames: [String] = []
    ) {
        self.handler = handler
        self.middleware = middleware
        self.logger = logger
        self.pattern = pattern
        self.parameterNames = parameterNames
    }

    /// Runs the middleware and the handler.
    nonisolated(nonsending) func respond(to request: Request) async throws -> Response {
        if middleware.isEmpty { return try await callHandler(request) }
        let next = Next(chain: middleware, index: 0) { [self] request in try await callHandler(request) }
        return try await next(request)
    }

    private nonisolated(nonsending) func callHandler(_ request: Request) async throws -> Response {
        switch handler {
        case .synchronous(let handler): try handler(request)
        case .asynchronous(let handler): try await handler(request)
        case .answering(let handler): try await handler(request).response()
        }
    }
}

/// The endpoints of one pattern, by method.
struct RouteMethods: Sendable {
    private var endpoints: [(method: HTTPRequest.Method, endpoint: RouteEndpoint)] = []
    private var any: RouteEndpoint?

    /// Adds an endpoint; of two for the same method the later one counts. Nil is every method.
    mutating func add(_ endpoint: RouteEndpoint, for method: HTTPRequest.Method?) {
        guard let method else {
            any = endpoint
            return
        }
        endpoints.removeAll { $0.method == method }
        endpoints.append((method, endpoint))
    }

    /// The endpoint for a method; HEAD is served from GET where it has none itself (RFC 9110 9.3.2).
    func endpoint(for method: HTTPRequest.Method) -> RouteEndpoint? {
        for entry in endpoints where entry.method == method { return entry.endpoint }
        if method == .head {
            for entry in endpoints where entry.method == .get { return entry.endpoint }
        }
        return any
    }

    /// The methods that an `Allow` field lists.
    var allowed: [String] {
        var methods = endpoints.map(\.method.rawValue)
        if methods.contains("GET"), !methods.contains("HEAD") { methods.append("HEAD") }
        return methods
    }
}
