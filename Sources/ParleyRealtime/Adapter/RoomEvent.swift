import ParleyTransport

/// A change of a namespace's rooms on this server. The sockets' own rooms are none of them.
public enum RoomEvent: Sendable, Equatable {
    /// The first socket is about to join.
    case created(room: String)
    /// The last socket left.
    case deleted(room: String)
    /// A socket joined.
    case joined(room: String, socketID: String)
    /// A socket left.
    case left(room: String, socketID: String)
}

/// Hears of changes of rooms.
public typealias RoomObserver = @Sendable (RoomEvent) -> Void

/// Who listens to the rooms of a namespace.
struct RoomListeners {
    var listeners: [(token: HandlerToken, body: RoomObserver)] = []
}

extension Namespace {
    /// Calls the handler for each change of this server's rooms, in the order of the changes; never two calls at a time. It
    /// runs on the thread of whoever changed a room: be quick. `off` removes it. Rooms cost nothing more while there is no
    /// handler.
    ///
    /// Handlers that are registered at a parent hear of the rooms of all its children, each child in its order.
    @discardableResult
    public func onRoomEvent(_ handler: @escaping RoomObserver) -> HandlerToken {
        let token = HandlerNumbers.make()
        update { $0.rooms.listeners.append((token, handler)) }
        return token
    }

    /// The changes of this server's rooms from here on. Iterate once; what iterates too slowly misses the oldest changes
    /// beyond `limit`.
    public func roomEvents(limit: Int = 10_000) -> AsyncStream<RoomEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: RoomEvent.self, bufferingPolicy: .bufferingNewest(max(limit, 1)))
        let token = onRoomEvent { continuation.yield($0) }
        continuation.onTermination = { [weak self] _ in self?.off(token) }
        return stream
    }
}
