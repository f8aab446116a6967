/// A choice of sockets, made step by step; each step returns a new value.
///
/// ```swift
/// namespace.to("lobby").except("muted").emit("message", text)
/// ```
public struct BroadcastOperator: Sendable {
    let namespace: Namespace
    var target = BroadcastTarget()
    var isVolatile = false

    /// Adds rooms; a socket that is in several gets the event once. A socket's id is its own room.
    public func to(_ rooms: String...) -> BroadcastOperator { adding(rooms) }

    /// Adds rooms.
    public func to(_ rooms: [String]) -> BroadcastOperator { adding(rooms) }

    /// The same as `to`.
    public func `in`(_ rooms: String...) -> BroadcastOperator { adding(rooms) }

    /// Leaves out the members of rooms.
    public func except(_ rooms: String...) -> BroadcastOperator { excluding(rooms) }

    /// Leaves out the members of rooms.
    public func except(_ rooms: [String]) -> BroadcastOperator { excluding(rooms) }

    /// Sends only to clients that can take the event at once.
    public var volatile: BroadcastOperator {
        var copy = self
        copy.isVolatile = true
        return copy
    }

    /// Stays on this server.
    public var local: BroadcastOperator {
        var copy = self
        copy.target.isLocal = true
        return copy
    }

    func adding(_ rooms: [String]) -> BroadcastOperator {
        var copy = self
        copy.target.rooms += rooms
        return copy
    }

    func excluding(_ rooms: [String]) -> BroadcastOperator {
        var copy = self
        copy.target.except += rooms
        return copy
    }

    /// Sends an event to all of them; it is encoded once. Fails for a reserved name, and where encoding
    /// fails.
    @discardableResult
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) -> EmitResult {
        emit(event, Delivery(isVolatile: isVolatile), repeat each arguments)
    }

    func emit<each Argument: Encodable>(
        _ event: String, _ delivery: Delivery, _ arguments: repeat each Argument
    ) -> EmitResult {
        do {
            let writer = try PacketWriter.event(event, in: namespace, repeat each arguments)
            if let recovery = namespace.recovery {
                recovery.broadcast(writer, to: target, delivery, in: namespace)
            } else {
                let message = BroadcastMessage(
                    packet: namespace.prepared(writer.finishArray()), delivery: delivery)
                namespace.adapter.broadcast(message, to: target)
            }
            return .sent
        } catch {
            return .failed(error)
        }
    }

    /// The chosen sockets of this server.
    public var sockets: [Socket] { namespace.adapter.sockets(in: target) }
}
