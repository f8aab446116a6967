import ParleyHTTP
import ParleyTransport
import ParleyWire

/// Connection state recovery of one namespace, in memory.
///
/// What is emitted gets its number, is kept, and is handed to its sockets under one lock: so each client receives events
/// in the order of their numbers, and the number that it received last says which it misses. User code is never called under it.
final class SessionRecovery: Sendable {
    struct State {
        var log: RecoveryLog
        var saved = SavedSessions()
        /// The sockets that are connected, by the private id of their session.
        var live: [String: Socket] = [:]
        /// Sessions that were taken by clients which are being admitted.
        var claimed = 0
        /// When the log was looked at, and its latest number then: what is older than the retention is told by these.
        var marks: [(time: MonotonicInstant, number: UInt64)] = []
        /// The loop whose clock and timer are used: that of the first socket.
        var loop: EventLoop?
        var isArmed = false
        var expiryHandlers: [@Sendable (ExpiredSession) -> Void] = []

        /// While nobody can come back, nothing is kept.
        var isIdle: Bool { live.isEmpty && saved.count == 0 && claimed == 0 }
    }

    let options: RecoveryOptions
    let epoch = RecoveryOffset.makeEpoch()
    let state: Lock<State>
    private let counters: DeliveryCounters
    /// How long events are kept: a client may be gone for a while before the server knows it.
    let retention: Duration
    /// The bytes that one client may miss: more would be cut off as a slow client's.
    private let maxMissedBytes: Int
    /// Touched on the state's loop only.
    nonisolated(unsafe) var timer: LoopTimer?

    init(options: RecoveryOptions, engine: EngineOptions, counters: DeliveryCounters) {
        self.options = options
        self.counters = counters
        retention = options.maxDisconnectionDuration + engine.pingInterval + engine.pingTimeout
        maxMissedBytes = engine.maxPendingBytes / 2
        state = Lock(State(log: RecoveryLog(maxPackets: options.maxPackets, maxBytes: options.maxBytes)))
    }

    // MARK: Coming back

    /// What a client that comes back asks for: its session, and the number behind which it misses events.
    struct Claim: Sendable {
        let session: SavedSession
        let after: UInt64
    }

    /// Takes the session that a CONNECT payload names, if it can be recovered. The client is to be admitted, or the claim given back.
    func claim(_ auth: JSONValue, by client: Client) -> Claim? {
        guard case .object(let members) = auth, case .string(let pid) = members["pid"] else { return nil }
        endFormerConnection(pid, of: client)
        let reading: RecoveryOffset.Reading? =
            switch members["offset"] {
            case .none, .null: nil
            case .string(let offset): RecoveryOffset.read(offset, epoch: epoch)
            default: .invalid
            }
        let now = EventLoop.current?.now
        let (claim, expired) = state.withLock { $0.claim(pid, reading, now: now) }
        if let expired { report([expired]) }
        return claim
    }

    /// A client may come back before the server knows that its connection is lost: it goes on with the session at once. Only
    /// once, so that whoever repeats the id of a session that was recovered does not put its client out.
    private func endFormerConnection(_ pid: String, of client: Client) {
        guard let former = state.withLock({ $0.live[pid] }), !former.isRecovered, former.client !== client
        else { return }
        former.client.session.close(.transportClose)
    }

    /// The client went before it was admitted: it may come back once more.
    func giveBack(_ claim: Claim) {
        state.withLock { state in
            state.claimed -= 1
            state.saved.save(claim.session)
        }
        sweepSoon()
    }

    /// The namespace's middleware refused the client.
    func refuse(_ claim: Claim) {
        state.withLock { $0.claimed -= 1 }
        report([ExpiredSession(claim.session, .refused)])
    }

