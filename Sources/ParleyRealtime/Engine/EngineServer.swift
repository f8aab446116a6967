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
    private let compression: Compression?
    private let accept: Accept
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
        compression = options.pollingCompression.map { Compression($0) }
        self.accept = accept
    }

    /// The number of live sessions.
    var sessionCount: Int { table.withLock { $0.sessions.count } }

    /// Answers a request at the path where the server is mounted.
    func respond(to request: Request) async throws -> Response {
        let origin = options.origins.decide(request)
        if request.method == .options {
            return Response(
                status: .noContent,
                headers: origin.preflight(requestedHeaders: request.header(.accessControlRequestHeaders)))
        }
        var response: Response
        do {
            if origin == .refused { throw EngineRefusal.forbidden("ORIGIN") }
            let parameters = try EngineRequest(request, options: options)
            try options.origins.check(parameters, request)
            response = try await route(parameters, request)
            response = await compressed(response, for: request)
            hooks.apply(to: &response.headers, of: request, isInitial: parameters.sessionID == nil)
        } catch let refusal as EngineRefusal {
            hooks.report(refusal, request)
            response = refusal.response
        } catch let error as HTTPError {
            logger.debug("an Engine.IO request is refused", metadata: ["error": "\(error.message)"])
            response = .text(error.message, status: error.status)
        }
        origin.apply(to: &response.headers)
        response.headers[.cacheControl] = "no-store"
        return response
    }

    /// Most answers are short: they are spared the look at what the client accepts.
    private func compressed(_ response: Response, for request: Request) async -> Response {
        guard let compression, let threshold = options.pollingCompression?.threshold,
            (response.body.length ?? 0) >= UInt64(max(threshold, 1))
        else { return response }
        return await compression.compressed(response, for: request)
    }

    private func route(_ parameters: EngineRequest, _ request: Request) async throws -> Response {
        guard let id = parameters.sessionID else {
            return try await open(parameters, request)
        }
        guard let session = table.withLock({ $0.sessions[id] }) else {
            throw EngineRefusal.unknownSession(id)
        }
        // Who began with another revision would misread every payload from here on.
        guard session.revision == parameters.revision else {
            throw EngineRefusal.badRequest("REVISION_MISMATCH")
        }
        if parameters.isWebSocket { return try upgrade(session, parameters, request) }
        switch request.method {
        case .get: return try await poll(session, parameters)
        case .post: return try await post(session, parameters, request)
        default: throw EngineRefusal.badRequest("METHOD")
        }
    }

    // MARK: Handshake

    private func open(_ parameters: EngineRequest, _ request: Request) async throws -> Response {
        guard request.method == .get else { throw EngineRefusal.badHandshakeMethod(request.method) }
        try await checkAllowed(request)
        let id = try await makeID(for: request)
        let cookie = options.cookie?.cookie(for: id)
        // One that can't be set must not leave a session behind.
        _ = try cookie?.fieldValue()
        var response = try begin(id, parameters, request)
        if let cookie { try response.setCookie(cookie) }
        return response
    }

    private func checkAllowed(_ request: Request) async throws(EngineRefusal) {
        guard let allowRequest = options.allowRequest else { return }
        let isAllowed: Bool
        do {
            isAllowed = try await allowRequest(request)
        } catch {
            throw .refused(by: error)
        }
        guard isAllowed else { throw .forbidden("ALLOW_REQUEST") }
    }

    private func makeID(for request: Request) async throws(EngineRefusal) -> String {
        guard let generateID = options.generateID else { return Identifier.make() }
        guard let id = try? await generateID(request), Identifier.isValid(id) else {
            throw .badRequest("ID_GENERATION_ERROR")
        }
        return id
    }

    private func begin(_ id: String, _ parameters: EngineRequest, _ request: Request) throws -> Response {
        guard parameters.isWebSocket else {
            let session = try begin(id, parameters, request, loop: request.loop, transport: .polling)
            return session.form.encode([EngineFrame(handshakeOf: session)], jsonp: parameters.jsonp)
        }
        return Response.webSocket(for: request, options: webSocketOptions) { connection in
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
        if case .webSocket = transport { session.send(EngineFrame(handshakeOf: session)) }
        session.start(accept(session, request))
        return session
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

extension EngineFrame {
    /// The open packet (Engine.IO protocol, "Handshake"; both revisions have the same).
    fileprivate init(handshakeOf session: EngineSession) {
        let options = session.options
        let canUpgrade =
            options.allowUpgrades && options.transports.contains(.webSocket) && session.canUpgrade
        var text: [UInt8] = [0, 0, EngineIOPacketType.open.rawValue]
        text.append(contentsOf: #"{"sid":""#.utf8)
        // `Identifier.isValid` lets nothing pass that JSON escapes.
        text.append(contentsOf: session.id.utf8)
        text.append(contentsOf: (canUpgrade ? #"","upgrades":["websocket"]"# : #"","upgrades":[]"#).utf8)
        text.append(contentsOf: #","pingInterval":\#(options.pingInterval.milliseconds)"#.utf8)
        text.append(contentsOf: #","pingTimeout":\#(options.pingTimeout.milliseconds)"#.utf8)
        text.append(contentsOf: #","maxPayload":\#(options.maxPayload)}"#.utf8)
        self.init(textBehindReservation: text)
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
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
