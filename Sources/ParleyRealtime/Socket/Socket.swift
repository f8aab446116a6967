import ParleyTransport
import ParleyWire
import Synchronization

/// One client in one namespace.
///
/// A socket is safe to use from any thread and task, and stays usable when it is disconnected: emitting then says so.
public final class Socket: Sendable {
    // What each event touches comes first, in few lines of the processor's cache.

    private enum Phase: UInt8, AtomicRepresentable { case connecting, connected, disconnected }
    private let phase = Atomic<Phase>(.connecting)
    let hasOwnHandlers = Atomic<Bool>(false)
    let hasOutgoingHandlers = Atomic<Bool>(false)
    let session: EngineSession
    /// The namespace.
    public let namespace: Namespace
    private let mailbox = Lock(Mailbox(isBusy: true))
    let client: Client
    /// With connection state recovery, what is known of the socket's session.
    let ticket: RecoveryTicket?
    /// The socket's public id, which is also the name of its own room. It differs from the session's secret id.
    public let id: String
    /// How the client came: headers, query, authentication payload, address.
    public let handshake: Handshake
    private let acknowledgements = Lock(PendingAcknowledgements())
    let life = Lock(Life())

    struct Life {
        var handlers: HandlerTable?
        var outgoing: [OutgoingHandler] = []
        var errorHandlers: [@Sendable (EventError) -> Void] = []
        var concurrentHandlers = 0
        /// Who waits until none of them runs.
        var concurrencyWaiters: [@Sendable () -> Void] = []
        var roomsAtDisconnect: Set<String> = []
        var identity: IdentityWatch?

        var hasOwnHandlers: Bool { handlers != nil || !outgoing.isEmpty || !errorHandlers.isEmpty }
    }

    init(
        id: String, namespace: Namespace, client: Client, handshake: Handshake, ticket: RecoveryTicket? = nil
    ) {
        self.id = id
        self.namespace = namespace
        self.client = client
        session = client.session
        self.handshake = handshake
        self.ticket = ticket
    }

    /// Whether the socket is connected.
    public var isConnected: Bool { phase.load(ordering: .acquiring) == .connected }

    /// The value of this type that a middleware, a handler or HTTP middleware stored for this client.
    public subscript<Value: Sendable>(_ type: Value.Type) -> Value? {
        get { handshake[type] }
        set { handshake[type] = newValue }
    }

    /// The value of this type; throws `MissingValueError` when nobody stored one.
    public func require<Value: Sendable>(_ type: Value.Type) throws -> Value {
        guard let value = handshake[type] else { throw MissingValueError(type: "\(type)") }
        return value
    }

    /// Changes the stored value of this type in place, while nobody else can.
    ///
    /// - Throws: `MissingValueError` when nobody stored one, and what the body throws.
    public func update<Value: Sendable, Result: Sendable>(
        _ type: Value.Type, _ body: (inout Value) throws -> Result
    ) throws -> Result {
        try handshake.update(type, body)
    }

    /// Changes the stored value of this type in place, while nobody else can, beginning with the default where nobody stored
    /// one.
    public func update<Value: Sendable, Result: Sendable>(
        _ type: Value.Type, default initial: @autoclosure () -> Value, _ body: (inout Value) throws -> Result
    ) rethrows -> Result {
        try handshake.update(type, default: initial(), body)
    }

    // MARK: Life

    /// Makes the socket a member of its namespace and of the rooms that middleware chose. It is handed nothing yet.
    func join() {
        namespace.adapter.add(self)
        let rooms = handshake.takeRooms()
        if !rooms.isEmpty { namespace.adapter.join(self, rooms) }
    }

