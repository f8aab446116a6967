import HTTPTypes
import ParleyTransport

/// A connection that sends streamed bodies, of one exchange or of several at a time. Loop only.
protocol ResponseSink: AnyObject, Sendable {
    var server: HTTPServerLoop { get }

    /// Sends a piece of an exchange's body. True when the writer has to wait.
    func write(_ piece: [UInt8], exchange: UInt64) throws(ResponseWriterError) -> Bool

    /// Keeps a writer until there is room for more.
    func wait(_ waiter: UnsafeContinuation<Void, any Error>, exchange: UInt64)

    /// Keeps the fields that are to follow the body.
    func setTrailers(_ trailers: HTTPFields, exchange: UInt64) throws(ResponseWriterError)

    /// Begins to send so many bytes of a body past the connection, and counts them; nil where that isn't possible.
    func beginFile(_ length: UInt64, exchange: UInt64) throws(ResponseWriterError) -> FileSocket?

    /// Sends bytes that ``beginFile(_:exchange:)`` counted, and resumes the waiter when the kernel has taken everything.
    func settle(_ piece: [UInt8], exchange: UInt64, _ waiter: UnsafeContinuation<Void, any Error>)

    /// The body is complete.
    func endBody(exchange: UInt64)

    /// The body will never be complete: the peer must not take what it got for the whole.
    func failBody(exchange: UInt64, _ error: any Error)
}

extension ResponseSink {
    /// Nothing is sent past TLS, or past other streams on the connection.
    func beginFile(_ length: UInt64, exchange: UInt64) throws(ResponseWriterError) -> FileSocket? { nil }

    func settle(_ piece: [UInt8], exchange: UInt64, _ waiter: UnsafeContinuation<Void, any Error>) {
        waiter.resume(throwing: ResponseWriterError.connectionClosed)
    }

    /// Runs a producer up to the end of the body.
    nonisolated(nonsending) func produce(_ producer: ResponseBody.Producer, exchange: UInt64) async {
        do {
            try await producer(StreamedResponseWriter(sink: self, exchange: exchange))
            await server.onLoop { [self] in endBody(exchange: exchange) }
        } catch {
            await server.onLoop { [self] in failBody(exchange: exchange, error) }
        }
    }
}

/// Writes a streamed body by way of the connection that it is sent on.
struct StreamedResponseWriter: ResponseWriter {
    let sink: any ResponseSink
    let exchange: UInt64

    func write(_ bytes: [UInt8]) async throws {
        if try await perform({ try $0.write(bytes, exchange: $1) }) { try await waitForRoom() }
    }

    func setTrailers(_ trailers: HTTPFields) async throws {
        try await perform { try $0.setTrailers(trailers, exchange: $1) }
    }

    func perform<Result: Sendable>(
        _ body: @escaping @Sendable (any ResponseSink, UInt64) throws -> Result
    ) async throws -> Result {
        let loop = sink.server.loop
        if loop.isCurrent { return try body(sink, exchange) }
        return try await loop.run { [sink, exchange] in try body(sink, exchange) }
    }

    private func waitForRoom() async throws {
        try await withUnsafeThrowingContinuation { waiter in
            let isQueued = sink.server.loop.execute { [sink, exchange] in
                sink.wait(waiter, exchange: exchange)
            }
            if !isQueued { waiter.resume(throwing: ResponseWriterError.connectionClosed) }
        }
    }
}

/// What was promised and sent of a streamed body.
struct StreamedBody {
    /// The length that the response's head announced.
    let length: UInt64?
    private var sent: UInt64 = 0
    /// The writer that waits for room.
    var waiter: UnsafeContinuation<Void, any Error>?
    /// The writer that waits until the kernel has taken everything.
    var settling: UnsafeContinuation<Void, any Error>?
    /// What is to follow the body.
    var trailers: HTTPFields = [:]

    init(length: UInt64?) { self.length = length }

    /// Counts what is to be sent. False when it is more than was announced.
    mutating func add(_ count: Int) -> Bool {
        let (sum, overflow) = sent.addingReportingOverflow(UInt64(count))
        guard !overflow else { return false }
        if let length, sum > length { return false }
        sent = sum
        return true
    }

    /// True when nothing is missing.
    var isComplete: Bool { length.map { $0 == sent } ?? true }

    mutating func takeWaiter() -> UnsafeContinuation<Void, any Error>? {
        defer { waiter = nil }
        return waiter
    }

    mutating func takeSettling() -> UnsafeContinuation<Void, any Error>? {
        defer { settling = nil }
        return settling
    }
}

/// Why a piece of a streamed body can't be sent.
public enum ResponseWriterError: Error, Sendable, Equatable {
    /// The connection is gone.
    case connectionClosed
    /// More was written than the announced length: the connection, or the stream of HTTP/2, is reset.
    case lengthExceeded
    /// A trailer field's value holds a control character, or the message has no place for trailers by now.
    case invalidTrailers
    /// Two tasks wrote at the same time to a body that is compressed, whose bytes depend on their order.
    case concurrentWrite
}
