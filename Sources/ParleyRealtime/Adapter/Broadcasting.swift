/// Something from which broadcasts start: a ``Namespace`` reaches all its sockets, a ``Socket`` all but
/// itself.
public protocol Broadcasting {
    /// Everybody that a broadcast from here may reach.
    var audience: BroadcastOperator { get }
}

extension Broadcasting {
    /// The members of rooms too; a socket that is in several gets an event once. A socket's id is its own room.
    public func to(_ rooms: String...) -> BroadcastOperator { audience.adding(rooms) }

    /// The members of rooms too.
    public func to(_ rooms: [String]) -> BroadcastOperator { audience.adding(rooms) }

    /// The same as `to`.
    public func `in`(_ rooms: String...) -> BroadcastOperator { audience.adding(rooms) }

    /// The same as `to`.
    public func `in`(_ rooms: [String]) -> BroadcastOperator { audience.adding(rooms) }

    /// Leaves out the members of rooms.
    public func except(_ rooms: String...) -> BroadcastOperator { audience.excluding(rooms) }

    /// Leaves out the members of rooms.
    public func except(_ rooms: [String]) -> BroadcastOperator { audience.excluding(rooms) }

    /// This server's sockets only.
    public var local: BroadcastOperator {
        var copy = audience
        copy.target.isLocal = true
        return copy
    }
}

/// Something that speaks to many sockets at once: a ``Namespace``, or a choice of its sockets. Its sockets are those of all
/// servers, unless `local` was asked for.
public protocol BroadcastEmitting: Broadcasting {}

extension BroadcastEmitting {
    /// Sends only to clients that can take the event at once.
    public var volatile: BroadcastOperator {
        var copy = audience
        copy.isVolatile = true
        return copy
    }

    /// Whether the event may be compressed, where connections are; true unless said otherwise.
    public func compress(_ isCompressible: Bool) -> BroadcastOperator {
        var copy = audience
        copy.isCompressible = isCompressible
        return copy
    }

    /// How long acknowledgements may take; 10 seconds unless said otherwise.
    public func timeout(_ timeout: Duration) -> BroadcastOperator {
        var copy = audience
        copy.timeout = timeout
        return copy
    }

    /// Sends a `message` event.
    @discardableResult
    public func send<each Argument: Encodable>(_ arguments: repeat each Argument) -> EmitResult {
        audience.emit("message", repeat each arguments)
    }

    /// Describes the sockets, those of other servers too.
    ///
    /// - Throws: what the adapter throws when other servers do not answer.
    public func fetchSockets() async throws -> [RemoteSocket] {
        let audience = audience
        var found: [RemoteSocket] = []
        for part in audience.parts {
            found += try await part.namespace.adapter.fetchSockets(in: audience.target)
        }
        return found
    }

    /// The number of the sockets, those of other servers too, without describing them.
    ///
    /// - Throws: what the adapter throws when other servers do not answer.
    public func count() async throws -> Int {
        let audience = audience
        var count = 0
        for part in audience.parts { count += try await part.namespace.adapter.count(in: audience.target) }
        return count
    }

    /// Makes the sockets join rooms.
    public func socketsJoin(_ rooms: String...) {
        for part in audience.parts { part.namespace.adapter.join(part.target, rooms) }
    }

    /// Makes the sockets leave rooms.
    public func socketsLeave(_ rooms: String...) {
        for part in audience.parts { part.namespace.adapter.leave(part.target, rooms) }
    }

    /// Makes the sockets leave the namespace. With connection state recovery, clients that are away can't come back to their
    /// sessions either.
    ///
    /// - Parameter close: whether the clients' whole connections are closed, with their other namespaces.
    public func disconnectSockets(close: Bool = false) {
        for part in audience.parts {
            part.namespace.adapter.disconnect(part.target, close: close)
            part.namespace.recovery?.end(part.target)
        }
    }
}

extension BroadcastOperator: BroadcastEmitting {
    /// The choice itself.
    public var audience: BroadcastOperator { self }
}

extension Namespace: BroadcastEmitting {
    /// Everybody in the namespace.
    public var audience: BroadcastOperator { BroadcastOperator(namespace: self) }

    /// Sends an event to everybody in the namespace.
    @discardableResult
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) -> EmitResult {
        audience.emit(event, repeat each arguments)
    }
}

extension Realtime: BroadcastEmitting {
    /// Everybody in the namespace `/`.
    public var audience: BroadcastOperator { root.audience }

    /// Sends an event to everybody in the namespace `/`.
    @discardableResult
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) -> EmitResult {
        audience.emit(event, repeat each arguments)
    }
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
