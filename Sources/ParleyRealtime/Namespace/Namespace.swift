import Logging
public import ParleyHTTP
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

    /// The name, with its leading slash. A parent of dynamic namespaces has its pattern.
    public let name: String
    /// What the pattern of a dynamic namespace captured from the name: `id` of `/rooms/:id`.
    public let parameters: PathParameters
    let logger: Logger
    let adapter: any Adapter
    /// True when what is broadcast may go to Engine.IO 3 clients.
    let allowsEngineIO3: Bool
    @usableFromInline let parser: PacketParser
    let maxConcurrentHandlers: Int
    /// True while there are handlers of outgoing events.
    let hasOutgoing = Atomic<Bool>(false)
    /// The children, where this is the parent of dynamic namespaces.
    let family: NamespaceFamily?
    /// Where this is a child: the family that it is in.
    let origin: NamespaceFamily?
    /// Connection state recovery, where it is on. A parent has no sockets of its own, and none.
    let recovery: SessionRecovery?
    let counters: DeliveryCounters
    let identity: IdentityOptions
    let slowClientPolicy: Lock<SlowClientPolicy>
    /// Whether the policy differs from the default, which costs nothing.
    let hasSlowClientPolicy: Atomic<Bool>
    /// True when what is broadcast may have to be compressed.
    let compressesWebSockets: Bool
    private let state: Lock<State>

    struct State {
        var handlers = HandlerTable.empty
        var life = LifeHandlers.empty
        var middleware: [Middleware] = []
        var errorHandlers: [@Sendable (Socket, EventError) -> Void] = []
        var outgoing: [OutgoingHandler] = []
        var rooms = RoomListeners()
        var serverSide: [String: [ServerSideHandler]] = [:]
        var floodHandlers: [@Sendable (Socket, FloodReport) -> Void] = []
        var expiryHandlers: [@Sendable (ExpiredSession) -> Void] = []
        var slowClients = SlowClientPolicy.suspend
    }

    init(
        name: String, options: RealtimeOptions, logger: Logger, parameters: PathParameters = PathParameters(),
        family: NamespaceFamily? = nil, origin: NamespaceFamily? = nil, counters: DeliveryCounters,
        inherited: State? = nil
    ) {
        self.name = name
        self.parameters = parameters
        self.logger = logger
        self.family = family
        self.origin = origin
        let state = inherited ?? State(slowClients: options.slowClients)
        self.state = Lock(state)
        maxConcurrentHandlers = options.maxConcurrentHandlers
        allowsEngineIO3 = options.engine.allowsEngineIO3
        parser = options.parser
        self.counters = counters
        identity = options.identity
        recovery = (family == nil ? options.recovery : nil).map {
            SessionRecovery(options: $0, engine: options.engine, counters: counters)
        }
        slowClientPolicy = Lock(state.slowClients)
        hasSlowClientPolicy = Atomic(state.slowClients != .suspend)
        compressesWebSockets = options.engine.webSocketCompression != nil
        // A parent has no sockets of its own.
        adapter = family == nil ? options.adapter(name) : InMemoryAdapter()
        adapter.attach(to: self)
        recovery?.attach(to: self)
        refresh(state)
    }

    /// The packet for many connections, some of which may compress it, or want its attachments as Engine.IO 3 has them.
    func prepared(_ packet: EncodedPacket, _ delivery: Delivery) -> EncodedPacket {
        var prepared = packet.prepared(for: delivery)
        if delivery.isCompressible, compressesWebSockets { prepared = packet.forBroadcast() }
        if allowsEngineIO3, !packet.attachments.isEmpty { prepared.engineIO3 = EngineIO3Attachments() }
        return prepared
    }

    var handlers: HandlerTable { state.withLock { $0.handlers } }
    var lifeHandlers: LifeHandlers { state.withLock { $0.life } }
    var middleware: [Middleware] { state.withLock { $0.middleware } }
    var outgoing: [OutgoingHandler] { state.withLock { $0.outgoing } }
    var floodHandlers: [@Sendable (Socket, FloodReport) -> Void] { state.withLock { $0.floodHandlers } }
    var expiryHandlers: [@Sendable (ExpiredSession) -> Void] { state.withLock { $0.expiryHandlers } }
    var serverSide: [String: [ServerSideHandler]] { state.withLock { $0.serverSide } }

    /// Changes what is registered here, and at the children.
    func update(_ change: (inout State) -> Void) {
        guard let family else { return updateAlone(change) }
        family.update(self) { $0.updateAlone(change) }
    }

    func updateAlone(_ change: (inout State) -> Void) {
        state.withLock { state in
            let before = state.rooms.listeners.count + state.outgoing.count
            change(&state)
            slowClientPolicy.withLock { $0 = state.slowClients }
            hasSlowClientPolicy.store(state.slowClients != .suspend, ordering: .releasing)
            if before != state.rooms.listeners.count + state.outgoing.count { refresh(state) }
        }
    }

    /// What the parts outside of the state must know of it.
    private func refresh(_ state: State) {
        hasOutgoing.store(!state.outgoing.isEmpty, ordering: .relaxed)
        let listeners = state.rooms.listeners.map(\.body)
        guard family == nil else { return }
        guard !listeners.isEmpty else { return adapter.observeRooms(nil) }
        adapter.observeRooms { event in
            for body in listeners { body(event) }
        }
    }

    /// What a new child begins with.
    var inheritance: State { state.withLock { $0 } }

    /// Adds a step to the handshake. Steps run in the order of `use`; no connection handler fires for a
    /// client that one of them refused. A client that goes away meanwhile cancels the step's task.
    public func use(_ middleware: @escaping Middleware) {
        update { $0.middleware.append(middleware) }
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
                AsyncWork { await socket.reportingErrors(of: "connection") { try await handler(socket) } }
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
                AsyncWork {
                    await socket.reportingErrors(of: "disconnect") { try await handler(socket, reason) }
                }
            })
        }
    }

    private func addLife(_ change: (LifeHandlers) -> LifeHandlers) {
        update { $0.life = change($0.life) }
    }

    /// Calls the handler when an event's arguments do not fit the handler's types, and when a handler or a step throws.
    /// Without one, such errors are logged.
    public func onError(_ handler: @escaping @Sendable (Socket, EventError) -> Void) {
        update { $0.errorHandlers.append(handler) }
    }

    func report(_ error: EventError, of socket: Socket, isHandled: Bool = false) {
        let handlers = state.withLock { $0.errorHandlers }
        for handler in handlers { handler(socket, error) }
        if handlers.isEmpty, !isHandled {
            logger.warning("\(error)", metadata: ["namespace": "\(name)", "socket": "\(socket.id)"])
        }
    }

    /// Calls the handler for each event that is emitted to any of the sockets, once for each of them, with the event's name and
    /// arguments. While there is one, every event is decoded again on its way out.
    @discardableResult
    public func onAnyOutgoing(
        _ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void
    ) -> HandlerToken {
        let outgoing = OutgoingHandler(token: HandlerNumbers.make(), body: handler)
        update { $0.outgoing.append(outgoing) }
        return outgoing.token
    }

    /// The sockets connected to this server, in no order. Costs O(n) after somebody came or went.
    public var sockets: [Socket] { audience.sockets }

    /// The socket of this id, when it is connected to this server. O(1), or O(n) where others joined its own room.
    public func socket(_ id: String) -> Socket? { to(id).sockets.first { $0.id == id } }

    /// The ids of this server's sockets, by room; sockets' own rooms are left out. O(rooms and members).
    public var rooms: [String: [String]] {
        guard let children else { return adapter.rooms() }
        return children.reduce(into: [:]) { $0.merge($1.adapter.rooms(), uniquingKeysWith: +) }
    }
}

