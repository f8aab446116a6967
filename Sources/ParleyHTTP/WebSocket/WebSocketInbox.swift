import ParleyTransport
import ParleyWire

/// Between a connection, whose events come on its loop, and the task that reads and writes a ``WebSocket``.
final class WebSocketInbox: WebSocketHandler, Sendable {
    private typealias Reader = UnsafeContinuation<WebSocketMessage?, any Error>
    private typealias Writer = UnsafeContinuation<Void, any Error>

    private struct State {
        var backlog = WebSocketBacklog()
        var isPaused = false
        var reader: Reader?
        var writers: [(id: UInt64, continuation: Writer)] = []
        var nextWriter: UInt64 = 0
        var pings = WebSocketPings()
        var closers: [UnsafeContinuation<WebSocketClosed, Never>] = []
        var closed: WebSocketClosed?
        var task: Task<Void, Never>?
    }

    private enum Taken {
        case message(WebSocketMessage, shouldResume: Bool)
        case end
        case failed(any Error)
        case none
    }

    private let connection: WebSocketConnection
    /// The cost of the backlog above which reading is paused. It is resumed at half of it.
    private let limit: Int
    private let state = Lock(State())

    init(connection: WebSocketConnection) {
        self.connection = connection
        limit = max(connection.options.inboundBufferBytes, 0)
    }

    /// Why the connection is closed; without a code while it is closing.
    var closed: WebSocketClosed {
        state.withLock { $0.closed } ?? WebSocketClosed(code: WebSocketCloseCode.noCode, reason: "closing")
    }

    /// The task that is cancelled when the connection is closed.
    func adopt(_ task: Task<Void, Never>) {
        let isClosed = state.withLock { state in
            state.task = task
            return state.closed != nil
        }
        if isClosed { task.cancel() }
    }
}

// MARK: - Reading

extension WebSocketInbox {
    nonisolated(nonsending) func next() async throws -> WebSocketMessage? {
        switch state.withLock({ take(&$0) }) {
        case .message(let message, let shouldResume):
            if shouldResume { resumeReading() }
            return message
        case .end: return nil
        case .failed(let error): throw error
        case .none: return try await waitForMessage()
        }
    }

    private nonisolated(nonsending) func waitForMessage() async throws -> WebSocketMessage? {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: Reader) in
                let taken = state.withLock { state in
                    if Task.isCancelled { return Taken.failed(CancellationError()) }
                    let taken = take(&state)
                    if case .none = taken { state.reader = continuation }
                    return taken
                }
                switch taken {
                case .message(let message, let shouldResume):
                    if shouldResume { resumeReading() }
                    continuation.resume(returning: message)
                case .end: continuation.resume(returning: nil)
                case .failed(let error): continuation.resume(throwing: error)
                case .none: break
                }
            }
        } onCancel: {
            state.withLock { Self.takeReader(&$0) }?.resume(throwing: CancellationError())
        }
    }

    private func take(_ state: inout State) -> Taken {
        guard let message = state.backlog.popFirst() else { return Self.end(state) }
        let shouldResume = state.isPaused && state.backlog.cost <= limit / 2
        if shouldResume { state.isPaused = false }
        return .message(message, shouldResume: shouldResume)
    }

    private static func end(_ state: State) -> Taken {
        if state.reader != nil { return .failed(RequestBodyError.concurrentRead) }
        guard let closed = state.closed else { return .none }
        // These codes are the peer's ordinary ways to leave; everything else broke something.
        return [1000, 1001, 1005].contains(closed.code) ? .end : .failed(closed)
    }

    private static func takeReader(_ state: inout State) -> Reader? {
        defer { state.reader = nil }
        return state.reader
    }

    private func resumeReading() {
        if connection.loop.isCurrent { return connection.resumeReading() }
        connection.loop.execute { [self] in
            // What came meanwhile may have filled the backlog anew.
            guard !state.withLock({ $0.isPaused }) else { return }
            connection.resumeReading()
        }
    }
}

// MARK: - Writing

