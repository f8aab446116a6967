import ParleyTransport

/// The adapter of a single server: rooms in memory.
public final class InMemoryAdapter: Adapter {
    private let registry = Lock(RoomRegistry())

    /// An adapter for one namespace.
    public init() {}

    /// A socket joins the namespace.
    public func add(_ socket: Socket) { change { $0.add(socket) } }

    /// A socket leaves the namespace and all its rooms.
    public func remove(_ socket: Socket) { change { $0.remove(socket) } }

    /// A socket joins rooms: O(1) each.
    public func join(_ socket: Socket, _ rooms: [String]) { change { $0.join(socket, rooms) } }

    /// A socket leaves rooms: O(1) each.
    public func leave(_ socket: Socket, _ rooms: [String]) { change { $0.leave(socket, rooms) } }

    /// The rooms of a socket: O(its rooms).
    public func rooms(of socket: Socket) -> Set<String> { registry.withLock { $0.rooms(of: socket) } }

    /// The ids of the sockets in each room: O(rooms and members).
    public func rooms() -> [String: [String]] { registry.withLock { $0.allRooms() } }

    /// The sockets in the target: O(1) for everybody or one room that did not change, else O(members).
    public func sockets(in target: BroadcastTarget) -> [Socket] {
        registry.withLock { $0.sockets(in: target) }
    }

    /// Delivers to the target's sockets: outside the lock, in no order.
    public func broadcast(_ message: BroadcastMessage, to target: BroadcastTarget) {
        let (sockets, isExact) = registry.withLock { $0.candidates(target) }
        guard isExact else {
            for socket in self.sockets(in: target) { message.deliver(to: socket) }
            return
        }
        guard let sender = target.sender else {
            for socket in sockets { message.deliver(to: socket) }
            return
        }
        for socket in sockets where socket.id != sender { message.deliver(to: socket) }
    }

    // MARK: Room events

    /// Tells the observer of changes, in their order, outside the lock.
    public func observeRooms(_ observer: RoomObserver?) { registry.withLock { $0.observer = observer } }

    private func change(_ body: (inout RoomRegistry) -> Void) {
        let hasEvents = registry.withLock { registry in
            body(&registry)
            return registry.beginReport()
        }
        if hasEvents { report() }
    }

    /// One thread at a time tells what happened, until nothing is left: so the order is that of the changes.
    private func report() {
        while let (events, observer) = registry.withLock({ $0.nextReport() }) {
            for event in events { observer(event) }
        }
    }
}
