import HTTPTypes
import ParleyHTTP
import ParleyTransport
import ParleyWire

/// Engine.IO over HTTP (protocol 4): finds the session that a request belongs to, or begins one.
///
/// It uses ParleyHTTP through its public API only: requests, responses, and the upgrade hook.
final class EngineServer: Sendable {
    /// Makes what lives on a new session.
    typealias Accept = @Sendable (EngineSession, Request) -> any EngineSessionDelegate

    let options: EngineOptions
    private let accept: Accept
    private let table = Lock(Table())

    private struct Table {
        var sessions: [String: EngineSession] = [:]
        var isClosed = false
        var isDraining = false
        /// Who waits until there are no sessions.
        var drainWaiter: CheckedContinuation<Void, Never>?
    }

    init(options: EngineOptions, accept: @escaping Accept) {
        self.options = options
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
            if origin == .refused { throw EngineRefusal.forbidden }
            response = try await route(EngineRequest(request, options: options), request)
        } catch let refusal as EngineRefusal {
            response = refusal.response
        } catch let error as HTTPError {
            response = .text(error.message, status: error.status)
        }
        origin.apply(to: &response.headers)
        response.headers[.cacheControl] = "no-store"
        return response
    }

    private func route(_ parameters: EngineRequest, _ request: Request) async throws -> Response {
        guard let id = parameters.sessionID else {
            return try await open(parameters, request)
        }
        guard let session = table.withLock({ $0.sessions[id] }) else { throw EngineRefusal.unknownSession }
        if parameters.isWebSocket { return try upgrade(session, request) }
        switch request.method {
        case .get: return try await poll(session)
        case .post: return try await post(session, request)
        default: throw EngineRefusal.badRequest
        }
    }

    // MARK: Handshake

    private func open(_ parameters: EngineRequest, _ request: Request) async throws -> Response {
        guard request.method == .get else { throw EngineRefusal.badHandshakeMethod }
        if let allowRequest = options.allowRequest {
            guard (try? await allowRequest(request)) == true else { throw EngineRefusal.forbidden }
        }
        let id = options.generateID?(request) ?? Identifier.make()
        let cookie = options.cookie?.cookie(for: id)
        // One that can't be set must not leave a session behind.
        _ = try cookie?.fieldValue()
        var response = try begin(id, parameters, request)
        if let cookie { try response.setCookie(cookie) }
        return response
    }

    private func begin(_ id: String, _ parameters: EngineRequest, _ request: Request) throws -> Response {
        guard parameters.isWebSocket else {
            let session = try begin(id, request, loop: request.loop, transport: .polling)
            return pollingResponse([EngineFrame(handshakeOf: session)])
        }
        return Response.webSocket(for: request, options: webSocketOptions) { connection in
            guard
                let session = try? self.begin(
                    id, request, loop: connection.loop, transport: .webSocket(connection))
            else {
                connection.close(code: 1013, reason: "shutting down")
                return ClosedWebSocketHandler()
            }
            return EngineWebSocketTransport(session: session)
        }
    }

    private func begin(
        _ id: String, _ request: Request, loop: EventLoop, transport: EngineSessionState.Transport
    ) throws -> EngineSession {
        let session = EngineSession(id: id, loop: loop, options: options, transport: transport) {
            [weak self] session in self?.remove(session)
        }
        try table.withLock { table in
            guard !table.isClosed else { throw HTTPError(.serviceUnavailable, "The server is shutting down") }
            guard table.sessions[id] == nil else { throw EngineRefusal.badRequest }
            table.sessions[id] = session
        }
        if case .webSocket = transport { session.send(EngineFrame(handshakeOf: session)) }
        session.start(accept(session, request))
        return session
    }

    private func remove(_ session: EngineSession) {
        let waiter: CheckedContinuation<Void, Never>? = table.withLock { table in
            guard table.sessions[session.id] === session else { return nil }
            table.sessions[session.id] = nil
            guard table.sessions.isEmpty else { return nil }
            defer { table.drainWaiter = nil }
            return table.drainWaiter
        }
        waiter?.resume()
    }

    private var webSocketOptions: WebSocketOptions {
        var webSocket = WebSocketOptions()
        webSocket.limits.messageBytes = options.maxPayload
        webSocket.origins = .any
        webSocket.pingInterval = nil
        webSocket.compression = options.webSocketCompression
        return webSocket
    }

    // MARK: Polling

    private func poll(_ session: EngineSession) async throws -> Response {
        switch await session.poll() {
        case .packets(let frames): return pollingResponse(frames)
        case .refused: throw EngineRefusal.badRequest
        }
    }

    private func pollingResponse(_ frames: [EngineFrame]) -> Response {
        var body: [UInt8] = []
        body.reserveCapacity(frames.reduce(0) { $0 + $1.webSocket.count })
        for (index, frame) in frames.enumerated() {
            if index > 0 { body.append(EngineIOPayloadDecoder.separator) }
            frame.appendPollingPacket(to: &body)
        }
        return Response(headers: [.contentType: "text/plain; charset=UTF-8"], body: .bytes(body))
    }

    private func post(_ session: EngineSession, _ request: Request) async throws -> Response {
        if request.header(.contentType) == "application/octet-stream" { throw EngineRefusal.badRequest }
        let isAccepted = try await session.post {
            try await request.body.collect(upTo: options.maxPayload)
        }
        guard isAccepted else { throw EngineRefusal.badRequest }
        return .text("ok", type: "text/html")
    }

    // MARK: Upgrade

    private func upgrade(_ session: EngineSession, _ request: Request) throws(EngineRefusal) -> Response {
        guard options.allowUpgrades, options.transports.contains(.webSocket), session.canUpgrade else {
            throw .badRequest
        }
        return Response.webSocket(for: request, options: webSocketOptions) { connection in
            guard session.beginUpgrade(connection) else {
                connection.close(code: 1000, reason: "")
                return ClosedWebSocketHandler()
            }
            return EngineWebSocketTransport(
                candidate: connection, session: session, timeout: self.options.upgradeTimeout)
        }
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
    /// The open packet (Engine.IO protocol 4, "Handshake").
    fileprivate init(handshakeOf session: EngineSession) {
        let options = session.options
        let canUpgrade =
            options.allowUpgrades && options.transports.contains(.webSocket) && session.canUpgrade
        var text: [UInt8] = [0, 0, EngineIOPacketType.open.rawValue]
        text.append(contentsOf: #"{"sid":""#.utf8)
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
private final class ClosedWebSocketHandler: WebSocketHandler {
    func received(text: Span<UInt8>, on connection: WebSocketConnection) {}
    func received(binary: Span<UInt8>, on connection: WebSocketConnection) {}
    func receivedPong(on connection: WebSocketConnection) {}
    func becameWritable(_ connection: WebSocketConnection) {}
    func closed(_ connection: WebSocketConnection, code: UInt16, reason: String) {}
}
