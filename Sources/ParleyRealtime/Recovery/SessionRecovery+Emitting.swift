import ParleyTransport

extension SessionRecovery {
    /// Sends an event to one socket; while its client is away, the event waits for it.
    func emit(
        _ writer: PacketWriter, to socket: Socket, _ ticket: RecoveryTicket, _ delivery: Delivery
    ) -> EmitResult {
        let (packet, result, mustArm) = state.withLock { state in
            let isAway = !socket.isConnected
            if isAway, delivery.isVolatile || !state.awaits(socket, ticket) {
                return (nil as EncodedPacket?, EmitResult.disconnected, false)
            }
            var writer = writer
            let packet = writer.finishArray(
                offset: state.log.last + (delivery.isVolatile ? 0 : 1), epoch: epoch
            ).prepared(for: delivery)
            if !delivery.isVolatile { state.append(packet, to: BroadcastTarget(room: socket.id)) }
            let result = isAway ? EmitResult.awaitsRecovery : socket.hand(packet, delivery)
            ticket.note(result, of: state.log.last)
            return (packet, result, state.mustArm())
        }
        if mustArm { sweepSoon() }
        if let packet, result.isSent { socket.announceIfAsked(packet) }
        return result
    }

    /// Sends an event to a target, by way of the namespace's adapter.
    func broadcast(
        _ writer: PacketWriter, to target: BroadcastTarget, _ delivery: Delivery, in namespace: Namespace
    ) {
        let (message, mustArm) = state.withLock { state in
            let isKept = !delivery.isVolatile && !state.isIdle
            var numbered = writer
            let packet = namespace.prepared(
                numbered.finishArray(offset: state.log.last + (isKept ? 1 : 0), epoch: epoch), delivery)
            if isKept { state.append(packet, to: target) }
            let plain = namespace.allowsEngineIO3 ? PlainBroadcast(writer, delivery, in: namespace) : nil
            let message = BroadcastMessage(
                packet: packet, delivery: delivery,
                numbered: NumberedBroadcast(number: state.log.last, plain: plain))
            namespace.adapter.broadcast(message, to: target)
            return (message, state.mustArm())
        }
        if mustArm { sweepSoon() }
        message.announceLater()
    }
}

/// What a broadcast with connection state recovery carries along to the sockets that it is delivered to.
final class NumberedBroadcast: Sendable {
    let number: UInt64
    /// The event for those who get no offset, where there may be any.
    let plain: PlainBroadcast?
    /// The sockets with handlers of what is emitted, which are called when the lock of the log is free.
    let announced = Lock<[Socket]>([])

    init(number: UInt64, plain: PlainBroadcast?) {
        self.number = number
        self.plain = plain
    }
}

/// A broadcast as Engine.IO 3 clients get it: without an offset, which they would take for an argument. It is encoded for
/// the first of them.
final class PlainBroadcast: Sendable {
    private let make: @Sendable () -> EncodedPacket
    private let made = Lock<EncodedPacket?>(nil)

    init(_ writer: PacketWriter, _ delivery: Delivery, in namespace: Namespace) {
        make = {
            var writer = writer
            return namespace.prepared(writer.finishArray(), delivery)
        }
    }

    var packet: EncodedPacket {
        made.withLock { made in
            if let made { return made }
            let packet = make()
            made = packet
            return packet
        }
    }
}

extension BroadcastMessage {
    /// Hands the numbered event to a socket. The log's lock is held: adapters deliver before `broadcast` returns.
    func deliver(to socket: Socket, _ numbered: NumberedBroadcast) {
        guard socket.isConnected else { return }
        let packet = socket.ticket == nil ? numbered.plain?.packet ?? packet : packet
        let result = socket.hand(packet, delivery)
        socket.ticket?.note(result, of: numbered.number)
        guard result.isSent else { return }
        if socket.hasListenersOfOutgoing {
            numbered.announced.withLock { $0.append(socket) }
        }
    }

    func announceLater() {
        guard let numbered else { return }
        for socket in numbered.announced.withLock({ $0 }) { socket.announceIfAsked(packet) }
    }
}

extension RecoveryTicket {
    /// Remembers what became of the event of this number.
    fileprivate func note(_ result: EmitResult, of number: UInt64) {
        switch result {
        case .sent, .queued: delivered = number
        case .disconnected: refused = refused ?? number - min(number, 1)
        case .dropped, .awaitsRecovery, .failed: break
        }
    }
}

extension SessionRecovery.State {
    fileprivate mutating func append(_ packet: EncodedPacket, to target: BroadcastTarget) {
        log.append(packet, to: target)
    }

    /// Whether somebody must see to it that what is kept is forgotten in time.
    fileprivate mutating func mustArm() -> Bool {
        guard !isArmed, log.count > 0 else { return false }
        isArmed = true
        return true
    }
}

extension BroadcastTarget {
    /// One room.
    init(room: String) {
        self.init()
        rooms = [room]
    }
}
