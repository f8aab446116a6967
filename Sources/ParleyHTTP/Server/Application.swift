public import Logging
public import ParleyTransport

/// A web application: routes, groups and middleware, and the server that answers with them.
///
/// ```swift
/// let app = Application()
/// app.use(AccessLog())
/// app.get("/hello/:name") { request in "Hello, \(request.parameters["name"] ?? "")!" }
/// try await app.run(port: 8080)
/// ```
///
/// Register everything before ``run(host:port:started:)``, ``start(host:port:)`` or ``respond(to:)`` is called.
public final class Application: RouteBuilder {
    /// The limits and times.
    public let configuration: ServerConfiguration
    /// Where the server and its handlers' failures are logged.
    public let logger: Logger
    /// The scope of all routes.
    public let scope: RouteScope

    /// Creates an application without routes.
    public init(
        configuration: ServerConfiguration = ServerConfiguration(), logger: Logger = Logger(label: "parley")
    ) {
        self.configuration = configuration
        self.logger = logger
        scope = RouteScope(prefix: "", hooks: ShutdownHooks())
    }

    /// Answers a request in memory, without a server. The routes are compiled anew at each call.
    package func respond(to request: Request) async -> Response {
        await Responder(scope: scope, logger: logger).respond(to: request)
    }
}

// MARK: - Serving

extension Application {
    /// Starts to serve, and returns when the server listens.
    ///
    /// - Parameters:
    ///   - host: a numeric address or a name; `0.0.0.0` is all of IPv4, `::` all of both.
    ///   - port: the port; 0 lets the system choose one.
    /// - Throws: `TransportError` when the address can't be listened on, `TLSError` when a certificate or key can't be used.
    public func start(host: String = "127.0.0.1", port: some BinaryInteger) async throws -> RunningServer {
        try await start(on: [try address(host, port)])
    }

    /// Starts to serve at several addresses, or at one of another kind than TCP, and returns when the server listens on all.
    ///
    /// - Throws: `TransportError` when one of the addresses can't be listened on; then none is. `TLSError` when a certificate or key
    ///   can't be used.
    public func start(on addresses: [ListenAddress]) async throws -> RunningServer {
        try await start(on: addresses) { _ in }
    }

    /// Serves until the process is told to stop (SIGINT, SIGTERM); SIGHUP reloads the certificates. Then lets requests in
    /// flight finish, up to ``ServerConfiguration/shutdownDeadline``, and returns. A second signal ends the process at once.
    ///
    /// - Parameters:
    ///   - host: a numeric address or a name; `0.0.0.0` is all of IPv4, `::` all of both.
    ///   - port: the port; 0 lets the system choose one.
    ///   - started: called when the server listens. What it throws stops the server, and is thrown.
    /// - Throws: `TransportError` when the address can't be listened on, `TLSError` when a certificate or key can't be used.
    public func run(
        host: String = "127.0.0.1", port: some BinaryInteger,
        started: (RunningServer) async throws -> Void = { _ in }
    ) async throws {
        try await run(on: [try address(host, port)], started: started)
    }

    /// Serves at several addresses, or at one of another kind than TCP, until the process is told to stop; see
    /// ``run(host:port:started:)``.
    ///
    /// - Throws: `TransportError` when one of the addresses can't be listened on; then none is. `TLSError` when a certificate or key
    ///   can't be used.
    public func run(
        on addresses: [ListenAddress], started: (RunningServer) async throws -> Void = { _ in }
    ) async throws {
        // Before anybody can connect: a signal that comes then must not cut off who did.
        var signals: ProcessSignals?
        let server = try await start(on: addresses) {
            signals = await ProcessSignals.watch(on: $0.loops[0])
        }
        do {
            try await started(server)
        } catch {
            signals?.cancel()
            await server.shutdown(deadline: .zero)
            throw error
        }
        if let signal = await signals?.waitForStop(onHangUp: { await server.reloadForSignal() }) {
            logger.info("shutting down", metadata: ["signal": "\(signal)"])
        }
        await server.shutdown(deadline: configuration.shutdownDeadline)
    }

    private func start(
        on addresses: [ListenAddress], prepare: (EventLoopGroup) async -> Void
    ) async throws -> RunningServer {
        let server = try await RunningServer.start(self, on: addresses, prepare: prepare)
        for address in server.addresses { logger.info("listening", metadata: ["address": "\(address)"]) }
        return server
    }

    private func address(_ host: String, _ port: some BinaryInteger) throws -> ListenAddress {
        guard let number = UInt16(exactly: port) else {
            throw TransportError.unresolved(host: host, reason: "there is no port \(port)")
        }
        return .tcp(host: host, port: number)
    }
}
