import ParleyHTTP
import ParleyTransport
import ParleyWire

/// The Socket.IO connection on an Engine.IO session: takes packets apart, and knows the client's socket in
/// each namespace.
final class Client: EngineSessionDelegate {
    let session: EngineSession
    private let realtime: RealtimeCore
    private let request: Request
    private let state = Lock(ClientState())
    private let decoder: SocketIODecoder
    /// Ends a session that joins no namespace; touched on the session's loop only.
    nonisolated(unsafe) private var connectTimer: LoopTimer?
    /// Ends a session whose attachments never come; touched on the session's loop only.
    nonisolated(unsafe) private var assemblyTimer: LoopTimer?

    init(session: EngineSession, request: Request, realtime: RealtimeCore) {
        self.session = session
        self.request = request
        self.realtime = realtime
        decoder = SocketIODecoder(limits: realtime.options.limits.forRevision(session.revision))
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
        do {
            var head = try decoder.head(of: text)
            var query: String?
            if session.revision == .three { query = try head.splitNamespace(text, realtime.options.limits) }
            switch head.type {
            case .event, .ack:
                let socket = try state.withLock { try $0.recipient(head, text) }
                try receive(head, text.extracting(head.payload), nil, socket)
            case .binaryEvent, .binaryAck:
                try beginBinary(head, text)
            case .connect: try connect(head, text, query)
            case .disconnect: try leave(head, text)
            case .connectError: throw SocketIOError.malformed("CONNECT_ERROR from a client")
            }
        } catch {
            violate()
        }
    }

    func received(binary: [UInt8]) {
        do {
            let limit = realtime.options.attachmentLimit
            guard let packet = try state.withLock({ try $0.attach(binary, limit: limit) }) else { return }
            try receive(packet.head, packet.json.span, packet.attachments, packet.socket)
        } catch {
            violate()
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
            socket.receive(json, attachments: attachments, id: head.id)
        }
    }

    private func beginBinary(_ head: SocketIOPacketHead, _ text: Span<UInt8>) throws {
        let socket = try state.withLock { try $0.recipient(head, text) }
        guard head.attachments > 0 else {
            return try receive(head, text.extracting(head.payload), nil, socket)
        }
        let assembly = BinaryAssembly(
            head: head, json: Array(span: text.extracting(head.payload)), socket: socket)
        if state.withLock({ $0.begin(assembly) }) { watchAssembly(after: realtime.options.assemblyTimeout) }
    }

    /// One timer watches for packets whose attachments never come, however many packets there are.
    private func watchAssembly(after delay: Duration) {
        let loop = session.loop
        loop.execute { self.assemblyTimer = loop.schedule(after: delay) { self.checkAssembly() } }
    }

    private func checkAssembly() {
        switch state.withLock({ $0.checkAssembly(now: .now, timeout: realtime.options.assemblyTimeout) }) {
        case .idle: break
        case .expired: violate()
        case .wait(let delay): watchAssembly(after: delay)
        }
    }

    /// The client broke the protocol.
    func violate() { session.close(.parseError) }

    // MARK: Namespaces

    private func connect(_ head: SocketIOPacketHead, _ text: Span<UInt8>, _ query: String?) throws {
        let name = ClientState.name(head, text)
        guard session.revision == .four else { return try join(name, auth: .null, query: query) }
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
        let handshake = Handshake(request: request, auth: auth, namespace: name, namespaceQuery: query)
        do {
            if let namespace = try entrance.open(handshake) { return admit(handshake, to: namespace) }
        } catch {
            return refuse(error, by: name)
        }
        let task = session.loop.start { [self] in
            do {
                let namespace = try await entrance.pass(handshake)
                if Task.isCancelled { namespace.lost() } else { admit(handshake, to: namespace) }
            } catch {
                refuse(error, by: name)
            }
        }
        if !state.withLock({ $0.keep(task, for: name) }) { task.cancel() }
    }

    private func admit(_ handshake: Handshake, to namespace: Namespace) {
        let socket = Socket(
            id: socketID(in: namespace), namespace: namespace, client: self, handshake: handshake)
        guard state.withLock({ $0.admit(socket) }) else { return namespace.lost() }
        socket.open()
    }

    private func refuse(_ error: any Error, by namespace: String) {
        guard state.withLock({ $0.release(namespace) }) else { return }
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
        session.send(packet.frame, attachments: packet.attachments(for: session))
    }

    /// The nesting that packets' JSON may have.
    var jsonDepth: Int { realtime.options.limits.jsonDepth }

    func closed(_ reason: DisconnectReason) {
        session.loop.execute { [self] in
            connectTimer?.cancel()
            connectTimer = nil
            assemblyTimer?.cancel()
            assemblyTimer = nil
        }
        let (sockets, tasks) = state.withLock { $0.close() }
        for task in tasks { task.cancel() }
        for socket in sockets { socket.close(reason) }
    }
}