    /// Tells the client, behind `join`. False when the client went meanwhile.
    ///
    /// - Parameter missed: what is sent right behind the CONNECT.
    func connect(replaying missed: [EncodedPacket] = []) -> Bool {
        client.send(session.revision == .three ? .engineIO3Connected(namespace) : .connected(self))
        for packet in missed { client.send(packet) }
        return phase.compareExchange(
            expected: .connecting, desired: .connected, ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// Calls the connection handlers, behind `connect`.
    func begin(isConnected: Bool) {
        guard isConnected else { return abandon() }
        if let expiry = handshake.expiry { watchIdentity(until: expiry) }
        let handlers = namespace.lifeHandlers
        process(AsyncWorks(handlers.connection.compactMap { $0(self) }))
    }

    /// The client went while it was admitted: no handler hears of the socket, and nothing that it sent is handled.
    private func abandon() {
        leaveNamespace(.transportClose, recoveryPosition)
        mailbox.withLock { $0.close() }
        while let item = next() {
            // Somebody may wait for the end of what there was to handle.
            if case .work(let body) = item { _ = body() }
        }
    }

    /// Ends the socket: no event reaches it any more, its rooms are left, and its handlers hear of it once.
    func close(_ reason: DisconnectReason) {
        let position = recoveryPosition
        guard phase.exchange(.disconnected, ordering: .acquiringAndReleasing) == .connected else { return }
        let handlers = namespace.lifeHandlers
        // Collected for those only who may ask for them.
        if handlers.hasDisconnect {
            let rooms = namespace.adapter.rooms(of: self)
            life.withLock { $0.roomsAtDisconnect = rooms }
        }
        leaveNamespace(reason, position)
        unwatchIdentity()
        for pending in acknowledgements.withLock({ $0.close() }) { pending.fail(.disconnected) }
        mailbox.withLock { $0.close() }
        if handlers.hasDisconnect { callDisconnect(handlers, reason) }
        if life.withLock({ $0.hasOwnHandlers }) { whenIdle { [self] in dropOwnHandlers() } }
    }

    private func callDisconnect(_ handlers: LifeHandlers, _ reason: DisconnectReason) {
        perform(
            .work { [self] in
                var work = AsyncWorks(handlers.disconnecting.compactMap { $0(self, reason) })
                let last = AsyncWork { [self] in
                    life.withLock { $0.roomsAtDisconnect = [] }
                    for handler in handlers.disconnect { await handler(self, reason)?.run() }
                }
                work.append(last)
                return work
            })
    }

    /// With connection state recovery: up to here the socket was handed everything, if it is still connected.
    private var recoveryPosition: UInt64? { ticket == nil ? nil : namespace.recovery?.position }

    private func leaveNamespace(_ reason: DisconnectReason, _ position: UInt64?) {
        guard let ticket, let recovery = namespace.recovery, let position else {
            namespace.adapter.remove(self)
            namespace.lost()
            return
        }
        if !reason.isRecoverable { recovery.forget(ticket) }
        let rooms = namespace.adapter.rooms(of: self)
        namespace.adapter.remove(self)
        if reason.isRecoverable {
            // From here on it is the saved session that keeps the namespace.
            recovery.save(self, ticket, rooms: rooms, position: position)
        } else {
            namespace.lost()
        }
    }

    /// Leaves the namespace; the client hears `io server disconnect`.
    ///
    /// - Parameter close: whether the client's whole connection is closed, with its other namespaces.
    public func disconnect(close: Bool = false) {
        guard !close else { return client.disconnect() }
        leave(.serverNamespaceDisconnect)
    }

    /// Makes the client leave the namespace.
    func leave(_ reason: DisconnectReason) {
        guard isConnected else { return leaveWhenConnected(reason) }
        client.send(.disconnected(namespace))
        client.expel(self)
        close(reason)
    }

    /// A socket that is being admitted is in its rooms already, and may be made to leave with everybody there. Its loop admits it
    /// without a pause, so that it is connected, or gone, in the loop's next turn.
    private func leaveWhenConnected(_ reason: DisconnectReason) {
        guard phase.load(ordering: .acquiring) == .connecting else { return }
        session.loop.execute { [self] in
            if isConnected { leave(reason) }
        }
    }

    // MARK: Rooms

    /// The rooms that the socket is in, with its own (its id). In `disconnecting` handlers: those it was in. O(its rooms).
    public var rooms: Set<String> {
        guard !isConnected else { return namespace.adapter.rooms(of: self) }
        return life.withLock { $0.roomsAtDisconnect }
    }

    /// Joins rooms; a room exists while somebody is in it. O(1) each.
    public func join(_ rooms: String...) { namespace.adapter.join(self, rooms) }

    /// Joins rooms.
    public func join(_ rooms: [String]) { namespace.adapter.join(self, rooms) }

    /// Leaves rooms. O(1) each.
    public func leave(_ rooms: String...) { namespace.adapter.leave(self, rooms) }

    /// Leaves rooms.
    public func leave(_ rooms: [String]) { namespace.adapter.leave(self, rooms) }

    // MARK: Events in

    /// An event arrived; the spans are valid during the call only.
    func receive(_ json: Span<UInt8>, attachments: [[UInt8]]?, id: UInt64?) {
        switch mailbox.withLock({ $0.admitEvent() }) {
        case .run:
            let rest = untilAsynchronous(dispatch(json, attachments: attachments, id: id))
            if let rest { client.finish(rest, of: self) }
        case .queue: append(.event(Array(span: json), attachments: attachments, id: id))
        case .refuse: break
        }
    }

    /// Calls back when everything that came before was handled.
    func whenIdle(_ body: @escaping @Sendable () -> Void) {
        perform(
            .work {
                body()
                return AsyncWorks()
            })
    }

    private func perform(_ item: Mailbox.Item) {
        guard mailbox.withLock({ $0.enter() }) else { return append(item) }
        process(run(item))
    }

    private func append(_ item: Mailbox.Item) {
        // Between the refused `enter` and this, the running handler may have ended and left the mailbox idle.
        let (isFull, isIdle) = mailbox.withLock { mailbox in
            (mailbox.append(item), mailbox.enter())
        }
        if isFull { session.pauseInbound() }
        if isIdle { process(AsyncWorks()) }
    }

    private func run(_ item: Mailbox.Item) -> AsyncWorks {
        switch item {
        case .event(let json, let attachments, let id):
            dispatch(json.span, attachments: attachments, id: id)
        case .work(let body): body()
        }
    }

    private func next() -> Mailbox.Item? {
        let (item, hasRoom) = mailbox.withLock { $0.next() }
        if hasRoom { session.resumeInbound() }
        return item
    }

    /// Runs what is left of the current item, then what queued up meanwhile; in place until something is asynchronous.
    private func process(_ work: AsyncWorks) {
        guard let rest = untilAsynchronous(work) else { return }
        (EventLoop.current ?? session.loop).start { await self.finish(rest) }
    }

    /// Runs in place what is not asynchronous; returns the rest, whoever gets it must `finish` it.
    private func untilAsynchronous(_ work: AsyncWorks) -> AsyncWorks? {
        var work = work
        while work.isEmpty {
            guard let item = next() else { return nil }
            work = run(item)
        }
        return work
    }

    /// Runs work to its end, and likewise what queued up meanwhile.
    nonisolated(nonsending) func finish(_ first: AsyncWorks) async {
        var work = first
        while true {
            while let step = work.next() { await step.run() }
            guard let item = next() else { return }
            work = run(item)
        }
    }

    private func dispatch(_ json: Span<UInt8>, attachments: [[UInt8]]?, id: UInt64?) -> AsyncWorks {
        do {
            return try EventDispatch(socket: self, attachments: attachments, id: id).run(
                json, namespace.handlers, ownHandlers)
        } catch {
            client.violate(error)
            return AsyncWorks()
        }
    }

    private var ownHandlers: HandlerTable? {
        hasOwnHandlers.load(ordering: .acquiring) ? life.withLock { $0.handlers } : nil
    }

    /// The reply to an event that was emitted with an acknowledgement; it passes handlers that still run.
    func receive(acknowledgement id: UInt64, _ json: Span<UInt8>, attachments: [[UInt8]]?) throws {
        var cursor = try JSONArrayCursor(
            validating: json, attachments: attachments, maximumDepth: client.jsonDepth)
        guard let pending = acknowledgements.withLock({ $0.take(id) }) else { return }
        pending.resolve(&cursor, json)
    }

    // MARK: Events out

    /// Sends an encoded packet to the client.
    @discardableResult
    func deliver(_ packet: EncodedPacket, _ delivery: Delivery) -> EmitResult {
        let result = hand(packet, delivery)
        if result.isSent { announceIfAsked(packet) }
        return result
    }

    func acknowledge(_ writer: inout PacketWriter) {
        guard !hasListenersOfOutgoing, let frame = writer.finishPlainArray() else {
            deliver(writer.finishArray(), .reliable)
            return
        }
        if isConnected { session.send(frame) }
        EventLoop.giveBack(frame.webSocket)
    }

    func addAcknowledgement(_ pending: PendingAcknowledgements.Pending) -> UInt64? {
        guard let (id, watch) = acknowledgements.withLock({ $0.add(pending) }) else { return nil }
        if let watch { watchAcknowledgements(until: watch) }
        return id
    }

    /// Waits for the acknowledgement of a broadcast; false when the socket is disconnected.
    func addAcknowledgement(_ pending: PendingAcknowledgements.Pending, id: UInt64) -> Bool {
        acknowledgements.withLock { $0.add(pending, id: id) }
    }

    /// One timer watches for the acknowledgement that is due first, however many there are.
    private func watchAcknowledgements(until deadline: MonotonicInstant) {
        let loop = session.loop
        loop.execute { [weak self] in
            _ = loop.schedule(after: max(.zero, loop.now.duration(to: deadline))) {
                self?.expireAcknowledgements(now: loop.now, watched: deadline)
            }
        }
    }

    /// Gives up waiting; false when the reply came first.
    func cancelAcknowledgement(_ id: UInt64) -> Bool {
        acknowledgements.withLock { $0.take(id) } != nil
    }

    private func expireAcknowledgements(now: MonotonicInstant, watched: MonotonicInstant) {
        let (expired, watch) = acknowledgements.withLock { $0.expire(now: now, watched: watched) }
        if let watch { watchAcknowledgements(until: watch) }
        for pending in expired { pending.fail(.timeout(pending.timeout)) }
    }

    /// Tells the outgoing catch-all handlers about a packet, if there are any.
    func announceIfAsked(_ packet: EncodedPacket) {
        if hasListenersOfOutgoing { announce(packet) }
    }

    var hasListenersOfOutgoing: Bool {
        hasOutgoingHandlers.load(ordering: .relaxed) || namespace.hasOutgoing.load(ordering: .relaxed)
    }

    /// Tells the outgoing catch-all handlers about a packet.
    private func announce(_ packet: EncodedPacket) {
        let handlers = namespace.outgoing + life.withLock { $0.outgoing }
        guard !handlers.isEmpty, let (event, arguments) = try? packet.decodedEvent() else { return }
        for handler in handlers { handler.body(self, event, arguments) }
    }
}
