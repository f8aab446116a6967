import HTTPTypes
import Logging
import ParleyHTTP
import ParleyTransport
import ParleyWire

/// Engine.IO over HTTP (protocol 4, and 3 where it is allowed): finds the session that a request belongs to, or begins one.
///
/// It uses ParleyHTTP through its public API only: requests, responses, and the upgrade hook.
final class EngineServer: Sendable {
    /// Makes what lives on a new session.
    typealias Accept = @Sendable (EngineSession, Request) -> any EngineSessionDelegate

    let options: EngineOptions
    let hooks = EngineHooks()
    let webSocketOptions: WebSocketOptions
    let logger: Logger
    let allowsPolling: Bool
    let allowsWebSocket: Bool
    private let compression: Compression?
    /// The bytes from which on an answer is compressed.
    private let compressionThreshold: UInt64
    private let accept: Accept
    private let openPackets: EngineOpenPackets
    private let table = Lock(Table())

    private struct Table {
        var sessions: [String: EngineSession] = [:]
        var isClosed = false
        var isDraining = false
        /// Who waits until there are no sessions.
        var drainWaiter: CheckedContinuation<Void, Never>?
    }

    init(options: EngineOptions, logger: Logger, accept: @escaping Accept) {
        self.options = options
        self.logger = logger
        webSocketOptions = Self.webSocketOptions(options)
        allowsPolling = options.transports.contains(.polling)
        allowsWebSocket = options.transports.contains(.webSocket)
        compression = options.pollingCompression.map { Compression($0) }
        compressionThreshold = UInt64(max(options.pollingCompression?.threshold ?? 1, 1))
        self.accept = accept
        openPackets = EngineOpenPackets(options)
    }

    /// The number of live sessions.
    var sessionCount: Int { table.withLock { $0.sessions.count } }

    /// Answers a request at the path where the server is mounted: now, unless it has to wait for its session, for content,
    /// or for the application.
    func answer(_ request: Request) throws -> Answer {
        let origin = options.origins.decide(request)
        if request.method == .options {
            let asked = request.header(.accessControlRequestHeaders)
            return .now(Response(status: .noContent, headers: origin.preflight(requestedHeaders: asked)))
        }
        var exchange = EngineExchange(server: self, request: request, origin: origin)
        do {
            if origin == .refused { throw EngineRefusal.forbidden("ORIGIN") }
            let parameters = try EngineRequest(request, for: self)
            try options.origins.check(parameters, request)
            exchange.isInitial = parameters.sessionID == nil
            return exchange.conclude(try route(parameters, exchange))
        } catch {
            return .now(try exchange.refuse(error))
        }
    }

    /// Most answers are short: they are spared the look at what the client accepts.
    func compressed(_ response: Response, for request: Request) -> Response {
        guard let compression, (response.body.length ?? 0) >= compressionThreshold else { return response }
        return compression.compressed(response, for: request)
    }

    private func route(_ parameters: EngineRequest, _ exchange: EngineExchange) throws -> Answer {
        let request = exchange.request
        guard let id = parameters.sessionID else { return try open(parameters, request) }
        guard let session = table.withLock({ $0.sessions[id] }) else {
            throw EngineRefusal.unknownSession(id)
        }
        // Who began with another revision would misread every payload from here on.
        guard session.revision == parameters.revision else {
            throw EngineRefusal.badRequest("REVISION_MISMATCH")
        }
        if parameters.isWebSocket { return .now(try upgrade(session, parameters, request)) }
        switch request.method {
        case .get: return try poll(session, parameters, exchange)
        case .post: return try post(session, parameters, request)
        default: throw EngineRefusal.badRequest("METHOD")
        }
    }

    // MARK: Handshake

    private func open(_ parameters: EngineRequest, _ request: Request) throws -> Answer {
        guard request.method == .get else { throw EngineRefusal.badHandshakeMethod(request.method) }
        guard options.allowRequest == nil, options.generateID == nil else {
            return .later { [self] in
                try await checkAllowed(request)
                return try open(await makeID(for: request), parameters, request)
            }
        }
        return .now(try open(Identifier.make(), parameters, request))
    }

    private func open(_ id: String, _ parameters: EngineRequest, _ request: Request) throws -> Response {
        let cookie = options.cookie?.cookie(for: id)
        // One that can't be set must not leave a session behind.
        _ = try cookie?.fieldValue()
        var response = try begin(id, parameters, request)
        if let cookie { try response.setCookie(cookie) }
        return response
    }