extension Namespace: EventRegistration {
    /// Registers a handler for all sockets of the namespace.
    public func register(_ event: String, _ registration: HandlerRegistration) -> HandlerToken {
        let handler = EventHandler(registration)
        update { $0.handlers = $0.handlers.adding(handler, to: event) }
        return handler.token
    }

    /// Registers a handler of every event of all sockets.
    public func registerCatchAll(
        isForUnmatched: Bool, first: Bool,
        _ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void
    ) -> HandlerToken {
        let catchAll = CatchAllHandler(isForUnmatched: isForUnmatched, handler)
        update { $0.handlers = $0.handlers.adding(catchAll, first: first) }
        return catchAll.token
    }

    /// Registers handlers that are called once, for the next event of any of the sockets; those of a parent of dynamic
    /// namespaces, once in each of its children.
    public var once: OnceRegistration { OnceRegistration(target: self) }

    /// Removes a handler of any kind.
    public func off(_ token: HandlerToken) {
        update { state in
            if let handlers = state.handlers.removing(token) { return state.handlers = handlers }
            state.outgoing.removeAll { $0.token == token }
            state.rooms.listeners.removeAll { $0.token == token }
            for name in state.serverSide.keys { state.serverSide[name]?.removeAll { $0.token == token } }
        }
    }

    /// Removes a handler of an event of this namespace alone; false when it is not there (any more).
    func remove(_ token: HandlerToken) -> Bool {
        state.withLock { state in
            guard let handlers = state.handlers.removing(token) else { return false }
            state.handlers = handlers
            return true
        }
    }

    /// Removes all handlers of an event.
    public func off(_ event: String) {
        update { $0.handlers = $0.handlers.removingAll(of: event) }
    }
}
