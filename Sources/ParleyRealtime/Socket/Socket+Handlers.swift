import ParleyTransport
public import ParleyWire
import Synchronization

extension Socket: EventRegistration {
    /// Registers a handler on this socket alone. Handlers of the namespace cost nothing per socket: prefer them.
    public func register(_ event: String, _ registration: HandlerRegistration) -> HandlerToken {
        let handler = EventHandler(registration)
        changeHandlers { $0.adding(handler, to: event) }
        return handler.token
    }

    /// Registers a handler of every event of this socket.
    public func registerCatchAll(
        isForUnmatched: Bool, first: Bool,
        _ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void
    ) -> HandlerToken {
        let catchAll = CatchAllHandler(isForUnmatched: isForUnmatched, handler)
        changeHandlers { $0.adding(catchAll, first: first) }
        return catchAll.token
    }

    func changeHandlers(_ change: (HandlerTable) -> HandlerTable) {
        life.withLock { $0.handlers = change($0.handlers ?? .empty) }
        hasOwnHandlers.store(true, ordering: .releasing)
    }

    /// Removes a handler of this socket; false when it is not there (any more).
    func remove(_ token: HandlerToken) -> Bool {
        life.withLock { life in
            guard let table = life.handlers?.removing(token) else { return false }
            life.handlers = table
            return true
        }
    }

    /// Lets go of the handlers, as everything is over: they often hold the socket, which nothing would ever free then.
    func dropOwnHandlers() {
        // Not within the lock: what the handlers hold may end with them.
        _ = life.withLock { life in
            defer {
                life.handlers = nil
                life.outgoing = []
                life.errorHandlers = []
            }
            return (life.handlers, life.outgoing, life.errorHandlers)
        }
    }

    /// Removes a handler that is to be called once, and this is the time.
    func takeOnce(_ token: HandlerToken) -> Bool { remove(token) || namespace.remove(token) }

    /// Removes a handler of any kind.
    public func off(_ token: HandlerToken) {
        guard !remove(token) else { return }
        life.withLock { $0.outgoing.removeAll { $0.token == token } }
    }

    /// Calls the handler for each event that is emitted to this socket, broadcasts included, with its name and arguments.
    @discardableResult
    public func onAnyOutgoing(_ handler: @escaping @Sendable (String, [JSONValue]) -> Void) -> HandlerToken {
        addOutgoing(handler, first: false)
    }

    /// Like `onAnyOutgoing`, before the other such handlers.
    @discardableResult
    public func prependAnyOutgoing(
        _ handler: @escaping @Sendable (String, [JSONValue]) -> Void
    ) -> HandlerToken {
        addOutgoing(handler, first: true)
    }

    private func addOutgoing(
        _ handler: @escaping @Sendable (String, [JSONValue]) -> Void, first: Bool
    ) -> HandlerToken {
        let outgoing = OutgoingHandler(token: HandlerNumbers.make()) { handler($1, $2) }
        life.withLock { $0.outgoing.insert(outgoing, at: first ? 0 : $0.outgoing.count) }
        hasOutgoingHandlers.store(true, ordering: .relaxed)
        return outgoing.token
    }

    /// Registers handlers that are called for the next event only: `socket.once.on("ready") { ... }`.
    public var once: OnceRegistration { OnceRegistration(target: self) }

    /// Removes all of this socket's handlers of an event; those of the namespace stay.
    public func off(_ event: String) {
        life.withLock { $0.handlers = $0.handlers?.removingAll(of: event) }
    }

    /// Calls the handler when an event of this socket goes wrong: arguments that do not fit, a handler or a step that throws.
    /// The namespace's error handlers are called too.
    public func onError(_ handler: @escaping @Sendable (EventError) -> Void) {
        life.withLock { $0.errorHandlers.append(handler) }
    }

    func report(_ error: EventError) {
        let own = life.withLock { $0.errorHandlers }
        for handler in own { handler(error) }
        namespace.report(error, of: self, isHandled: !own.isEmpty)
    }

    @usableFromInline
    func report(_ error: any Error, thrownBy event: String) {
        report(EventError(event: event, stage: .handler, underlying: error))
    }

    func reportingErrors(of event: String, _ body: () throws -> Void) {
        do {
            try body()
        } catch {
            report(error, thrownBy: event)
        }
    }

    /// Stays on its caller's executor, as handlers' work does: every hop asks the task for its preference, under a lock.
    nonisolated(nonsending) func reportingErrors(
        of event: String, _ body: nonisolated(nonsending) () async throws -> Void
    ) async {
        do {
            try await body()
        } catch {
            report(error, thrownBy: event)
        }
    }

    /// Runs a handler beside the socket's others. False when so many run already that the next event should wait for this
    /// one.
    func startConcurrently(_ work: AsyncWork) -> Bool {
        let limit = namespace.maxConcurrentHandlers
        let isAdmitted = life.withLock { life in
            guard life.concurrentHandlers < limit else { return false }
            life.concurrentHandlers += 1
            return true
        }
        guard isAdmitted else { return false }
        (EventLoop.current ?? client.session.loop).start { [self] in
            await work.run()
            for waiter in life.withLock({ $0.endConcurrentHandler() }) { waiter() }
        }
        return true
    }

    /// Calls back when everything that came before was handled, by concurrent handlers too.
    func whenAllHandled(_ body: @escaping @Sendable () -> Void) {
        whenIdle { [self] in
            let isIdle = life.withLock { life in
                guard life.concurrentHandlers > 0 else { return true }
                life.concurrencyWaiters.append(body)
                return false
            }
            if isIdle { body() }
        }
    }
}

extension Socket.Life {
    /// Returns those who waited for the last of the handlers.
    fileprivate mutating func endConcurrentHandler() -> [@Sendable () -> Void] {
        concurrentHandlers -= 1
        guard concurrentHandlers == 0, !concurrencyWaiters.isEmpty else { return [] }
        defer { concurrencyWaiters = [] }
        return concurrencyWaiters
    }
}

extension CatchAllHandler {
    init(isForUnmatched: Bool, _ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void) {
        self.init(token: HandlerNumbers.make(), isForUnmatched: isForUnmatched) {
            handler($0, $1, $2)
            return nil
        }
    }
}

/// Registers handlers that are removed before their first call.
public struct OnceRegistration: EventRegistration {
    let target: any EventRegistration

    /// Registers a handler for the next event of this name.
    public func register(_ event: String, _ registration: HandlerRegistration) -> HandlerToken {
        var once = registration
        once.isOnce = true
        return target.register(event, once)
    }

    /// Registers a handler of every event; it stays.
    public func registerCatchAll(
        isForUnmatched: Bool, first: Bool,
        _ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void
    ) -> HandlerToken {
        target.registerCatchAll(isForUnmatched: isForUnmatched, first: first, handler)
    }

    /// Removes a handler.
    public func off(_ token: HandlerToken) { target.off(token) }

    /// Removes all handlers of an event.
    public func off(_ event: String) { target.off(event) }
}

/// A handler of everything that is emitted to a socket.
struct OutgoingHandler: Sendable {
    let token: HandlerToken
    let body: @Sendable (Socket, String, [JSONValue]) -> Void
}
