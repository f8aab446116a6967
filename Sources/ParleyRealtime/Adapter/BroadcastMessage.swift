public import ParleyWire
import Synchronization

/// An event on its way to many sockets, encoded once.
public struct BroadcastMessage: Sendable {
    let packet: EncodedPacket
    let delivery: Delivery
    /// What the recipients acknowledge the event by, where acknowledgements are asked for.
    let acknowledgementID: UInt64?
    /// With connection state recovery, what the sockets are to remember of the event.
    let numbered: NumberedBroadcast?

    /// Whether it is dropped for sockets that can't take it at once.
    public var isVolatile: Bool { delivery.isVolatile }

    init(packet: EncodedPacket, delivery: Delivery, numbered: NumberedBroadcast? = nil) {
        self.packet = packet
        self.delivery = delivery
        self.numbered = numbered
        acknowledgementID = nil
    }

    /// An event that is to be acknowledged, which no slow client's policy drops.
    init(packet: EncodedPacket, delivery: Delivery, acknowledgementID: UInt64) {
        self.packet = packet
        self.delivery = delivery.reliably
        self.acknowledgementID = acknowledgementID
        numbered = nil
    }

    /// An event that came from another server: pass it to ``Namespace/receive(_:to:)``.
    ///
    /// - Parameter isAcknowledged: whether its recipients are to acknowledge it; deliver it with a collector then.
    /// - Throws: ``EventError`` for a reserved name, and what encoding throws.
    public init(
        event: String, arguments: [JSONValue], isVolatile: Bool = false, isAcknowledged: Bool = false,
        in namespace: Namespace
    ) throws {
        let id = isAcknowledged ? BroadcastNumbers.make() : nil
        let delivery = Delivery(isVolatile: isVolatile)
        var writer = try PacketWriter.event(event, id: id, values: arguments, in: namespace)
        let packet = namespace.prepared(writer.finishArray(), delivery)
        if let id {
            self.init(packet: packet, delivery: delivery, acknowledgementID: id)
        } else {
            self.init(packet: packet, delivery: delivery)
        }
    }

    /// The event's name and arguments, for an adapter that takes them to other servers. Decodes them each time.
    public func decoded() throws -> (event: String, arguments: [JSONValue])? {
        try packet.decodedEvent().map { ($0.0, $0.1) }
    }

    /// Delivers the event to one of this server's sockets.
    public func deliver(to socket: Socket) {
        guard let numbered else {
            socket.deliver(packet, delivery)
            return
        }
        deliver(to: socket, numbered)
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
        switch socket.deliver(packet, delivery) {
        case .sent, .queued: return
        case .dropped: collector.fail(name, .dropped)
        case .disconnected, .awaitsRecovery, .failed: collector.fail(name, .disconnected)
        }
        _ = socket.cancelAcknowledgement(id)
    }
}

extension Namespace {
    /// Sends an event to the target's sockets on all servers, numbered where their sessions can be recovered.
    func broadcast(_ writer: consuming PacketWriter, to target: BroadcastTarget, _ delivery: Delivery) {
        if let recovery { return recovery.broadcast(writer, to: target, delivery, in: self) }
        let packet = prepared(writer.finishArray(), delivery)
        adapter.broadcast(BroadcastMessage(packet: packet, delivery: delivery), to: target)
    }

    /// A broadcast came from another server: for adapters. Delivers it to this server's sockets. With connection state
    /// recovery it gets a number of this server's, which the sockets' clients ask for when they come back.
    public func receive(_ message: BroadcastMessage, to target: BroadcastTarget) {
        var here = target
        here.isLocal = true
        guard message.acknowledgementID == nil, recovery != nil || message.numbered != nil else {
            return adapter.broadcast(message, to: here)
        }
        guard let (event, arguments) = try? message.decoded(),
            let writer = try? PacketWriter.event(event, values: arguments, in: self)
        else { return }
        broadcast(writer, to: here, message.delivery)
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
