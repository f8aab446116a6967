import ParleyTransport
import ParleyWire

/// Between a connection, whose events come on its loop, and the task that reads and writes a ``WebSocket``.
final class WebSocketInbox: WebSocketHandler, Sendable {
    private typealias Reader = UnsafeContinuation<WebSocketMessage?, any Error>
    private typealias Writer = UnsafeContinuation<Void, any Error>

    private struct State {
        var messages: [WebSocketMessage] = []
        /// The messages before this index were taken.
        var next = 0
        var bytes = 0
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
    private let state = Lock(State())

    init(connection: WebSocketConnection) { self.connection = connection }

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
        switch state.withLock({ Self.take(&$0) }) {
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
                    let taken = Self.take(&state)
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

    private static func take(_ state: inout State) -> Taken {
        guard state.next < state.messages.count else { return end(state) }
        let message = state.messages[state.next]
        state.next += 1
        state.bytes -= message.byteCount
        var shouldResume = false
        if state.next == state.messages.count {
            state.messages.removeAll(keepingCapacity: state.messages.capacity <= 64)
            state.next = 0
            shouldResume = state.isPaused
            state.isPaused = false
        }
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
        let connection = connection
        if connection.loop.isCurrent {
            connection.resumeReading()
        } else {
            connection.loop.execute { connection.resumeReading() }
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
                // On the loop, so that it can't become writable in between.
                connection.loop.execute { [self] in wait(continuation, id: id) }
            }
        } onCancel: {
            connection.loop.execute { [self] in cancelWriter(id) }
        }
    }

    private func wait(_ continuation: Writer, id: UInt64) {
        let isWritable = connection.isWritable
        let closed: WebSocketClosed? = state.withLock { state in
            if state.closed == nil, !isWritable { state.writers.append((id, continuation)) }
            return state.closed
        }
        if let closed {
            continuation.resume(throwing: closed)
        } else if isWritable {
            continuation.resume()
        }
    }

    private func cancelWriter(_ id: UInt64) {
        let writer = state.withLock { state in
            state.writers.firstIndex { $0.id == id }.map { state.writers.remove(at: $0).continuation }
        }
        writer?.resume(throwing: CancellationError())
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
        let limit = connection.options.inboundBufferBytes
        let (reader, shouldPause) = state.withLock { state in
            if let reader = Self.takeReader(&state) { return (reader as Reader?, false) }
            // A message counts for what it holds beside its payload too, or empty ones would cost nothing.
            let isFull = state.bytes + 32 * (state.messages.count - state.next) > limit
            // Closing, the connection reads on for the sake of the peer's close frame: what nobody took is lost.
            if isClosing, isFull { return (nil, false) }
            state.messages.append(message)
            state.bytes += message.byteCount
            guard !isClosing, !state.isPaused,
                state.bytes + 32 * (state.messages.count - state.next) > limit
            else { return (nil, false) }
            state.isPaused = true
            return (nil, true)
        }
        reader?.resume(returning: message)
        if shouldPause { connection.pauseReading() }
    }
}
