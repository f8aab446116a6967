public import ParleyWire
import Synchronization

extension Socket: EventRegistration {
    /// Registers a handler on this socket alone. Handlers of the namespace cost nothing per socket: prefer them.
    public func register(_ event: String, _ registration: HandlerRegistration) -> HandlerToken {
        let handler = EventHandler(
            token: HandlerNumbers.make(), isOnce: registration.isOnce, invoke: registration.invoke)
        life.withLock { $0.handlers = ($0.handlers ?? .empty).adding(handler, to: event) }
        hasOwnHandlers.store(true, ordering: .releasing)
        return handler.token
    }

    /// Removes a handler of this socket; false when it is not there (any more).
    func remove(_ token: HandlerToken) -> Bool {
        life.withLock { life in
            guard let table = life.handlers?.removing(token) else { return false }
            life.handlers = table
            return true
        }
    }

    /// Removes a handler of any kind.
    public func off(_ token: HandlerToken) {
        guard !remove(token) else { return }
        life.withLock { $0.outgoing.removeAll { $0.token == token } }
    }

    /// Calls the handler for each event that is emitted to this socket, broadcasts included, with its name and arguments.
    @discardableResult
    public func onAnyOutgoing(_ handler: @escaping @Sendable (String, [JSONValue]) -> Void) -> HandlerToken {
        let token = HandlerNumbers.make()
        life.withLock { $0.outgoing.append(OutgoingHandler(token: token, body: handler)) }
        hasOutgoingHandlers.store(true, ordering: .relaxed)
        return token
    }

    /// Registers handlers that are called for the next event only: `socket.once.on("ready") { ... }`.
    public var once: OnceRegistration { OnceRegistration(socket: self) }

    /// Removes all of this socket's handlers of an event; those of the namespace stay.
    public func off(_ event: String) {
        life.withLock { $0.handlers = $0.handlers?.removingAll(of: event) }
    }

    /// Calls the handler for each event, with its name and arguments.
    @discardableResult
    public func onAny(_ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void) -> HandlerToken {
        let token = HandlerNumbers.make()
        let catchAll = CatchAllHandler(token: token, isForUnmatched: false) { socket, event, arguments in
            handler(socket, event, arguments)
            return nil
        }
        life.withLock { $0.handlers = ($0.handlers ?? .empty).adding(catchAll) }
        hasOwnHandlers.store(true, ordering: .releasing)
        return token
    }
}

/// Registers handlers of a socket that are removed before their first call.
public struct OnceRegistration: EventRegistration {
    let socket: Socket

    /// Registers a handler for the next event of this name.
    public func register(_ event: String, _ registration: HandlerRegistration) -> HandlerToken {
        var once = registration
        once.isOnce = true
        return socket.register(event, once)
    }

    /// Removes a handler.
    public func off(_ token: HandlerToken) { socket.off(token) }

    /// Removes all handlers of an event.
    public func off(_ event: String) { socket.off(event) }
}

/// A handler of everything that is emitted to a socket.
struct OutgoingHandler: Sendable {
    let token: HandlerToken
    let body: @Sendable (String, [JSONValue]) -> Void
}
