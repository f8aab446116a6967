import Logging
public import ParleyTransport

/// A server that listens: what ``Application/start(host:port:)`` returns.
public final class RunningServer: Sendable {
    /// The address that is listened on.
    public var address: SocketAddress { listener.localAddress }
    /// The port that is listened on, which the system chose when 0 was asked for.
    public var port: Int { Int(listener.localAddress.port) }

    private let group: EventLoopGroup
    private let listener: TCPListener
    let loops: [HTTPServerLoop]
    private let hooks: ShutdownHooks
    private let configuration: ServerConfiguration
    private let logger: Logger

    private init(
        group: EventLoopGroup, listener: TCPListener, loops: [HTTPServerLoop], hooks: ShutdownHooks,
        configuration: ServerConfiguration, logger: Logger
    ) {
        self.group = group
        self.listener = listener
        self.loops = loops
        self.hooks = hooks
        self.configuration = configuration
        self.logger = logger
    }

    static func start(_ application: Application, host: String, port: UInt16) async throws -> RunningServer {
        let configuration = application.configuration
        let responder = Responder(scope: application.scope, logger: application.logger)
        let group = try EventLoopGroup(count: configuration.loopCount, logger: application.logger)
        let loops = group.loops.map {
            HTTPServerLoop(loop: $0, configuration: configuration, responder: responder)
        }
        var options = TCPListenerOptions()
        options.limits = configuration.streamLimits
        options.maxConnections = configuration.maximumConnections
        let byLoop = Dictionary(uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.loop), $0) })
        do {
            let listener = try await TCPListener.bind(host: host, port: port, options: options, group: group)
            {
                stream in
                // Every stream lives on a loop of the group.
                let server = byLoop[ObjectIdentifier(stream.loop)] ?? loops[0]
                return server.accept(stream)
            }
            return RunningServer(
                group: group, listener: listener, loops: loops, hooks: application.scope.hooks,
                configuration: configuration, logger: application.logger)
        } catch {
            await group.shutdown()
            throw error
        }
    }

    /// The event loops.
    public var eventLoops: EventLoopGroup { group }

    /// Connections that are open, those that were upgraded included.
    public var connectionCount: Int { listener.connectionCount }
}

// MARK: - Shutting down

extension RunningServer {
    /// Serves until the process is told to stop (SIGINT, SIGTERM); then lets requests in flight finish, up to
    /// ``ServerConfiguration/shutdownDeadline``, and returns. A second signal ends the process at once.
    public func runUntilSignal() async {
        let signal = await StopSignal.wait(on: eventLoops.loops[0])
        logger.info("shutting down", metadata: ["signal": "\(signal)"])
        await shutdown(deadline: configuration.shutdownDeadline)
    }

    /// Stops: nothing new is accepted, the hooks are run, idle connections are closed, requests in flight are answered,
    /// with `Connection: close` or between two GOAWAY frames, and upgraded connections take their leave (a WebSocket with
    /// 1001), each at a random moment within ``ServerConfiguration/shutdownSpread``. What isn't done by the deadline is cut
    /// off. Returns when everything is gone. Calling it again is harmless.
    public func shutdown(deadline: Duration = .seconds(30)) async {
        let end = Deadline(after: deadline)
        // Each step is waited for up to the deadline only: a handler that blocks its loop must not hang the shutdown.
        await end.wait { [self] in
            await listener.close()
            for hook in hooks.take() { await hook() }
        }
        await end.wait { [self] in await askToFinish() }
        while listener.connectionCount > 0, !end.isOver, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(10))
        }
        if await !end.later(by: .seconds(1)).wait(for: { [self] in await group.shutdown() }) {
            logger.critical("an event loop did not stop: a handler blocks it")
        }
    }

    private func askToFinish() async {
        for server in loops { try? await server.loop.run { server.beginShutdown() } }
        await listener.shutDownConnections(spread: configuration.shutdownSpread)
    }
}
