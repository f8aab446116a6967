public import HTTPTypes
public import ParleyHTTP

extension Realtime {
    /// Calls the hook for the response that begins a session, to add header fields to it: a cookie of the
    /// application's own, for example. Hooks of ``onHeaders(_:)`` run behind it.
    public func onInitialHeaders(_ hook: @escaping @Sendable (inout HTTPFields, Request) -> Void) {
        engine.hooks.add(initialHeaders: hook)
    }

    /// Calls the hook for every response that a session gets: polls, posts, and the answers that open a WebSocket.
    /// Refusals are not among them.
    public func onHeaders(_ hook: @escaping @Sendable (inout HTTPFields, Request) -> Void) {
        engine.hooks.add(headers: hook)
    }

    /// Calls the handler for each request that is refused with one of Engine.IO's codes: which client came with what,
    /// and why it was not let in. It runs before the answer leaves; it must not block.
    public func onConnectionError(_ handler: @escaping @Sendable (EngineConnectionError) -> Void) {
        engine.hooks.add(connectionError: handler)
    }
}
