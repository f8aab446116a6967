import ParleyHTTP
import ParleyTransport
import ParleyWire

/// The Socket.IO connection on an Engine.IO session: takes packets apart, and knows the client's socket in
/// each namespace.
final class Client: EngineSessionDelegate {
    let session: EngineSession
    private let realtime: RealtimeCore
    private let flood: FloodGate?
    private let request: Request
    private let state = Lock(ClientState())
    /// Ends a session that joins no namespace; touched on the session's loop only.
    nonisolated(unsafe) private var connectTimer: LoopTimer?
    /// Ends a session whose attachments never come; touched on the session's loop only.
    nonisolated(unsafe) private var assemblyTimer: LoopTimer?
    /// What asynchronous handlers have begun during this read; touched on the session's loop only.
    @exclusivity(unchecked) nonisolated(unsafe) var begun: [(Socket, AsyncWorks)] = []

    init(session: EngineSession, request: Request, realtime: RealtimeCore) {
        self.session = session
        self.request = request
        self.realtime = realtime
        flood = realtime.options.flood.map { FloodGate($0) }
        let loop = session.loop
        let timeout = realtime.options.engine.connectTimeout
        // Not weak: an object with weak references counts all others by way of a side table, which every packet would
        // pay for. The cycle ends when the timer fires or the client goes.
        loop.execute { self.connectTimer = loop.schedule(after: timeout) { self.expectNamespace() } }
    }

    /// A session that joined no namespace in time is of no use.
    private func expectNamespace() {
        connectTimer = nil
        guard state.withLock({ $0.hasNoNamespace }) else { return }
        session.close(.forcedServerClose, .graceful)
    }

    // MARK: Packets in

    func received(text: Span<UInt8>) {
        if let flood, !admit(text.count, by: flood) { return }
        guard parser == .json else {
            return violate(SocketIOError.malformed("text where packets are MessagePack"))
        }
        receive(packet: text, attachments: nil)
    }

    private func receive(packet text: Span<UInt8>, attachments: [[UInt8]]?) {
        do {
            let decoder = session.revision == .three ? realtime.engineIO3Decoder : realtime.decoder
            var head = try decoder.head(of: text)
            var query: String?
            if session.revision == .three { query = try head.splitNamespace(text, realtime.options.limits) }
            switch head.type {
            case .event, .ack:
                let socket = try state.withLock { try $0.recipient(head, text) }
                try receive(head, text.extracting(head.payload), attachments, socket)
            case .binaryEvent, .binaryAck:
                try beginBinary(head, text)
            case .connect: try connect(head, text, query)
            case .disconnect: try leave(head, text)
            case .connectError: throw SocketIOError.malformed("CONNECT_ERROR from a client")
            }
        } catch {
            violate(error)
        }
    }

    func received(binary: [UInt8]) {
        if let flood, !admit(binary.count, by: flood) { return }
        if parser == .messagePack { return receive(messagePack: binary.span) }
        do {
            let limit = realtime.options.attachmentLimit
            guard let packet = try state.withLock({ try $0.attach(binary, limit: limit) }) else { return }
            try receive(packet.head, packet.json.span, packet.attachments, packet.socket)
        } catch {
            violate(error)
        }
    }

    private func receive(messagePack message: Span<UInt8>) {
        do {
            let limits = realtime.options.limits.forRevision(session.revision)
            let packet = try MessagePackPacket(decoding: message, limits: limits)
            let attachments = packet.attachments.isEmpty ? nil : packet.attachments
            receive(packet: packet.text.span, attachments: attachments)
        } catch {
            violate(error)
        }
    }

    private func receive(
        _ head: SocketIOPacketHead, _ json: Span<UInt8>, _ attachments: [[UInt8]]?, _ socket: Socket?
    ) throws {
        guard let socket else { return }
        switch head.type {
        case .ack, .binaryAck:
            guard let id = head.id else { return }
            try socket.receive(acknowledgement: id, json, attachments: attachments)
        default:
            if let flood, flood.action == .drop, flood.isOver {
                counters.floodDropped.add(1, ordering: .relaxed)
                return
            }
            socket.receive(json, attachments: attachments, id: head.id)
        }
    }

