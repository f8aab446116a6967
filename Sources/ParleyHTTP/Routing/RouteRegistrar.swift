import HTTPTypes

/// Registers handlers for one method, or for all: what ``RouteBuilder/get`` and its like return, to be called with a
/// path and a handler.
///
/// A synchronous handler is called on the connection's event loop and must not block. An asynchronous one runs in a
/// task that prefers the event loop as its executor.
public struct RouteRegistrar: Sendable {
    let scope: RouteScope
    let method: HTTPRequest.Method?

    /// Registers a synchronous handler.
    public func callAsFunction<Value: ResponseConvertible>(
        _ path: String, _ handler: @escaping @Sendable (Request) throws -> Value
    ) {
        scope.add(method, path, .synchronous { request in try handler(request).response(for: request) })
    }

    /// Registers an asynchronous handler.
    public func callAsFunction<Value: ResponseConvertible>(
        _ path: String,
        _ handler: @escaping @Sendable (Request) async throws -> Value
    ) {
        scope.add(
            method, path, .asynchronous { request in try await handler(request).response(for: request) })
    }

    /// Registers a handler that is called as a synchronous one, and says whether its answer takes longer: for what mostly is
    /// at hand, such as in a cache.
    ///
    /// ```swift
    /// app.get.answering("/users/:id") { request in
    ///     let id: Int = try request.parameters.require("id")
    ///     if let user = cache[id] { return .now(try .json(user)) }
    ///     return .later { try .json(await users.find(id)) }
    /// }
    /// ```
    public func answering(_ path: String, _ handler: @escaping @Sendable (Request) throws -> Answer) {
        scope.add(method, path, .answering(handler))
    }

    /// Registers a synchronous handler whose values are answered as JSON; nil is answered with 404.
    @_disfavoredOverload
    public func callAsFunction<Value: Encodable & SendableMetatype>(
        _ path: String, _ handler: @escaping @Sendable (Request) throws -> Value
    ) {
        scope.add(method, path, .synchronous { request in try Response.json(handler(request)) })
    }

    /// Registers an asynchronous handler whose values are answered as JSON; nil is answered with 404.
    @_disfavoredOverload
    public func callAsFunction<Value: Encodable & SendableMetatype>(
        _ path: String,
        _ handler: @escaping @Sendable (Request) async throws -> Value
    ) {
        scope.add(method, path, .asynchronous { request in try await Response.json(handler(request)) })
    }
}

// Without a path. Not by a default value in front of the handler: it would keep functions from being given by name.
extension RouteRegistrar {
    /// Registers a synchronous handler for the group's own path.
    public func callAsFunction<Value: ResponseConvertible>(
        _ handler: @escaping @Sendable (Request) throws -> Value
    ) {
        self("", handler)
    }

    /// Registers an asynchronous handler for the group's own path.
    public func callAsFunction<Value: ResponseConvertible>(
        _ handler: @escaping @Sendable (Request) async throws -> Value
    ) {
        self("", handler)
    }

    /// Registers a handler for the group's own path that says whether its answer takes longer.
    public func answering(_ handler: @escaping @Sendable (Request) throws -> Answer) {
        answering("", handler)
    }

    /// Registers a synchronous handler for the group's own path whose values are answered as JSON; nil is answered with 404.
    @_disfavoredOverload
    public func callAsFunction<Value: Encodable & SendableMetatype>(
        _ handler: @escaping @Sendable (Request) throws -> Value
    ) {
        self("", handler)
    }

    /// Registers an asynchronous handler for the group's own path whose values are answered as JSON; nil is answered with 404.
    @_disfavoredOverload
    public func callAsFunction<Value: Encodable & SendableMetatype>(
        _ handler: @escaping @Sendable (Request) async throws -> Value
    ) {
        self("", handler)
    }
}
