/// A choice of sockets, made step by step; each step returns a new value.
///
/// ```swift
/// namespace.to("lobby").except("muted").emit("message", text)
/// ```
public struct BroadcastOperator: Sendable {
    let namespace: Namespace
    var target = BroadcastTarget()
    var isVolatile = false
    var isCompressible = true
    var timeout: Duration = .seconds(10)

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

    /// The same choice in another namespace.
    func moved(to namespace: Namespace) -> BroadcastOperator {
        var copy = BroadcastOperator(namespace: namespace)
        copy.target = target
        copy.isVolatile = isVolatile
        copy.isCompressible = isCompressible
        copy.timeout = timeout
        return copy
    }

    /// The choice in each namespace that it concerns: its own, or all children of a parent.
    var parts: [BroadcastOperator] {
        namespace.children.map { $0.map(moved(to:)) } ?? [self]
    }

    /// Sends an event to all of them; it is encoded once. Fails for a reserved name, and where encoding
    /// fails.
    @discardableResult
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) -> EmitResult {
        emit(event, delivery, repeat each arguments)
    }

    var delivery: Delivery { Delivery(isVolatile: isVolatile, isCompressible: isCompressible) }

    func emit<each Argument: Encodable>(
        _ event: String, _ delivery: Delivery, _ arguments: repeat each Argument
    ) -> EmitResult {
        guard !namespace.isParent else { return emitToChildren(event, delivery, repeat each arguments) }
        do {
            let writer = try PacketWriter.event(event, in: namespace, repeat each arguments)
            namespace.broadcast(writer, to: target, delivery)
            return .sent
        } catch {
            return .failed(error)
        }
    }

    /// Each child has its name in the packet.
    private func emitToChildren<each Argument: Encodable>(
        _ event: String, _ delivery: Delivery, _ arguments: repeat each Argument
    ) -> EmitResult {
        do { try EventName.check(event) } catch { return .failed(error) }
        for part in parts {
            if case .failed(let error) = part.emit(event, delivery, repeat each arguments) {
                return .failed(error)
            }
        }
        return .sent
    }

    /// The chosen sockets of this server.
    public var sockets: [Socket] { parts.flatMap { $0.namespace.adapter.sockets(in: target) } }
}