    private nonisolated(nonsending) func checkAllowed(_ request: Request) async throws(EngineRefusal) {
        guard let allowRequest = options.allowRequest else { return }
        let isAllowed: Bool
        do {
            isAllowed = try await allowRequest(request)
        } catch {
            throw .refused(by: error)
        }
        guard isAllowed else { throw .forbidden("ALLOW_REQUEST") }
    }

    private nonisolated(nonsending) func makeID(for request: Request) async throws(EngineRefusal) -> String {
        guard let generateID = options.generateID else { return Identifier.make() }
        guard let id = try? await generateID(request), Identifier.isValid(id) else {
            throw .badRequest("ID_GENERATION_ERROR")
        }
        return id
    }

    private func begin(_ id: String, _ parameters: EngineRequest, _ request: Request) throws -> Response {
        guard parameters.isWebSocket else {
            let session = try begin(id, parameters, request, loop: request.loop, transport: .polling)
            return session.form.encode([openPacket(session)], jsonp: parameters.jsonp)
        }
        return webSocket(for: request) { connection in
            guard
                let session = try? self.begin(
                    id, parameters, request, loop: connection.loop, transport: .webSocket(connection))
            else {
                connection.close(code: 1013, reason: "shutting down")
                return ClosedWebSocketHandler()
            }
            return EngineWebSocketTransport(session: session)
        }
    }

    private func begin(
        _ id: String, _ parameters: EngineRequest, _ request: Request, loop: EventLoop,
        transport: EngineSessionState.Transport
    ) throws -> EngineSession {
        let form = EnginePayloadForm(revision: parameters.revision, takesBinary: parameters.takesBinary)
        let session = EngineSession(id: id, loop: loop, server: self, form: form, transport: transport)
        try table.withLock { table in
            guard !table.isClosed else { throw HTTPError(.serviceUnavailable, "The server is shutting down") }
            guard table.sessions[id] == nil else { throw EngineRefusal.badRequest("ID_GENERATION_ERROR") }
            table.sessions[id] = session
        }
        if case .webSocket = transport { session.send(openPacket(session)) }
        session.start(accept(session, request))
        return session
    }

    private func openPacket(_ session: EngineSession) -> EngineFrame {
        openPackets.frame(
            for: session.id, upgrades: options.allowUpgrades && allowsWebSocket && session.canUpgrade)
    }

    /// A session is over. Until then it holds the server, and the server the session.
    func remove(_ session: EngineSession) {
        let waiter: CheckedContinuation<Void, Never>? = table.withLock { table in
            guard table.sessions[session.id] === session else { return nil }
            table.sessions[session.id] = nil
            guard table.sessions.isEmpty else { return nil }
            defer { table.drainWaiter = nil }
            return table.drainWaiter
        }
        waiter?.resume()
    }

    private static func webSocketOptions(_ options: EngineOptions) -> WebSocketOptions {
        var webSocket = WebSocketOptions()
        webSocket.limits.messageBytes = options.maxPayload
        webSocket.origins = .any
        webSocket.pingInterval = nil
        webSocket.compression = options.webSocketCompression
        return webSocket
    }

    // MARK: Closing

    /// Refuses new sessions, and returns those that are to be closed; none when that was begun before, as by another place
    /// where the server is mounted.
    func beginDrain() -> [EngineSession] {
        table.withLock { table in
            defer { table.isDraining = true }
            guard !table.isClosed, !table.isDraining else { return [] }
            table.isClosed = true
            return Array(table.sessions.values)
        }
    }

    /// False when there are no sessions.
    func waitForEmpty(_ continuation: CheckedContinuation<Void, Never>) -> Bool {
        table.withLock { table in
            guard !table.sessions.isEmpty, table.drainWaiter == nil else { return false }
            table.drainWaiter = continuation
            return true
        }
    }

    func takeDrainWaiter() -> CheckedContinuation<Void, Never>? {
        table.withLock { table in
            defer { table.drainWaiter = nil }
            return table.drainWaiter
        }
    }

    /// Closes every session; new ones are refused from here on.
    func close(_ reason: DisconnectReason) {
        let sessions = table.withLock { table in
            table.isClosed = true
            return Array(table.sessions.values)
        }
        for session in sessions { session.close(reason, .graceful) }
    }
}

/// Takes nothing: the handler of a connection that is being closed already.
final class ClosedWebSocketHandler: WebSocketHandler {
    func received(text: Span<UInt8>, on connection: WebSocketConnection) {}
    func received(binary: Span<UInt8>, on connection: WebSocketConnection) {}
    func receivedPong(on connection: WebSocketConnection) {}
    func becameWritable(_ connection: WebSocketConnection) {}
    func closed(_ connection: WebSocketConnection, code: UInt16, reason: String) {}
}