    private func beginBinary(_ head: SocketIOPacketHead, _ text: Span<UInt8>) throws {
        let socket = try state.withLock { try $0.recipient(head, text) }
        guard head.attachments > 0 else {
            return try receive(head, text.extracting(head.payload), nil, socket)
        }
        let assembly = BinaryAssembly(
            head: head, json: Array(span: text.extracting(head.payload)), socket: socket,
            begin: session.loop.instant)
        if state.withLock({ $0.begin(assembly) }) { watchAssembly(after: realtime.options.assemblyTimeout) }
    }

    /// One timer watches for packets whose attachments never come, however many packets there are.
    private func watchAssembly(after delay: Duration) {
        let loop = session.loop
        loop.execute { self.assemblyTimer = loop.schedule(after: delay) { self.checkAssembly() } }
    }

    private func checkAssembly() {
        switch state.withLock({
            $0.checkAssembly(now: session.loop.now, timeout: realtime.options.assemblyTimeout)
        }) {
        case .idle: break
        case .expired: violate(SocketIOError.limit("attachments that take longer than assemblyTimeout"))
        case .wait(let delay): watchAssembly(after: delay)
        }
    }

    /// The client broke the protocol, or went beyond a limit: which, only the log says.
    func violate(_ error: any Error) {
        realtime.logger.debug("a client is disconnected for what it sent", metadata: ["error": "\(error)"])
        session.close(.parseError)
    }

    // MARK: Namespaces

    private func connect(_ head: SocketIOPacketHead, _ text: Span<UInt8>, _ query: String?) throws {
        let name = ClientState.name(head, text)
        guard session.revision == .four else { return try joinByName(name, query) }
        var auth = JSONValue.null
        if !head.payload.isEmpty {
            auth = try JSON.decode(
                JSONValue.self, from: text.extracting(head.payload), maximumDepth: jsonDepth)
            guard case .object = auth else { throw SocketIOError.malformed("auth is no object") }
        }
        try join(name, auth: auth, query: nil)
    }

    /// Begins the handshake with a namespace.
    func join(_ name: String, auth: JSONValue, query: String?) throws {
        guard let entrance = realtime.entrance(to: name) else {
            return send(refusal(ConnectError("Invalid namespace"), of: name))
        }
        let limit = realtime.options.maxNamespacesPerClient
        guard try state.withLock({ try $0.reserve(name, limit: limit) }) else { return }
        // Old clients have no use for recovery: they send nothing back.
        let claim = session.revision == .four ? entrance.claim(auth, by: self) : nil
        begin(entrance, auth, query, claim)
    }

    /// Asks whoever is to be asked, which may be nobody for a client that comes back to its session.
    private func begin(
        _ entrance: Entrance, _ auth: JSONValue, _ query: String?, _ claim: SessionRecovery.Claim?
    ) {
        let handshake = Handshake(
            request: request, auth: auth, namespace: entrance.name, namespaceQuery: query)
        if let claim { handshake.adopt(claim.session) }
        do {
            if let namespace = try entrance.open(handshake, claim) {
                return admit(handshake, by: entrance, to: namespace, claim)
            }
        } catch {
            return refuse(error, by: entrance.name, claim)
        }
        let attempt = state.withLock { $0.beginAttempt(entrance.name) }
        let task = session.loop.start { [self] in
            do {
                let namespace = try await entrance.pass(handshake, claim)
                guard Task.isCancelled else {
                    return admit(handshake, by: entrance, to: namespace, claim)
                }
                namespace.lost()
                claim?.giveBack()
            } catch {
                refuse(error, by: entrance.name, claim)
            }
        }
        if !state.withLock({ $0.keep(task, for: entrance.name, attempt: attempt) }) { task.cancel() }
    }

