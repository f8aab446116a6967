import ParleyTransport
public import ParleyWire

/// A Socket.IO client of a tested application, in one of its namespaces: over a WebSocket, with the protocol's revision 5.
///
/// ```swift
/// let chat = try await client.socket("/chat", auth: ["token": "secret"])
/// try chat.emit("join", "lobby")
/// let receipt = try await chat.request("message", "hello", as: Receipt.self)
/// #expect(try await chat.next("joined").decode(String.self) == chat.id)
/// chat.disconnect()
/// ```
///
/// What it waits for must come within the client's ``TestClient/timeout``, in real time. It answers the server's pings by
/// itself, whatever the test waits for.
public final class TestSocket: Sendable {
    /// The name of the namespace.
    public let namespace: String

    private struct State {
        var id = ""
        var pid: String?
        var offset: String?
        var isConnected = false
        var events: [TestEvent] = []
        var replies: [UInt64: MessagePackPacket] = [:]
        var nextID: UInt64 = 0
        var disconnection: TestDisconnection?
        var refusal: TestSocketError?
        var changes: UInt64 = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let connection: TestSocketConnection
    private let timeout: Duration
    private let state = Lock(State())

    init(_ namespace: String, on connection: TestSocketConnection, timeout: Duration) {
        self.namespace = namespace.hasPrefix("/") ? namespace : "/" + namespace
        self.connection = connection
        self.timeout = timeout
    }

    // MARK: What it is

    /// The id that the server gave it.
    public var id: String { state.withLock { $0.id } }

    /// Whether it is in the namespace.
    public var isConnected: Bool { state.withLock { $0.isConnected } }

    /// Why it no longer is; nil while it is.
    public var disconnection: TestDisconnection? { state.withLock { $0.disconnection } }

    /// The events that came and that nobody has taken yet.
    public var received: [TestEvent] { state.withLock { $0.events } }

    /// Whether pings are answered; a client that doesn't is put out after the server's ping timeout. Of all sockets on the
    /// same connection.
    public var answersPings: Bool {
        get { connection.answersPings }
        set { connection.answersPings = newValue }
    }

    // MARK: Sending

    /// Sends an event; does nothing once the socket is disconnected. Throws what encoding throws.
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) throws {
        let list = try Self.list(event, repeat each arguments)
        guard isConnected else { return }
        try connection.send(.event, namespace, id: nil, list)
    }

    /// Sends an event, and returns the first value of its acknowledgement.
    ///
    /// - Throws: ``TestClientError/timeout(_:after:)``, ``TestSocketError/disconnected(_:)``, and what decoding throws.
    public func request<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, as: Reply.Type = Reply.self
    ) async throws -> Reply {
        let list = try Self.list(event, repeat each arguments)
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        if isConnected { try connection.send(.event, namespace, id: id, list) }
        let reply = try await wait(for: "acknowledgement of \(event)") { $0.replies.removeValue(forKey: id) }
        var cursor = try JSONArrayCursor(
            validating: reply.json.span, attachments: reply.attachments.isEmpty ? nil : reply.attachments,
            maximumDepth: JSON.maximumEncodingDepth)
        return try cursor.next(Reply.self, in: reply.json.span)
    }

    private static func list<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) throws -> TestArguments {
        var list = TestArguments()
        try list.append(event)
        for argument in repeat each arguments { try list.append(argument) }
        return list
    }

    // MARK: Going

    /// Leaves the namespace; other sockets of the connection stay.
    public func disconnect() {
        guard isConnected else { return }
        try? connection.send(MessagePackPacket(type: .disconnect, namespace: namespace))
        connection.remove(self)
        end(.byClient)
    }

    /// Closes the connection, as a page that is left.
    public func close() { connection.close() }

    /// Breaks the connection, as a network that is lost.
    public func reset() { connection.reset() }

    /// Stops reading from the connection, as a client that can't keep up: what the server sends piles up there. Pings are
    /// not answered meanwhile either.
    public func pauseReading() async throws { try await connection.pauseReading() }

    /// Reads on.
    public func resumeReading() async throws { try await connection.resumeReading() }

    /// Joins another namespace on the same connection. See ``TestClient/socket(_:at:auth:query:headers:parser:recovering:)``.
    public func join(_ namespace: String, auth: JSONValue? = nil) async throws -> TestSocket {
        let socket = TestSocket(namespace, on: connection, timeout: timeout)
        try await socket.connect(auth)
        return socket
    }
}

// MARK: - Receiving

extension TestSocket: AsyncSequence, AsyncIteratorProtocol {
    /// An event.
    public typealias Element = TestEvent

    /// This socket.
    public func makeAsyncIterator() -> TestSocket { self }

