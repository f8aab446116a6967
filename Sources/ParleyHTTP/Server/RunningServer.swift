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
    private let spread: Duration

    private init(
        group: EventLoopGroup, listener: TCPListener, loops: [HTTPServerLoop], hooks: ShutdownHooks,
        spread: Duration
    ) {
        self.group = group
        self.listener = listener
        self.loops = loops
        self.hooks = hooks
        self.spread = spread
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
                spread: configuration.shutdownSpread)
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
    /// Stops: nothing new is accepted, the hooks are run, idle connections are closed, requests in flight are answered,
    /// with `Connection: close` or between two GOAWAY frames, and upgraded connections take their leave (a WebSocket with
    /// 1001), each at a random moment within ``ServerConfiguration/shutdownSpread``. What isn't done by the deadline is cut
    /// off. Returns when everything is gone. Calling it again is harmless.
    public func shutdown(deadline: Duration = .seconds(30)) async {
        let end = ContinuousClock.now.advanced(by: deadline)
        await listener.close()
        await runHooks(until: end)
        for server in loops { try? await server.loop.run { server.beginShutdown() } }
        await listener.shutDownConnections(spread: spread)
        while listener.connectionCount > 0, ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(10))
        }
        await group.shutdown()
    }

    private func runHooks(until end: ContinuousClock.Instant) async {
        let hooks = hooks.take()
        guard !hooks.isEmpty else { return }
        // A hook that hangs must not hang the shutdown: a task group would wait for it.
        await withCheckedContinuation { continuation in
            let once = Once(continuation)
            Task {
                for hook in hooks { await hook() }
                once.resume()
            }
            Task {
                try? await Task.sleep(until: end, clock: .continuous)
                once.resume()
            }
        }
    }
}

/// Resumes a continuation at the first call.
private final class Once: Sendable {
    private let continuation: Lock<CheckedContinuation<Void, Never>?>

    init(_ continuation: CheckedContinuation<Void, Never>) { self.continuation = Lock(continuation) }

    func resume() {
        let taken = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        taken?.resume()
    }
}
