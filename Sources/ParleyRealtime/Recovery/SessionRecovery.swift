import ParleyHTTP
import ParleyTransport
import ParleyWire

/// Connection state recovery of one namespace, in memory.
///
/// What is emitted gets its number, is kept, and is handed to its sockets under one lock: so each client receives
/// events in the order of their numbers, and the number that it received last says which it misses. The application's
/// code is never called under it.
final class SessionRecovery: Sendable {
    struct State {
        var log: RecoveryLog
        var saved = SavedSessions()
        /// The sockets that are connected, by the private id of their session.
        var live: [String: Socket] = [:]
        /// The sessions that were taken by clients which are being admitted, by their private ids.
        var claimed: [String: ClaimedSession] = [:]
        /// When the log was looked at, and its latest number then: what is older than the retention is told by these.
        var marks: [(time: MonotonicInstant, number: UInt64)] = []
        /// The loop whose clock and timer are used: that of the first socket.
        var loop: EventLoop?
        var isArmed = false

        /// While nobody can come back, nothing is kept.
        var isIdle: Bool { live.isEmpty && saved.count == 0 && claimed.isEmpty }

        /// Whether the client of a socket that is not connected may still come back to it: its session is kept, is about
        /// to be, or is being given to the client.
        func awaits(_ socket: Socket, _ ticket: RecoveryTicket) -> Bool {
            saved.contains(ticket.pid) || claimed[ticket.pid] != nil || live[ticket.pid] === socket
        }
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
    private let home = Lock(Home())

    private struct Home {
        weak var namespace: Namespace?
    }

    init(options: RecoveryOptions, engine: EngineOptions, counters: DeliveryCounters) {
        self.options = options
        self.counters = counters
        retention = options.maxDisconnectionDuration + engine.pingInterval + engine.pingTimeout
        maxMissedBytes = engine.maxPendingBytes / 2
        state = Lock(State(log: RecoveryLog(maxPackets: options.maxPackets, maxBytes: options.maxBytes)))
    }

    /// The namespace that this is of. Each session that is away counts as one of its sockets: a dynamic namespace that is
    /// to go with its last one waits for those that may come back.
    func attach(to namespace: Namespace) { home.withLock { $0.namespace = namespace } }

    private var namespace: Namespace? { home.withLock { $0.namespace } }

    // MARK: Coming back

    /// What a client that comes back asks for: its session, and the number behind which it misses events.
    struct Claim: Sendable {
        let recovery: SessionRecovery
        let session: SavedSession
        let after: UInt64

        /// Whether the client passed this namespace's middleware before, and need not again.
        func skipsMiddleware(of namespace: Namespace) -> Bool {
            recovery === namespace.recovery && recovery.options.skipMiddlewares
        }

        func giveBack() { recovery.giveBack(self) }
        func refuse() { recovery.refuse(self) }
    }

    /// Takes the session that a CONNECT payload names, if it can be recovered. The client is to be admitted or
    /// refused, or the claim given back.
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
        let (claimed, expired) = state.withLock { $0.claim(pid, reading, now: now) }
        if let expired { report([expired]) }
        return claimed.map { Claim(recovery: self, session: $0.session, after: $0.after) }
    }

    /// A client may come back before the server knows that its connection is lost: it goes on with the session at
    /// once. Only once, so that whoever repeats the id of a session that was recovered does not put its client out.
    private func endFormerConnection(_ pid: String, of client: Client) {
        guard let former = state.withLock({ $0.live[pid] }), !former.isRecovered, former.client !== client
        else { return }
        former.client.session.close(.transportClose)
    }

    /// The client went before it was admitted: it may come back once more.
    func giveBack(_ claim: Claim) {
        save(claim.session, of: nil)
    }

    /// The namespace's middleware refused the client.
    func refuse(_ claim: Claim) {
        state.withLock { $0.claimed[claim.session.pid] = nil }
        report([ExpiredSession(claim.session, .refused)])
    }

    enum Admission {
        case entered(Socket, isConnected: Bool)
        /// The claim was given back.
        case clientGone
        /// The session can't be recovered any more: the client is to be admitted as any other.
        case eventsDropped
    }

