public import HTTPTypes

/// Where routes, groups and middleware are registered: the application, or a group of routes.
///
/// Register before the server starts: what comes later is not seen.
///
/// ```swift
/// app.get("/health") { _ in "ok" }
/// app.get("/users/:id") { request in try await users.find(request.parameters.require("id", as: Int.self)) }
/// app.group("/admin").use(BasicAuth(users: ["admin": password])).get("/stats") { _ in statistics }
/// ```
///
/// Patterns consist of literal segments, `:name` and `*` (one segment), and `**` (the rest, at the end). At each
/// segment a literal goes before a parameter, a parameter before `*`, and `*` before `**`. A trailing slash counts.
public protocol RouteBuilder: Sendable {
    /// The scope that registrations go to.
    var scope: RouteScope { get }
}

extension RouteBuilder {
    /// Puts middleware in front of every route of this builder, and of the groups in it: first used, outermost.
    /// An application's middleware also sees requests that no route answers.
    @discardableResult
    public func use(_ middleware: any Middleware...) -> Self {
        scope.use(middleware)
        return self
    }

    /// Puts a closure in front of every route of this builder.
    @discardableResult
    public func use(_ middleware: @escaping ClosureMiddleware.Body) -> Self {
        scope.use([ClosureMiddleware(middleware)])
        return self
    }

    /// A group of routes below a path, with middleware of its own. Every call makes a new group.
    public func group(_ path: String = "") -> RouteGroup {
        RouteGroup(scope: scope.child(path))
    }

    /// Adds something that is done when the server shuts down, before connections are drained.
    public func onShutdown(_ hook: @escaping @Sendable () async -> Void) {
        scope.hooks.add(hook)
    }
}

extension RouteBuilder {
    /// Adds something that takes leave of its clients over ``ServerConfiguration/shutdownSpread`` when the server shuts
    /// down: it is given that time, unless it is zero. New connections are refused by then, and requests on those that
    /// there are are answered as always, until all such hooks have returned.
    public func onDrain(_ hook: @escaping @Sendable (_ spread: Duration) async -> Void) {
        scope.hooks.add(drain: hook)
    }
}

// MARK: - Verbs

extension RouteBuilder {
    /// Registers a handler for GET, and for HEAD where it has no handler of its own.
    public var get: RouteRegistrar { RouteRegistrar(scope: scope, method: .get) }
    /// Registers a handler for POST.
    public var post: RouteRegistrar { RouteRegistrar(scope: scope, method: .post) }
    /// Registers a handler for PUT.
    public var put: RouteRegistrar { RouteRegistrar(scope: scope, method: .put) }
    /// Registers a handler for PATCH.
    public var patch: RouteRegistrar { RouteRegistrar(scope: scope, method: .patch) }
    /// Registers a handler for DELETE.
    public var delete: RouteRegistrar { RouteRegistrar(scope: scope, method: .delete) }
    /// Registers a handler for HEAD.
    public var head: RouteRegistrar { RouteRegistrar(scope: scope, method: .head) }
    /// Registers a handler for OPTIONS.
    public var options: RouteRegistrar { RouteRegistrar(scope: scope, method: .options) }
    /// Registers a handler for every method that has none of its own at the same path.
    public var route: RouteRegistrar { RouteRegistrar(scope: scope, method: nil) }

    /// Registers handlers, also synchronous ones and such whose values are answered as JSON, for a method that has no
    /// property here: `app.on(purge)("/cache") { _ in ... }`.
    public func on(_ method: HTTPRequest.Method) -> RouteRegistrar {
        RouteRegistrar(scope: scope, method: method)
    }

    /// Registers a handler for a method.
    public func on<Value: ResponseConvertible>(
        _ method: HTTPRequest.Method, _ path: String,
        _ handler: @escaping @Sendable (Request) async throws -> Value
    ) {
        on(method)(path, handler)
    }
}

/// Routes below a path that share middleware.
public struct RouteGroup: RouteBuilder {
    /// The scope that registrations go to.
    public let scope: RouteScope
}