extension WebSocketInbox {
    /// Suspends until the outbox is below its low watermark.
    nonisolated(nonsending) func waitUntilWritable() async throws {
        let id = state.withLock { state in
            state.nextWriter += 1
            return state.nextWriter
        }
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: Writer) in
                let refusal: (any Error)? = state.withLock { state in
                    if Task.isCancelled { return CancellationError() }
                    if state.closed == nil { state.writers.append((id, continuation)) }
                    return state.closed
                }
                if let refusal { return continuation.resume(throwing: refusal) }
                recheckWriter(id)
            }
        } onCancel: {
            takeWriter(id)?.resume(throwing: CancellationError())
        }
    }

    /// There may have been room again before the writer was registered. On the loop, so that this comes before or after
    /// ``becameWritable(_:)``, and not in between.
    private func recheckWriter(_ id: UInt64) {
        let isRunning = connection.loop.execute { [self] in
            if connection.isWritable { takeWriter(id)?.resume() }
        }
        if !isRunning { takeWriter(id)?.resume(throwing: closed) }
    }

    private func takeWriter(_ id: UInt64) -> Writer? {
        state.withLock { state in
            state.writers.firstIndex { $0.id == id }.map { state.writers.remove(at: $0).continuation }
        }
    }
}

// MARK: - Pings and the end

extension WebSocketInbox {
    /// Sends a ping and suspends until its pong came.
    nonisolated(nonsending) func ping() async throws {
        let number = state.withLock { $0.pings.begin() }
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: WebSocketPings.Waiter) in
                let refusal: (any Error)? = state.withLock { state in
                    if Task.isCancelled { return CancellationError() }
                    if state.closed == nil { state.pings.wait(continuation, number: number) }
                    return state.closed
                }
                if let refusal { return continuation.resume(throwing: refusal) }
                connection.ping(WebSocketPings.payload(number).span)
            }
        } onCancel: {
            state.withLock { $0.pings.take(number) }?.resume(throwing: CancellationError())
        }
    }

    func receivedPong(_ payload: Span<UInt8>, on connection: WebSocketConnection) {
        guard let number = WebSocketPings.number(of: payload) else { return }
        for waiter in state.withLock({ $0.pings.answered(by: number) }) { waiter.resume() }
    }

    /// Suspends until the connection is closed.
    nonisolated(nonsending) func waitUntilClosed() async -> WebSocketClosed {
        await withUnsafeContinuation { continuation in
            let closed = state.withLock { state in
                if state.closed == nil { state.closers.append(continuation) }
                return state.closed
            }
            if let closed { continuation.resume(returning: closed) }
        }
    }
}

// MARK: - The connection's events

extension WebSocketInbox {
    func received(text: Span<UInt8>, on connection: WebSocketConnection) {
        deliver(.text(text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }))
    }

    func received(binary: Span<UInt8>, on connection: WebSocketConnection) {
        deliver(.binary(binary.withUnsafeBufferPointer { Array($0) }))
    }

    func becameWritable(_ connection: WebSocketConnection) {
        let writers = state.withLock { state in
            defer { state.writers = [] }
            return state.writers
        }
        for writer in writers { writer.continuation.resume() }
    }

    func closed(_ connection: WebSocketConnection, code: UInt16, reason: String) {
        let closed = WebSocketClosed(code: code, reason: reason)
        let (reader, waiters, task, outcome) = state.withLock { state in
            state.closed = closed
            let reader = Self.takeReader(&state)
            defer {
                state.writers = []
                state.task = nil
            }
            let waiters = state.writers.map(\.continuation) + state.pings.takeAll()
            return (reader, waiters, state.task, Self.end(state))
        }
        if case .failed(let error) = outcome {
            reader?.resume(throwing: error)
        } else {
            reader?.resume(returning: nil)
        }
        for waiter in waiters { waiter.resume(throwing: closed) }
        task?.cancel()
        for closer in takeClosers() { closer.resume(returning: closed) }
    }

    private func takeClosers() -> [UnsafeContinuation<WebSocketClosed, Never>] {
        state.withLock { state in
            defer { state.closers = [] }
            return state.closers
        }
    }

    private func deliver(_ message: WebSocketMessage) {
        let isClosing = !connection.isOpen
        let (reader, shouldPause) = state.withLock { state in
            if let reader = Self.takeReader(&state) { return (reader as Reader?, false) }
            // Closing, the connection reads on for the sake of the peer's close frame: what nobody took is lost.
            if isClosing, state.backlog.cost > limit { return (nil, false) }
            state.backlog.append(message)
            guard !isClosing, !state.isPaused, state.backlog.cost > limit else { return (nil, false) }
            state.isPaused = true
            return (nil, true)
        }
        reader?.resume(returning: message)
        if shouldPause { connection.pauseReading() }
    }
}
