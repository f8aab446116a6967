import HTTPTypes
import Logging
import ParleyTransport

/// A path prefix with its middleware and its routes; scopes form a tree whose root is the application.
///
/// It collects what is registered before the server starts. A ``RouteTable`` is compiled of it then, so that the
/// order in which middleware and routes were registered does not matter.
public final class RouteScope: Sendable {
    struct Route {
        var method: HTTPRequest.Method?
        var pattern: String
        var handler: RouteHandler
    }

    private struct Contents {
        var middleware: [any Middleware] = []
        var routes: [Route] = []
        var scopes: [RouteScope] = []
    }

    let prefix: String
    let hooks: ShutdownHooks
    private let contents = Lock(Contents())

    init(prefix: String, hooks: ShutdownHooks) {
        self.prefix = prefix
        self.hooks = hooks
    }

    func use(_ middleware: [any Middleware]) {
        contents.withLock { $0.middleware += middleware }
    }

    func add(_ method: HTTPRequest.Method?, _ pattern: String, _ handler: RouteHandler) {
        let route = Route(method: method, pattern: RoutePattern.join(prefix, pattern), handler: handler)
        contents.withLock { $0.routes.append(route) }
    }

    func child(_ path: String) -> RouteScope {
        let scope = RouteScope(prefix: RoutePattern.join(prefix, path), hooks: hooks)
        contents.withLock { $0.scopes.append(scope) }
        return scope
    }

    var middleware: [any Middleware] { contents.withLock { $0.middleware } }

    /// Adds this scope's routes, and those of the scopes below, to a table.
    func compile(into table: inout RouteTable, logger: Logger, outer: [any Middleware] = []) {
        let contents = contents.withLock { $0 }
        let middleware = outer + contents.middleware
        for route in contents.routes {
            let pattern = RoutePattern(route.pattern)
            let endpoint = RouteEndpoint(
                handler: route.handler, middleware: middleware, logger: logger, pattern: pattern.text,
                parameterNames: pattern.parameterNames)
            table.add(pattern, method: route.method, endpoint: endpoint)
        }
        for scope in contents.scopes { scope.compile(into: &table, logger: logger, outer: middleware) }
    }
}

/// What is done before the server stops, in the order of registration.
final class ShutdownHooks: Sendable {
    private let hooks = Lock<[@Sendable () async -> Void]>([])
    private let drains = Lock<[@Sendable (Duration) async -> Void]>([])

    func add(_ hook: @escaping @Sendable () async -> Void) {
        hooks.withLock { $0.append(hook) }
    }

    /// Takes the hooks, so that they run once.
    func take() -> [@Sendable () async -> Void] {
        hooks.withLock { hooks in
            defer { hooks = [] }
            return hooks
        }
    }

    func add(drain hook: @escaping @Sendable (Duration) async -> Void) {
        drains.withLock { $0.append(hook) }
    }

    /// Runs the hooks that take their time, all at once; each once.
    func drain(over spread: Duration) async {
        let taken = drains.withLock { drains in
            defer { drains = [] }
            return drains
        }
        guard spread > .zero else { return }
        await withTaskGroup { group in
            for hook in taken { group.addTask { await hook(spread) } }
        }
    }
}