    private func admit(
        _ handshake: Handshake, by entrance: Entrance, to namespace: Namespace,
        _ claim: SessionRecovery.Claim?
    ) {
        if session.revision == .four, let recovery = namespace.recovery {
            guard claim == nil || claim?.recovery === recovery else {
                // Another parent's predicate took the client this time.
                namespace.lost()
                claim?.refuse()
                return begin(entrance, handshake.auth, nil, nil)
            }
            switch recovery.admit(claim, handshake: handshake, namespace: namespace, client: self) {
            case .entered(let socket, let isConnected): socket.begin(isConnected: isConnected)
            case .clientGone: break
            case .eventsDropped: begin(entrance, handshake.auth, nil, nil)
            }
            return
        }
        let socket = Socket(
            id: socketID(in: namespace), namespace: namespace, client: self, handshake: handshake)
        guard register(socket) else { return namespace.lost() }
        socket.join()
        socket.begin(isConnected: socket.connect())
    }

    /// Makes the socket the client's in its namespace. False: the client is gone.
    func register(_ socket: Socket) -> Bool {
        guard state.withLock({ $0.admit(socket) }) else { return false }
        if session.loop.isCurrent {
            endConnectTimer()
        } else {
            session.loop.execute { self.endConnectTimer() }
        }
        return true
    }

    private func endConnectTimer() {
        connectTimer?.cancel()
        connectTimer = nil
    }

    private func refuse(_ error: any Error, by namespace: String, _ claim: SessionRecovery.Claim?) {
        guard state.withLock({ $0.release(namespace) }) else { claim?.giveBack(); return }
        claim?.refuse()
        let refusal = error as? ConnectError ?? ConnectError(hiding: error)
        if !(error is ConnectError), !(error is HTTPError) {
            realtime.logger.error("namespace middleware threw", metadata: ["error": "\(error)"])
        }
        send(self.refusal(refusal, of: namespace))
    }

    private func leave(_ head: SocketIOPacketHead, _ text: Span<UInt8>) throws {
        let limit = realtime.options.maxNamespacesPerClient
        let socket = try state.withLock { state in
            let socket = try state.recipient(head, text)
            if let socket { try state.depart(socket, limit: limit) }
            return socket
        }
        guard let socket else { return }
        followAtOnce()
        socket.close(.clientNamespaceDisconnect)
        socket.whenIdle { [self] in state.withLock { $0.departed() } }
    }

    /// The server makes a socket leave.
    func expel(_ socket: Socket) { state.withLock { $0.expel(socket) } }

    /// Makes the client leave all its namespaces, then closes the connection.
    func disconnect() {
        for socket in state.withLock({ $0.sockets }) { socket.disconnect() }
        session.close(.forcedServerClose, .graceful)
    }

    // MARK: Packets out, and the end

    func send(_ packet: EncodedPacket) {
        session.send(packet)
    }

    var sockets: [Socket] { state.withLock { $0.sockets } }
    /// Whether the client is in the root namespace, or about to be.
    var isInRoot: Bool { state.withLock { $0.isInRoot } }
    var counters: DeliveryCounters { realtime.counters }

    func whenIdle(_ body: @escaping @Sendable () -> Void) {
        Self.whenIdle(sockets[...], body)
    }

    private static func whenIdle(_ sockets: ArraySlice<Socket>, _ body: @escaping @Sendable () -> Void) {
        guard let first = sockets.first else { return body() }
        first.whenAllHandled { whenIdle(sockets.dropFirst(), body) }
    }

    var parser: PacketParser { realtime.options.parser }

    /// The nesting that packets' JSON may have.
    var jsonDepth: Int { realtime.options.limits.jsonDepth }

    func closed(_ reason: DisconnectReason) {
        followAtOnce()
        session.loop.execute { [self] in
            endConnectTimer()
            assemblyTimer?.cancel()
            assemblyTimer = nil
        }
        let (sockets, tasks) = state.withLock { $0.close() }
        for task in tasks { task.cancel() }
        for socket in sockets { socket.close(reason) }
    }
}
