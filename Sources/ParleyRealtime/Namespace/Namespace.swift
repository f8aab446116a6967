import Logging
import ParleyTransport
public import ParleyWire
import Synchronization

/// A channel of its own on the clients' connections: it has its middleware, handlers, sockets and rooms.
///
/// Register handlers here rather than on each socket: no first event is missed, and a socket costs little
/// memory.
public final class Namespace: Sendable {
    /// A step of the handshake: it may refuse the client by a throw, which becomes CONNECT_ERROR.
    public typealias Middleware = @Sendable (Handshake) async throws -> Void

    /// The name, with its leading slash.
    public let name: String
    let logger: Logger
    private let state = Lock(State())
    let adapter: any Adapter
    /// Connection state recovery, where it is on.
    let recovery: SessionRecovery?
    let counters: DeliveryCounters
    let identity: IdentityOptions
    let slowClientPolicy: Lock<SlowClientPolicy>
    /// Whether the policy differs from the default, which costs nothing.
    let hasSlowClientPolicy: Atomic<Bool>
    let floodHandlers = Lock<[@Sendable (Socket, FloodReport) -> Void]>([])
    /// True when what is broadcast may have to be compressed.
    let compressesWebSockets: Bool

    private struct State {
        var handlers = HandlerTable.empty
        var life = LifeHandlers.empty
        var middleware: [Middleware] = []
        var errorHandlers: [@Sendable (Socket, EventError) -> Void] = []
    }

    init(name: String, options: RealtimeOptions, logger: Logger, counters: DeliveryCounters) {
        self.name = name
        self.logger = logger
        self.counters = counters
        adapter = options.adapter(name)
        identity = options.identity
        recovery = options.recovery.map {
            SessionRecovery(options: $0, engine: options.engine, counters: counters)
        }
        slowClientPolicy = Lock(options.slowClients)
        hasSlowClientPolicy = Atomic(options.slowClients != .suspend)
        compressesWebSockets = options.engine.webSocketCompression != nil
    }

    /// A packet for many, which is compressed once where anybody wants it compressed.
    func prepared(_ packet: EncodedPacket) -> EncodedPacket {
        compressesWebSockets ? packet.forBroadcast() : packet
    }

    var handlers: HandlerTable { state.withLock { $0.handlers } }
    var lifeHandlers: LifeHandlers { state.withLock { $0.life } }
    var middleware: [Middleware] { state.withLock { $0.middleware } }

    /// Adds a step to the handshake. Steps run in the order of `use`; no connection handler fires for a
    /// client that one of them refused. A client that goes away meanwhile cancels the step's task.
    public func use(_ middleware: @escaping Middleware) {
        state.withLock { $0.middleware.append(middleware) }
    }

    /// Calls the handler for each socket, after its CONNECT was sent and before its first event.
    public func onConnection(_ handler: @escaping @Sendable (Socket) throws -> Void) {
        addLife {
            $0.adding(connection: { socket in
                socket.reportingErrors(of: "connection") { try handler(socket) }
                return nil
            })
        }
    }

    /// Calls the asynchronous handler for each socket; the socket's first event waits for it.
    public func onConnection(_ handler: @escaping @Sendable (Socket) async throws -> Void) {
        addLife {
            $0.adding(connection: { socket in
                { await socket.reportingErrors(of: "connection") { try await handler(socket) } }
            })
        }
    }

    /// Calls the handler when a socket's connection has ended; `socket.rooms` still has the rooms that it was
    /// in.
    public func onDisconnecting(_ handler: @escaping @Sendable (Socket, DisconnectReason) -> Void) {
        addLife {
            $0.adding(disconnecting: { socket, reason in
                handler(socket, reason)
                return nil
            })
        }
    }

    /// Calls the handler when a socket is gone, behind the handlers of its last events.
    public func onDisconnect(_ handler: @escaping @Sendable (Socket, DisconnectReason) throws -> Void) {
        addLife {
            $0.adding(disconnect: { socket, reason in
                socket.reportingErrors(of: "disconnect") { try handler(socket, reason) }
                return nil
            })
        }
    }

    /// Calls the asynchronous handler when a socket is gone, behind the handlers of its last events.
    public func onDisconnect(_ handler: @escaping @Sendable (Socket, DisconnectReason) async throws -> Void) {
        addLife {
            $0.adding(disconnect: { socket, reason in
                { await socket.reportingErrors(of: "disconnect") { try await handler(socket, reason) } }
            })
        }
    }

    private func addLife(_ change: (LifeHandlers) -> LifeHandlers) {
        state.withLock { $0.life = change($0.life) }
    }

    /// Calls the handler for each event of each socket, with its name and arguments.
    @discardableResult
    public func onAny(_ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void) -> HandlerToken {
        addCatchAll(isForUnmatched: false, handler)
    }

    /// Calls the handler for each event that no other handler is registered for.
    @discardableResult
    public func onUnmatched(
        _ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void
    ) -> HandlerToken {
        addCatchAll(isForUnmatched: true, handler)
    }

    private func addCatchAll(
        isForUnmatched: Bool, _ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void
    ) -> HandlerToken {
        let catchAll = CatchAllHandler(token: HandlerNumbers.make(), isForUnmatched: isForUnmatched) {
            handler($0, $1, $2)
            return nil
        }
        state.withLock { $0.handlers = $0.handlers.adding(catchAll) }
        return catchAll.token
    }

    /// Calls the handler when an event's arguments do not fit the handler's types, and when a handler throws.
    /// Without one, such errors are logged.
    public func onError(_ handler: @escaping @Sendable (Socket, EventError) -> Void) {
        state.withLock { $0.errorHandlers.append(handler) }
    }

    func report(_ error: EventError, of socket: Socket) {
        let handlers = state.withLock { $0.errorHandlers }
        for handler in handlers { handler(socket, error) }
        if handlers.isEmpty {
            logger.warning("\(error)", metadata: ["namespace": "\(name)", "socket": "\(socket.id)"])
        }
    }

    /// The sockets connected to this server, in no order. Costs O(n) after somebody came or went.
    public var sockets: [Socket] { adapter.sockets(in: BroadcastTarget()) }
}

extension Namespace: EventRegistration {
    /// Registers a handler for all sockets of the namespace.
    public func register(_ event: String, _ registration: HandlerRegistration) -> HandlerToken {
        let handler = EventHandler(
            token: HandlerNumbers.make(), isOnce: registration.isOnce, invoke: registration.invoke)
        state.withLock { $0.handlers = $0.handlers.adding(handler, to: event) }
        return handler.token
    }

    /// Removes a handler of an event or of all events.
    public func off(_ token: HandlerToken) {
        state.withLock { $0.handlers = $0.handlers.removing(token) ?? $0.handlers }
    }

    /// Removes all handlers of an event.
    public func off(_ event: String) {
        state.withLock { $0.handlers = $0.handlers.removingAll(of: event) }
    }
}

extension Socket {
    func report(_ error: EventError) { namespace.report(error, of: self) }

    func reportingErrors(of event: String, _ body: () throws -> Void) {
        do {
            try body()
        } catch {
            report(EventError(event: event, stage: .handler, underlying: error))
        }
    }

    func reportingErrors(of event: String, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch {
            report(EventError(event: event, stage: .handler, underlying: error))
        }
    }
}
