#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One attempt to reach a host: resolves its name, and tries its addresses in turn.
///
/// Sound as `Sendable`: everything but constants is touched on the loop's thread only.
final class Connector: @unchecked Sendable {
    private let loop: EventLoop
    private let host: String
    private let port: UInt16
    private let timeout: Duration
    private let origin: ConnectionOrigin
    private let makeHandler: @Sendable (TCPConnection) -> any ByteStreamHandler

    private var continuation: CheckedContinuation<TCPConnection, any Error>?
    private var remaining: ArraySlice<SocketAddress> = []
    private var deadline = MonotonicInstant(milliseconds: 0)
    private var timer: LoopTimer?
    private var attempt: TCPConnection?
    private var isCancelled = false
    private var lastError = TransportError.loopStopped

    init(
        loop: EventLoop, host: String, port: UInt16, timeout: Duration, limits: StreamLimits,
        makeHandler: @escaping @Sendable (TCPConnection) -> any ByteStreamHandler
    ) {
        self.loop = loop
        self.host = host
        self.port = port
        self.timeout = timeout
        self.makeHandler = makeHandler
        origin = ConnectionOrigin(limits: limits)
    }

    private var operation: String { "connect to \(host), port \(port)" }

    func start(_ continuation: CheckedContinuation<TCPConnection, any Error>) {
        guard !isCancelled else { return continuation.resume(throwing: CancellationError()) }
        guard !loop.isStopping else { return continuation.resume(throwing: TransportError.loopStopped) }
        self.continuation = continuation
        deadline = loop.now.advanced(by: timeout)
        timer = loop.schedule(after: timeout) { self.timeElapsed() }
        loop.connectors[ObjectIdentifier(self)] = self
        Resolver.resolve(host, port: port, passive: false, on: loop) { result in
            guard self.continuation != nil else { return }
            switch result {
            case .success(let addresses):
                self.remaining = addresses[...]
                self.tryNext()
            case .failure(let error): self.finish(.failure(error))
            }
        }
    }

    func cancel() {
        isCancelled = true
        finish(.failure(CancellationError()))
    }

    func loopIsStopping() {
        finish(.failure(TransportError.loopStopped))
    }

    private func tryNext() {
        guard let address = remaining.popFirst() else { return finish(.failure(lastError)) }
        // An address that does not answer leaves the others their share of the time.
        let left = loop.now.duration(to: deadline) / (remaining.count + 1)
        timer?.reschedule(after: left)
        let connection = TCPConnection(loop: loop, origin: origin)
        _ = origin.admit(limit: .max)
        connection.remoteAddress = address
        do throws(TransportError) {
            try connection.attach(
                descriptor: ListenSocketFactory.unbound(address.isIPv6 ? AF_INET6 : AF_INET))
            attempt = connection
            let status = connection.connect(to: address) { self.didConnect(connection, $0) }
            guard status == 0 else { throw .system(operation: operation, code: status) }
        } catch {
            failAttempt(error)
        }
    }

    private func didConnect(_ connection: TCPConnection, _ code: Int32) {
        guard connection === attempt else { return }
        guard code == 0 else { return failAttempt(.system(operation: operation, code: code)) }
        attempt = nil
        ListenSocketFactory.setNoDelay(connection.descriptor)
        connection.open(handler: makeHandler(connection))
        finish(.success(connection))
    }

    private func failAttempt(_ error: TransportError) {
        lastError = error
        dropAttempt()
        tryNext()
    }

    private func timeElapsed() {
        lastError = .timedOut(operation: operation)
        dropAttempt()
        if loop.now >= deadline { remaining = [] }
        tryNext()
    }

    private func dropAttempt() {
        let dropped = attempt
        attempt = nil
        dropped?.closeHandle(.reset)
    }

    private func finish(_ result: Result<TCPConnection, any Error>) {
        guard let continuation else { return }
        self.continuation = nil
        timer?.cancel()
        timer = nil
        dropAttempt()
        loop.connectors[ObjectIdentifier(self)] = nil
        continuation.resume(with: result)
    }
}

extension TCPConnection {
    /// Connects to a host. All its addresses are tried in turn, each with its share of the time.
    ///
    /// - Parameters:
    ///   - host: a numeric address or a name.
    ///   - port: the port.
    ///   - loop: where the connection will live.
    ///   - timeout: the time that everything together may take, resolving the name included.
    ///   - limits: bounds of what waits to be sent.
    ///   - makeHandler: called on the loop, once connected, for the handler of the connection's events.
    /// - Throws: ``TransportError`` of the last address that was tried, or `CancellationError`.
    @discardableResult
    public static func connect(
        to host: String, port: UInt16, on loop: EventLoop, timeout: Duration = .seconds(10),
        limits: StreamLimits = StreamLimits(),
        makeHandler: @escaping @Sendable (TCPConnection) -> any ByteStreamHandler
    ) async throws -> TCPConnection {
        let connector = Connector(
            loop: loop, host: host, port: port, timeout: timeout, limits: limits, makeHandler: makeHandler)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isQueued = loop.execute { connector.start(continuation) }
                if !isQueued { continuation.resume(throwing: TransportError.loopStopped) }
            }
        } onCancel: {
            loop.execute { connector.cancel() }
        }
    }
}
