import ParleyHTTP
import ParleyTransport

extension Realtime {
    /// Makes namespaces on demand: a client that asks for a name that the pattern matches, and that no namespace has, joins
    /// a new one.
    ///
    /// ```swift
    /// realtime.namespace(matching: "/rooms/:id") { rooms in
    ///     rooms.onConnection { socket in
    ///         let room = try socket.namespace.parameters.require("id", as: Int.self)
    ///     }
    /// }
    /// ```
    ///
    /// The children share the middleware and the handlers of the parent that is returned, those that are registered later too.
    /// A broadcast from the parent reaches the sockets of all children. Namespaces that were made by name go first, then
    /// parents in the order in which they were made. A child comes into being when its first client was let in.
    ///
    /// - Parameters:
    ///   - pattern: `:name` and `*` stand for one segment, `**` at the end for one or more. What they stand for is in
    ///     ``Namespace/parameters`` and, for middleware, in ``Handshake/parameters``.
    ///   - removesEmpty: whether a child goes with its last socket. Sockets of other servers do not count.
    ///   - limit: how many children there may be; `RealtimeOptions.maxChildNamespaces` unless said otherwise. Clients beyond
    ///     it are refused.
    ///   - configure: is called with the parent.
    @discardableResult
    public func namespace(
        matching pattern: String, removesEmpty: Bool = false, limit: Int? = nil,
        _ configure: (Namespace) -> Void = { _ in }
    ) -> Namespace {
        let pattern = NamespacePattern(pattern)
        return parent(pattern.text, .pattern(pattern), removesEmpty, limit, configure)
    }

    /// Makes namespaces on demand, of the names that the regular expression matches as a whole, leading slash included. Its
    /// named captures are the parameters.
    @discardableResult
    public func namespace<Output>(
        matching regex: sending Regex<Output>, removesEmpty: Bool = false, limit: Int? = nil,
        _ configure: (Namespace) -> Void = { _ in }
    ) -> Namespace {
        let regex = NamespaceRegex(Regex<AnyRegexOutput>(regex))
        return parent("/<regular expression>", .regex(regex), removesEmpty, limit, configure)
    }

    /// Makes namespaces on demand, of the names that the predicate allows. It is asked for each client, before the middleware;
    /// a throw refuses the client, as one of middleware does.
    @discardableResult
    public func namespace(
        where isAllowed: @escaping @Sendable (String, Handshake) async throws -> Bool,
        removesEmpty: Bool = false, limit: Int? = nil, _ configure: (Namespace) -> Void = { _ in }
    ) -> Namespace {
        parent("/<predicate>", .predicate(isAllowed), removesEmpty, limit, configure)
    }

    private func parent(
        _ name: String, _ rule: NamespaceRule, _ removesEmpty: Bool, _ limit: Int?,
        _ configure: (Namespace) -> Void
    ) -> Namespace {
        let parent = core.makeParent(name, rule, removesEmpty: removesEmpty, limit: limit)
        configure(parent)
        core.add(parent)
        return parent
    }

    /// The namespaces that there are, those made on demand included, in no order.
    public var namespaces: [Namespace] { core.all }

    /// Calls the handler for each namespace that is made from here on, also on demand. A client may be in it before the
    /// handler has run: register event handlers at the parent.
    public func onNewNamespace(_ handler: @escaping @Sendable (Namespace) -> Void) {
        core.onNewNamespace(handler)
    }
}
