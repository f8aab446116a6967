/// Something from which broadcasts start: a ``Namespace`` reaches all its sockets, a ``Socket`` all but
/// itself.
public protocol Broadcasting {
    /// Everybody that a broadcast from here may reach.
    var audience: BroadcastOperator { get }
}

extension Broadcasting {
    /// The members of rooms; each socket once. A socket's id is its own room.
    public func to(_ rooms: String...) -> BroadcastOperator { audience.adding(rooms) }

    /// The members of rooms.
    public func to(_ rooms: [String]) -> BroadcastOperator { audience.adding(rooms) }

    /// The same as `to`.
    public func `in`(_ rooms: String...) -> BroadcastOperator { audience.adding(rooms) }

    /// Everybody but the members of rooms.
    public func except(_ rooms: String...) -> BroadcastOperator { audience.excluding(rooms) }

    /// Everybody but the members of rooms.
    public func except(_ rooms: [String]) -> BroadcastOperator { audience.excluding(rooms) }

    /// This server's sockets only.
    public var local: BroadcastOperator { audience.local }
}

extension Namespace: Broadcasting {
    /// Everybody in the namespace.
    public var audience: BroadcastOperator { BroadcastOperator(namespace: self) }

    /// Only those that can take an event at once.
    public var volatile: BroadcastOperator { audience.volatile }

    /// Sends an event to everybody in the namespace.
    @discardableResult
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) -> EmitResult {
        audience.emit(event, repeat each arguments)
    }

    /// Sends a `message` event to everybody in the namespace.
    @discardableResult
    public func send<each Argument: Encodable>(_ arguments: repeat each Argument) -> EmitResult {
        audience.emit("message", repeat each arguments)
    }

    /// The ids of this server's sockets, by room.
    public var rooms: [String: [String]] { adapter.rooms() }
}

extension Socket: Broadcasting {
    /// Everybody in the namespace but this socket.
    public var audience: BroadcastOperator {
        var everybody = BroadcastOperator(namespace: namespace)
        everybody.target.sender = id
        return everybody
    }

    /// Everybody in the namespace but this socket.
    public var broadcast: BroadcastOperator { audience }
}
