public import ParleyWire
import Synchronization

/// An event on its way to many sockets, encoded once.
public struct BroadcastMessage: Sendable {
    let packet: EncodedPacket
    /// Whether it is dropped for sockets that can't take it at once.
    public let isVolatile: Bool
    /// What the recipients acknowledge the event by, where acknowledgements are asked for.
    let acknowledgementID: UInt64?

    init(packet: EncodedPacket, isVolatile: Bool, acknowledgementID: UInt64? = nil) {
        self.packet = packet
        self.isVolatile = isVolatile
        self.acknowledgementID = acknowledgementID
    }

    /// An event that came from another server.
    ///
    /// - Parameter isAcknowledged: whether its recipients are to acknowledge it; deliver it with a collector then.
    /// - Throws: ``EventError`` for a reserved name, and what encoding throws.
    public init(
        event: String, arguments: [JSONValue], isVolatile: Bool = false, isAcknowledged: Bool = false,
        in namespace: Namespace
    ) throws {
        let id = isAcknowledged ? BroadcastNumbers.make() : nil
        packet = namespace.audience.prepared(try .event(event, id: id, values: arguments, in: namespace))
        self.isVolatile = isVolatile
        acknowledgementID = id
    }

    /// The event's name and arguments, for an adapter that takes them to other servers. Decodes them each time.
    public func decoded() throws -> (event: String, arguments: [JSONValue])? {
        try packet.decodedEvent().map { ($0.0, $0.1) }
    }

    /// Delivers the event to one of this server's sockets.
    public func deliver(to socket: Socket) {
        socket.deliver(packet, isVolatile: isVolatile)
    }

    /// Delivers the event to this server's sockets, tells the collector of them, and brings it their replies.
    public func deliver(to sockets: [Socket], collecting collector: AcknowledgementCollector) {
        guard let id = acknowledgementID else { return collector.expect([]) }
        collector.expect(sockets.map(\.id), local: sockets, acknowledgementID: id)
        for socket in sockets { ask(socket, id, collector) }
    }

    private func ask(_ socket: Socket, _ id: UInt64, _ collector: AcknowledgementCollector) {
        let name = socket.id
        let pending = PendingAcknowledgements.Pending(
            resolve: { cursor, json in collector.reply(from: name, &cursor, json) },
            fail: { collector.fail(name, $0) })
        guard socket.addAcknowledgement(pending, id: id) else { return collector.fail(name, .disconnected) }
        switch socket.deliver(packet, isVolatile: isVolatile) {
        case .sent: return
        case .dropped: collector.fail(name, .dropped)
        case .disconnected, .failed: collector.fail(name, .disconnected)
        }
        _ = socket.cancelAcknowledgement(id)
    }
}

/// Numbers the broadcasts that are acknowledged, process-wide, above the ids that sockets give their own events. All of them
/// fit into the 32-bit integers of some clients.
enum BroadcastNumbers {
    /// Sockets' own ids are below.
    static let first: UInt64 = 1 << 30
    private static let count = Atomic<UInt64>(0)

    static func make() -> UInt64 {
        first + count.add(1, ordering: .relaxed).oldValue % (first - 1)
    }
}
