import Logging
public import ParleyTransport

/// A server that listens: what ``Application/start(host:port:)`` returns.
public final class RunningServer: Sendable {
    /// The address that is listened on: the first one.
    public let address: SocketAddress
    /// All addresses that are listened on, in the order in which they were given. `localhost`, and sockets of systemd that share
    /// a name, are several.
    public var addresses: [SocketAddress] { listeners.flatMap(\.localAddresses) }
    /// The first TCP port that is listened on, which the system chose when 0 was asked for; 0 when there are Unix domain sockets
    /// only.
    public var port: Int { Int(addresses.first { !$0.isUnix }?.port ?? 0) }

    private let group: EventLoopGroup
    private let listeners: [TCPListener]
    private let tls: TLSContext?
    let loops: [HTTPServerLoop]
    private let hooks: ShutdownHooks
    private let configuration: ServerConfiguration
    private let logger: Logger

    private init(
        group: EventLoopGroup, listeners: [TCPListener], address: SocketAddress, tls: TLSContext?,
        loops: [HTTPServerLoop], hooks: ShutdownHooks, configuration: ServerConfiguration, logger: Logger
    ) {
        self.group = group
        self.listeners = listeners
        self.address = address
        self.tls = tls
        self.loops = loops
        self.hooks = hooks
        self.configuration = configuration
        self.logger = logger
    }

    /// - Parameter prepare: what is to be done on the server's loops before it listens.
    static func start(
        _ application: Application, on addresses: [ListenAddress],
        prepare: (EventLoopGroup) async -> Void = { _ in }
    ) async throws -> RunningServer {
        let configuration = application.configuration
        let tls = try configuration.tls.map { try TLSContext($0.offeringHTTP(configuration.http2 != nil)) }
        let responder = Responder(scope: application.scope, logger: application.logger)
        let group = try EventLoopGroup(count: configuration.loopCount, logger: application.logger)
        let loops = group.loops.map {
            HTTPServerLoop(loop: $0, configuration: configuration, responder: responder)
        }
        await prepare(group)
        do {
            let listeners = try await listen(
                on: addresses, options: listenerOptions(configuration, tls), loops: loops, group: group)
            guard let address = listeners.first?.localAddress else {
                throw TransportError.unusable(address: "nothing", reason: "no address was given")
            }
            return RunningServer(
                group: group, listeners: listeners, address: address, tls: tls, loops: loops,
                hooks: application.scope.hooks, configuration: configuration, logger: application.logger)
        } catch {
            await group.shutdown()
            throw error
        }
    }

    private static func listenerOptions(
        _ configuration: ServerConfiguration, _ tls: TLSContext?
    ) -> TCPListenerOptions {
        var options = TCPListenerOptions()
        options.limits = configuration.streamLimits
        options.tls = tls
        options.maxConnections = configuration.maximumConnections
        // The limit is of all addresses together.
        options.budget = ConnectionBudget()
        return options
    }

    /// Listens on all addresses, or on none.
    private static func listen(
        on addresses: [ListenAddress], options: TCPListenerOptions, loops: [HTTPServerLoop],
        group: EventLoopGroup
    ) async throws -> [TCPListener] {
        let byLoop = Dictionary(uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.loop), $0) })
        var listeners: [TCPListener] = []
        do {
            for address in addresses {
                let listener = try await TCPListener.bind(address, options: options, group: group) { stream in
                    // Every stream lives on a loop of the group.
                    let server = byLoop[ObjectIdentifier(stream.loop)] ?? loops[0]
                    return server.accept(stream)
                }
                listeners.append(listener)
            }
        } catch {
            for listener in listeners { await listener.close() }
            throw error
        }
        return listeners
    }

    /// The event loops.
    public var eventLoops: EventLoopGroup { group }

    /// Connections that are open, those that were upgraded included.
    public var connectionCount: Int { listeners.reduce(0) { $0 + $1.connectionCount } }
}

// MARK: - Certificates

extension RunningServer {
    /// Reads the certificates and keys of ``ServerConfiguration/tls`` again, such as when they were renewed. Connections that
    /// are open go on; new ones get what the files hold now. Without TLS nothing happens.
    /// - Throws: `TLSError`, which names the file; what was in force before is in force still.
    public func reloadCertificates() async throws {
        guard let tls else { return }
        try await eventLoops.loops[0].offload { try tls.reload() }
    }

    /// The same for SIGHUP, which has nobody to throw to.
    func reloadForSignal() async {
        guard tls != nil else { return }
        do {
            try await reloadCertificates()
            logger.notice("certificates reloaded")
        } catch {
            logger.error("certificates not reloaded", metadata: ["error": "\(error)"])
        }
    }
}

extension TLSConfiguration {
    /// The configuration with the versions of HTTP to choose from, where it names none.
    fileprivate func offeringHTTP(_ isHTTP2Spoken: Bool) -> TLSConfiguration {
        guard applicationProtocols.isEmpty else { return self }
        var offering = self
        offering.applicationProtocols = isHTTP2Spoken ? ["h2", "http/1.1"] : ["http/1.1"]
        return offering
    }
}

// MARK: - Shutting down

extension RunningServer {
    /// Stops: nothing new is accepted, the hooks are run (first those that take ``ServerConfiguration/shutdownSpread``, see
    /// ``RouteBuilder/onDrain(_:)``), idle connections are closed, requests in flight are answered, with
    /// `Connection: close` or between two GOAWAY frames, and upgraded connections take their leave (a WebSocket with 1001),
    /// each at a random moment within ``ServerConfiguration/shutdownSpread``. What isn't done by the deadline is cut off.
    /// Returns when everything is gone. Calling it again is harmless.
    public func shutdown(deadline: Duration = .seconds(30)) async {
        let end = Deadline(after: deadline)
        // Twice: for the hooks, then for what they leave.
        let spread = min(configuration.shutdownSpread, deadline / 2)
        // Each step is waited for up to the deadline only: a handler that blocks its loop must not hang the shutdown.
        await end.wait { [self] in
            await closeListeners()
            await hooks.drain(over: spread)
            // First, so that what the hooks make respond says that the connection ends.
            for server in loops { try? await server.loop.run { server.beginShutdown() } }
            for hook in hooks.take() { await hook() }
        }
        await end.wait { [self] in
            for listener in listeners { await listener.shutDownConnections(spread: spread) }
        }
        while connectionCount > 0, !end.isOver, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(10))
        }
        if await !end.later(by: .seconds(1)).wait(for: { [self] in await group.shutdown() }) {
            logger.critical("an event loop did not stop: a handler blocks it")
        }
    }

    /// All at once: a loop that a handler blocks must not keep the listeners of others open.
    private func closeListeners() async {
        await withTaskGroup { closing in
            for listener in listeners { closing.addTask { await listener.close() } }
        }
    }
}
