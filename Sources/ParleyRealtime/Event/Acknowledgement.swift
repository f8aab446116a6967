import ParleyWire

/// The right to acknowledge one event, once.
struct Acknowledgement: Sendable {
    let socket: Socket
    let id: UInt64

    func send() {
        socket.acknowledge(PacketWriter(acknowledgement: id, namespace: socket.namespace.name), id: id)
    }

    func send<Reply: Encodable>(_ reply: Reply) throws {
        var writer = PacketWriter(acknowledgement: id, namespace: socket.namespace.name)
        try writer.append(reply)
        socket.acknowledge(writer, id: id)
    }
}

/// Why the reply to an event did not come.
public enum AcknowledgementError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It did not come in time.
    case timeout(Duration)
    /// The socket disconnected first.
    case disconnected

    /// The reason.
    public var description: String {
        switch self {
        case .timeout(let duration): "no acknowledgement within \(duration)"
        case .disconnected: "the socket disconnected before it acknowledged"
        }
    }
}

/// The events that a client has yet to acknowledge.
struct PendingAcknowledgements {
    struct Pending: Sendable {
        let resolve: @Sendable (inout JSONArrayCursor, Span<UInt8>) -> Void
        let fail: @Sendable (AcknowledgementError) -> Void
    }

    private var nextID: UInt64 = 0
    private var pending: [UInt64: Pending] = [:]
    private var isClosed = false

    /// The id for the event, or nil when the socket is disconnected.
    mutating func add(_ entry: Pending) -> UInt64? {
        guard !isClosed else { return nil }
        defer { nextID += 1 }
        pending[nextID] = entry
        return nextID
    }

    /// A second acknowledgement finds nothing.
    mutating func take(_ id: UInt64) -> Pending? { pending.removeValue(forKey: id) }

    mutating func close() -> [Pending] {
        isClosed = true
        defer { pending = [:] }
        return Array(pending.values)
    }
}