    /// The next event; nil when the socket is disconnected. Throws ``TestClientError/timeout(_:after:)``.
    public func next() async throws -> TestEvent? {
        do {
            return try await wait(for: "event") { state in
                state.events.isEmpty ? nil : state.events.removeFirst()
            }
        } catch TestSocketError.disconnected {
            return nil
        }
    }

    /// The next event of this name; others stay where they are.
    ///
    /// - Throws: ``TestClientError/timeout(_:after:)`` or ``TestSocketError/disconnected(_:)``.
    public func next(_ name: String) async throws -> TestEvent {
        try await wait(for: "event \(name)") { state in
            state.events.firstIndex { $0.name == name }.map { state.events.remove(at: $0) }
        }
    }

    /// Waits until the server, or a lost connection, ends the socket.
    @discardableResult
    public func waitForDisconnection() async throws -> TestDisconnection {
        do {
            return try await wait(for: "disconnection") { _ in nil }
        } catch TestSocketError.disconnected(let reason) {
            return reason
        }
    }

    /// What the probe finds in the state, now or after a change. What came before a disconnection is still found.
    private func wait<Value: Sendable>(
        for what: String, _ probe: @escaping @Sendable (inout State) -> Value?
    ) async throws -> Value {
        try await TestClient.limited("\(what) in \(namespace)", to: timeout) { [self] in
            while true {
                try Task.checkCancellation()
                let (value, changes) = try state.withLock { state in
                    if let value = probe(&state) { return (value as Value?, state.changes) }
                    if let refusal = state.refusal { throw refusal }
                    if let reason = state.disconnection { throw TestSocketError.disconnected(reason) }
                    return (nil, state.changes)
                }
                if let value { return value }
                await change(since: changes)
            }
        }
    }

    private func change(since changes: UInt64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if Task.isCancelled || state.changes != changes { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            update { _ in }
        }
    }

    private func update(_ change: (inout State) -> Void) {
        let waiting = state.withLock { state in
            change(&state)
            state.changes += 1
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

// MARK: - The connection's side

extension TestSocket {
    /// Asks for the namespace, and waits for the answer.
    func connect(_ auth: JSONValue?, recovering former: TestSocket? = nil) async throws {
        try connection.add(self)
        do {
            try connection.send(try connectPacket(auth, recovering: former))
            // Whether it still is in the namespace by now is another question.
            try await wait(for: "answer to CONNECT") { $0.id.isEmpty ? nil : () }
        } catch {
            connection.remove(self)
            throw error
        }
    }

    private func connectPacket(
        _ auth: JSONValue?, recovering former: TestSocket?
    ) throws -> MessagePackPacket {
        var members: [String: JSONValue] = [:]
        if let auth {
            guard case .object(let given) = auth else { throw TestSocketError.violation("auth is an object") }
            members = given
        }
        if let (pid, offset) = former?.state.withLock({ ($0.pid, $0.offset) }) {
            members["pid"] = pid.map { .string($0) }
            members["offset"] = offset.map { .string($0) }
        }
        var json: [UInt8] = []
        if !members.isEmpty { try JSON.encode(JSONValue.object(members), into: &json) }
        return MessagePackPacket(type: .connect, namespace: namespace, json: json)
    }

    /// Whether a packet of this type may come for it: none before the answer to CONNECT.
    func takes(_ type: SocketIOPacketType) -> Bool {
        isConnected || type == .connect || type == .connectError
    }

    /// A packet of the namespace came. On the loop.
    func receive(_ packet: MessagePackPacket) throws {
        switch packet.type {
        case .connect: try connected(packet)
        case .connectError:
            let refusal = try JSON.decode(Refusal.self, from: packet.json.span)
            connection.remove(self)
            update { $0.refusal = .refused(message: refusal.message, data: refusal.data) }
        case .event, .binaryEvent: try add(TestEvent(packet, on: connection))
        case .ack, .binaryAck: if let id = packet.id { update { $0.replies[id] = packet } }
        case .disconnect:
            connection.remove(self)
            end(.byServer)
        }
    }

    private struct Refusal: Decodable {
        var message: String
        var data: JSONValue?
    }

    private struct Session: Decodable {
        var sid: String
        var pid: String?
    }

    private func connected(_ packet: MessagePackPacket) throws {
        let session = try JSON.decode(Session.self, from: packet.json.span)
        update { state in
            (state.id, state.pid, state.isConnected) = (session.sid, session.pid, true)
        }
    }

    /// With connection state recovery the last argument of an event is its offset, which is the protocol's affair.
    private func add(_ event: TestEvent) throws {
        update { state in
            guard state.pid != nil, !event.expectsAcknowledgement,
                case .string(let offset) = event.arguments.last
            else { return state.events.append(event) }
            state.offset = offset
            state.events.append(TestEvent(withoutLast: event))
        }
    }

    func end(_ reason: TestDisconnection) {
        update { state in
            state.isConnected = false
            state.disconnection = state.disconnection ?? reason
        }
    }
}
