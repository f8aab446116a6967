import ParleyTransport

/// A client's connection to a tested application, byte for byte: what is sent on it needn't be valid HTTP.
///
/// While nobody reads, 64 KiB are buffered, and then the connection stops reading as a slow client does.
public final class TestConnection: Sendable {
    private let inbox: TestInbox
    let stream: any ByteStream

    init(inbox: TestInbox, stream: any ByteStream) {
        self.inbox = inbox
        self.stream = stream
    }

    deinit { stream.reset() }

    /// Sends bytes.
    public func send(_ bytes: [UInt8]) { stream.send(bytes.span) }

    /// Sends a text in UTF-8.
    public func send(_ text: String) { send(Array(text.utf8)) }

    /// What came since the last call, or comes next; nil when the server has closed the connection. One task at a time
    /// may read. Throws `CancellationError`.
    public func read() async throws -> [UInt8]? { try await inbox.read(from: stream) }

    /// Everything up to the end of the connection, as text.
    public func readToEnd() async throws -> String {
        var bytes: [UInt8] = []
        while let piece = try await read() { bytes += piece }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Gives what comes from here on to another handler. On the stream's loop only.
    /// - Returns: what came before, and nobody read.
    func handOver(to handler: any ByteStreamHandler) -> [UInt8] {
        stream.handler = handler
        return inbox.takeAll()
    }

    /// Ends this side's direction of the connection.
    public func close() { stream.close(linger: .seconds(2)) }

    /// Ends the connection at once, as a client that crashed.
    public func reset() { stream.reset() }
}

/// Collects what the server sends on one connection, for one reader.
final class TestInbox: ByteStreamHandler, Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var isEnded = false
        var isPaused = false
        var waiter: CheckedContinuation<[UInt8]?, any Error>?
    }

    private static let highWatermark = 64 * 1024
    private let state = Lock(State())

    func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
        let bytes = bytes.span.withUnsafeBufferPointer { Array($0) }
        let (waiter, isFull) = state.withLock { state in
            if let waiter = state.waiter {
                state.waiter = nil
                return (waiter as CheckedContinuation<[UInt8]?, any Error>?, false)
            }
            state.bytes += bytes
            state.isPaused = state.bytes.count >= Self.highWatermark
            return (nil, state.isPaused)
        }
        waiter?.resume(returning: bytes)
        if isFull { stream.pauseReading() }
    }

    func receivedEnd(from stream: any ByteStream) {
        end()
        stream.close(linger: .zero)
    }

    func becameWritable(_ stream: any ByteStream) {}

    func closed(_ stream: any ByteStream, reason: CloseReason) { end() }

    private func end() {
        let waiter = state.withLock { state in
            state.isEnded = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: nil)
    }

    func read(from stream: any ByteStream) async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let shouldResume = take(for: continuation)
                if shouldResume { stream.loop.execute { stream.resumeReading() } }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    func takeAll() -> [UInt8] {
        state.withLock { state in
            defer { state.bytes = [] }
            return state.bytes
        }
    }

    /// Gives a reader what there is, or lets it wait.
    /// - Returns: whether the connection is to read again.
    private func take(for continuation: CheckedContinuation<[UInt8]?, any Error>) -> Bool {
        let (outcome, wasPaused) =
            state.withLock { state in
                let wasPaused = state.isPaused
                if Task.isCancelled {
                    return (Result<[UInt8]?, any Error>.failure(CancellationError()), false)
                }
                if state.bytes.isEmpty, !state.isEnded {
                    state.waiter = continuation
                    return (nil, false)
                }
                state.isPaused = false
                defer { state.bytes = [] }
                return (.success(state.bytes.isEmpty ? nil : state.bytes), wasPaused)
            } as (Result<[UInt8]?, any Error>?, Bool)
        if let outcome { continuation.resume(with: outcome) }
        return wasPaused
    }
}