    /// Makes the socket of a client whom the middleware let in, or that need not pass it.
    func admit(
        _ claim: Claim?, handshake: Handshake, namespace: Namespace, client: Client
    ) -> Admission {
        if let claim { handshake.join(claim.session.rooms) }
        let admission = enter(claim, handshake, namespace, client)
        guard let claim else { return admission }
        switch admission {
        case .entered:
            counters.recovered.add(1, ordering: .relaxed)
            namespace.lost()
        case .clientGone: giveBack(claim)
        case .eventsDropped:
            let claimed = state.withLock { $0.claimed.removeValue(forKey: claim.session.pid) }
            let isEnded = claimed?.isEnded ?? false
            report([ExpiredSession(claim.session, isEnded ? .disconnected : .eventsDropped)])
        }
        return admission
    }

    /// The socket becomes a member first, while it is handed nothing yet, as the adapter may call the application.
    /// Then, with no event in between, the client gets its CONNECT and what it missed, and from there on what is
    /// emitted.
    private func enter(
        _ claim: Claim?, _ handshake: Handshake, _ namespace: Namespace, _ client: Client
    ) -> Admission {
        let ticket = RecoveryTicket(pid: claim?.session.pid, isRecovered: claim != nil)
        let socket = Socket(
            id: claim?.session.id ?? Identifier.make(), namespace: namespace, client: client,
            handshake: handshake, ticket: ticket)
        socket.join()
        let admission: Admission = state.withLock { state in
            state.loop = state.loop ?? client.session.loop
            guard let missed = state.missed(by: claim, maxBytes: maxMissedBytes) else {
                return .eventsDropped
            }
            guard client.register(socket) else { return .clientGone }
            state.claimed[ticket.pid] = nil
            ticket.start = claim?.session.start ?? state.log.last
            ticket.delivered = missed.last ?? claim?.after ?? state.log.last
            state.live[ticket.pid] = socket
            return .entered(socket, isConnected: socket.connect(replaying: missed.packets))
        }
        if case .entered = admission { return admission }
        namespace.adapter.remove(socket)
        namespace.lost()
        return admission
    }

    // MARK: Going away

    /// The latest number: until now a connected socket was handed everything.
    var position: UInt64 { state.withLock { $0.log.last } }

    /// A socket is gone, for a reason that lets its client come back.
    func save(_ socket: Socket, _ ticket: RecoveryTicket, rooms: Set<String>, position: UInt64) {
        // Nothing is handed to the socket any more.
        let (delivered, refused) = state.withLock { _ in (ticket.delivered, ticket.refused) }
        let session = SavedSession(
            pid: ticket.pid, id: socket.id, rooms: rooms.subtracting([socket.id]),
            storage: socket.handshake.storage, identityExpiry: socket.identityDeadline, start: ticket.start,
            delivered: delivered, position: min(position, refused ?? position))
        save(session, of: ticket)
    }

    private func save(_ session: SavedSession, of ticket: RecoveryTicket?) {
        let expired: [ExpiredSession] = state.withLock { state in
            if let ticket { state.live[ticket.pid] = nil }
            if state.claimed.removeValue(forKey: session.pid)?.isEnded == true {
                return [ExpiredSession(session, .disconnected)]
            }
            state.saved.save(session)
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
        guard let namespace else { return }
        let handlers = namespace.expiryHandlers
        for session in expired {
            for handler in handlers { handler(session) }
            namespace.lost()
        }
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
    ) -> ((session: SavedSession, after: UInt64)?, ExpiredSession?) {
        guard let session = saved.take(pid) else { return (nil, nil) }
        if let expiry = session.identityExpiry, expiry.isOver(now: now) {
            return (nil, ExpiredSession(session, .identityExpired))
        }
        guard let after = session.missedAfter(offset, last: log.last),
            session.needed(from: after) >= log.dropped
        else { return (nil, ExpiredSession(session, .eventsDropped)) }
        claimed[pid] = ClaimedSession(id: session.id, rooms: session.rooms)
        return ((session, after), nil)
    }

    /// What the client misses, a new one nothing; nil when not all of it is there any more, when it is too much, or when the
    /// application has made the session leave since the client claimed it.
    fileprivate func missed(by claim: SessionRecovery.Claim?, maxBytes: Int) -> Missed? {
        guard let claim else { return Missed(packets: [], last: nil) }
        guard claimed[claim.session.pid]?.isEnded != true else { return nil }
        // Not from what it received last on: a room that it joined after that has older events, which were not for it.
        let start = claim.session.needed(from: claim.after)
        guard start >= log.dropped else { return nil }
        let events = log.events(after: start, id: claim.session.id, rooms: claim.session.rooms)
        guard events.packets.reduce(0, { $0 + $1.cost }) <= maxBytes else { return nil }
        return Missed(packets: events.packets, last: events.last)
    }
}