    /// Makes the socket of a client whom the middleware let in, sends its CONNECT, and what it missed, before anything
    /// else can be emitted to it. Nil when the client went; its claim is given back then.
    func admit(
        _ claim: Claim?, handshake: Handshake, namespace: Namespace, client: Client
    ) -> (socket: Socket, isConnected: Bool)? {
        var lost: ExpiredSession?
        let admitted: (socket: Socket, isConnected: Bool)? = state.withLock { state in
            state.loop = state.loop ?? client.session.loop
            if claim != nil { state.claimed -= 1 }
            let missed = claim.flatMap { state.missed(by: $0, maxBytes: maxMissedBytes) }
            if let claim, missed == nil { lost = ExpiredSession(claim.session, .eventsDropped) }
            let ticket = RecoveryTicket(missed == nil ? nil : claim, missed: missed, last: state.log.last)
            if let claim, missed != nil { handshake.join(claim.session.rooms) }
            handshake.setRecovered(ticket.isRecovered)
            let socket = Socket(
                id: missed == nil ? Identifier.make() : claim?.session.id ?? Identifier.make(),
                namespace: namespace, client: client, handshake: handshake, ticket: ticket)
            guard client.register(socket) else {
                if let claim, lost == nil { state.saved.save(claim.session) }
                return nil
            }
            state.live[ticket.pid] = socket
            return (socket, socket.enter(replaying: missed?.packets ?? []))
        }
        if let lost { report([lost]) }
        if admitted == nil { sweepSoon() }
        if admitted?.socket.isRecovered == true { counters.recovered.add(1, ordering: .relaxed) }
        return admitted
    }

    // MARK: Going away

    /// The latest number: until now a connected socket was handed everything.
    var position: UInt64 { state.withLock { $0.log.last } }

    /// A socket is gone, for a reason that lets its client come back.
    func save(_ socket: Socket, _ ticket: RecoveryTicket, rooms: Set<String>, position: UInt64) {
        let (storage, expiry) = (socket.handshake.storage, socket.identityDeadline)
        let expired: [ExpiredSession] = state.withLock { state in
            state.live[ticket.pid] = nil
            state.saved.save(
                SavedSession(
                    pid: ticket.pid, id: socket.id, rooms: rooms.subtracting([socket.id]), storage: storage,
                    identityExpiry: expiry, start: ticket.start, delivered: ticket.delivered,
                    position: position))
            var expired: [ExpiredSession] = []
            while state.saved.count > options.maxSessions,
                let oldest = state.saved.takeFirst(where: { _, _ in true })
            {
                expired.append(ExpiredSession(oldest, .tooManySessions))
            }
            return expired
        }
        report(expired)
        sweepSoon()
    }

    /// A socket is gone for good.
    func forget(_ ticket: RecoveryTicket) {
        state.withLock { $0.live[ticket.pid] = nil }
    }

    func report(_ expired: [ExpiredSession]) {
        guard !expired.isEmpty else { return }
        counters.expired.add(expired.count, ordering: .relaxed)
        let handlers = state.withLock { $0.expiryHandlers }
        for session in expired {
            for handler in handlers { handler(session) }
        }
    }
}

extension RecoveryTicket {
    /// For the session of a claim, or a new one.
    fileprivate convenience init(
        _ claim: SessionRecovery.Claim?, missed: SessionRecovery.State.Missed?, last: UInt64
    ) {
        self.init(
            pid: claim?.session.pid ?? Identifier.make(), isRecovered: claim != nil,
            start: claim?.session.start ?? last,
            delivered: missed?.last ?? claim?.after ?? last)
    }
}

extension SessionRecovery.State {
    struct Missed {
        let packets: [EncodedPacket]
        /// The number of the last of them; nil when there are none.
        let last: UInt64?
    }

    fileprivate mutating func claim(
        _ pid: String, _ offset: RecoveryOffset.Reading?, now: MonotonicInstant?
    ) -> (SessionRecovery.Claim?, ExpiredSession?) {
        guard let session = saved.take(pid) else { return (nil, nil) }
        if let expiry = session.identityExpiry, let now, expiry.deadline <= now {
            return (nil, ExpiredSession(session, .identityExpired))
        }
        guard let after = session.missedAfter(offset, last: log.last),
            session.needed(from: after) >= log.dropped
        else { return (nil, ExpiredSession(session, .eventsDropped)) }
        claimed += 1
        return (SessionRecovery.Claim(session: session, after: after), nil)
    }

    /// What the client misses; nil when not all of it is there any more, or when it is too much.
    fileprivate func missed(by claim: SessionRecovery.Claim, maxBytes: Int) -> Missed? {
        guard claim.session.needed(from: claim.after) >= log.dropped else { return nil }
        let events = log.events(after: claim.after, id: claim.session.id, rooms: claim.session.rooms)
        guard events.packets.reduce(0, { $0 + $1.cost }) <= maxBytes else { return nil }
        return Missed(packets: events.packets, last: events.last)
    }
}
