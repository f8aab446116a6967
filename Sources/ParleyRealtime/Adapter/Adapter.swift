/// Who knows which sockets are in which rooms, and carries broadcasts to them: in memory, or across servers.
/// An adapter knows rooms and targets, never the wire format. Every method may be called from any thread.
///
/// What concerns sockets of other servers has defaults that know this server only: an adapter for a cluster replaces
/// them.
public protocol Adapter: Sendable {
    // MARK: This server's sockets and rooms

    /// A socket joins the namespace.
    func add(_ socket: Socket)
    /// A socket leaves the namespace and all its rooms.
    func remove(_ socket: Socket)
    /// A socket joins rooms. Does nothing for a socket that left the namespace.
    func join(_ socket: Socket, _ rooms: [String])
    /// A socket leaves rooms; rooms that nobody is in any more are gone.
    func leave(_ socket: Socket, _ rooms: [String])
    /// The rooms of a socket, with its own; empty when it left.
    func rooms(of socket: Socket) -> Set<String>
    /// The ids of this server's sockets, by room; without the sockets' own rooms.
    func rooms() -> [String: [String]]
    /// This server's sockets that a broadcast to the target reaches, each once.
    func sockets(in target: BroadcastTarget) -> [Socket]
    /// Tells the observer of this server's rooms from here on, in the order in which they change; nil stops that.
    func observeRooms(_ observer: RoomObserver?)

    // MARK: All servers

    /// Delivers the message to every socket that the target covers; to this server's before it returns, as with connection
    /// state recovery the order of broadcasts is that of these calls. It must neither call the application's code nor
    /// wait for another server: those deliver by ``Namespace/receive(_:to:)`` what was sent to them.
    func broadcast(_ message: BroadcastMessage, to target: BroadcastTarget)
    /// Delivers the message, tells the collector whom it was delivered to, and brings it the replies.
    func broadcast(
        _ message: BroadcastMessage, to target: BroadcastTarget,
        collecting collector: AcknowledgementCollector)
    /// Describes the sockets that the target covers.
    func fetchSockets(in target: BroadcastTarget) async throws -> [RemoteSocket]
    /// The number of sockets that the target covers.
    func count(in target: BroadcastTarget) async throws -> Int
    /// Makes every socket that the target covers join rooms.
    func join(_ target: BroadcastTarget, _ rooms: [String])
    /// Makes every socket that the target covers leave rooms.
    func leave(_ target: BroadcastTarget, _ rooms: [String])
    /// Disconnects every socket that the target covers; on other servers by ``Namespace/receiveDisconnection(of:close:)``.
    func disconnect(_ target: BroadcastTarget, close: Bool)
    /// Takes an event to the namespace on every other server.
    func serverSideEmit(_ event: ServerSideEvent)
    /// Takes an event to the namespace on every other server, and brings their answers back.
    func serverSideEmit(_ event: ServerSideEvent, timeout: Duration) async throws -> ServerSideAnswers

    // MARK: Its own life

    /// The namespace that the adapter is for; called once, before anything else. Keep it weakly.
    func attach(to namespace: Namespace)
    /// The namespace is gone, as those that are made on demand may be.
    func close()
}

extension Adapter {
    /// Ignores the observer: no room events.
    public func observeRooms(_ observer: RoomObserver?) {}

    /// Delivers to this server's sockets.
    public func broadcast(
        _ message: BroadcastMessage, to target: BroadcastTarget,
        collecting collector: AcknowledgementCollector
    ) {
        message.deliver(to: sockets(in: target), collecting: collector)
    }

    /// This server's sockets.
    public func fetchSockets(in target: BroadcastTarget) async throws -> [RemoteSocket] {
        sockets(in: target).map { RemoteSocket($0) }
    }

    /// The number of this server's sockets.
    public func count(in target: BroadcastTarget) async throws -> Int { sockets(in: target).count }

    /// Makes this server's sockets join.
    public func join(_ target: BroadcastTarget, _ rooms: [String]) {
        for socket in sockets(in: target) { join(socket, rooms) }
    }

    /// Makes this server's sockets leave.
    public func leave(_ target: BroadcastTarget, _ rooms: [String]) {
        for socket in sockets(in: target) { leave(socket, rooms) }
    }

    /// Disconnects this server's sockets.
    public func disconnect(_ target: BroadcastTarget, close: Bool) {
        for socket in sockets(in: target) { socket.disconnect(close: close) }
    }

    /// There is no other server.
    public func serverSideEmit(_ event: ServerSideEvent) {}

    /// There is no other server, so there is no answer either.
    public func serverSideEmit(
        _ event: ServerSideEvent, timeout: Duration
    ) async throws -> ServerSideAnswers { ServerSideAnswers() }

    /// Needs no namespace.
    public func attach(to namespace: Namespace) {}

    /// Has nothing to close.
    public func close() {}
}

/// Whom a broadcast reaches.
public struct BroadcastTarget: Sendable, Equatable, Codable {
    /// The rooms whose members it reaches, each once; empty: everybody in the namespace. A socket's id is its own room.
    public var rooms: [String] = []
    /// The rooms (or ids) whose members it does not reach.
    public var except: [String] = []
    /// The socket that it comes from, and does not reach.
    public var sender: String?
    /// Whether it stays on this server.
    public var isLocal = false

    /// Everybody.
    public init() {}
}
