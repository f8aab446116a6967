public import HTTPTypes
import ParleyTransport
import ParleyWire

/// A request's content, as an asynchronous sequence of pieces in their order. It can be read once.
///
/// While nobody reads, at most 64 KiB are buffered; then the connection stops reading and the peer's window closes.
/// A client that sent `Expect: 100-continue` is told to go on when the content is first read.
///
/// ```swift
/// app.post("/upload") { request in
///     for try await piece in request.body { try await file.write(piece) }
///     return HTTPResponse.Status.created
/// }
/// ```
public final class RequestBody: AsyncSequence, Sendable {
    /// A piece of the content; never empty.
    public typealias Element = [UInt8]

    /// The content of a request without content.
    public static let empty = RequestBody(whole: [])

    /// The announced length in bytes; nil when the content comes in chunks.
    public let announcedLength: UInt64?

    /// The bytes that are buffered while nobody reads; beyond, the source is asked to pause.
    static let highWatermark = 64 * 1024

    private let state: Lock<RequestBodyState>
    /// True for a body that was whole from the start, which may be shared by many requests on many threads.
    private let isWhole: Bool
    /// What this body's pieces are made by, if they are made of another body's.
    private let mapping: (any RequestBodyMapping)?

    /// A body that is here as a whole.
    init(whole bytes: [UInt8]) {
        announcedLength = UInt64(bytes.count)
        isWhole = true
        mapping = nil
        state = Lock(RequestBodyState(buffer: bytes, end: .complete))
    }

    /// A body that is still coming. The source is released at the body's end.
    ///
    /// - Parameter watermark: the bytes that may be buffered before the source is asked to pause.
    init(announcedLength: UInt64?, source: any RequestBodySource, watermark: Int = RequestBody.highWatermark)
    {
        self.announcedLength = announcedLength
        isWhole = false
        mapping = nil
        state = Lock(RequestBodyState(source: source, watermark: watermark))
    }

    /// A body whose pieces are made of another one's while they are read.
    init(mapping: any RequestBodyMapping) {
        announcedLength = nil
        isWhole = true
        self.mapping = mapping
        state = Lock(RequestBodyState(buffer: [], end: .complete))
    }

    /// The trailer fields behind the content (RFC 9110 6.5): nil when there are none, or the end was not read yet.
    public var trailers: HTTPFields? {
        if let mapping { return mapping.trailers }
        return state.withLock { $0.trailers }?.httpFields
    }

    /// An iterator over the pieces that nobody has read yet.
    public func makeAsyncIterator() -> Iterator { Iterator(body: self) }

    /// The whole content, up to a limit in bytes.
    ///
    /// Throws ``HTTPError`` 413 when the content is longer, at once when its announced length says so; otherwise
    /// what iterating throws.
    public nonisolated(nonsending) func collect(upTo limit: Int = 1024 * 1024) async throws -> [UInt8] {
        let limit = Swift.max(0, limit)
        if let announcedLength, announcedLength > UInt64(limit) { throw Self.tooLarge(limit) }
        guard var collected = try await nextPiece() else { return [] }
        while collected.count <= limit {
            guard let piece = try await nextPiece() else { return collected }
            collected += piece
        }
        throw Self.tooLarge(limit)
    }

    /// The content that nobody has read yet, where all of it is here already, as that of short requests mostly is, up to a
    /// limit in bytes. Nil where some is still to come, or where it is decompressed while it is read; nothing is taken then.
    ///
    /// Throws what ``collect(upTo:)`` throws.
    public func collectIfComplete(upTo limit: Int = 1024 * 1024) throws -> [UInt8]? {
        guard mapping == nil else { return nil }
        let limit = Swift.max(0, limit)
        if let announcedLength, announcedLength > UInt64(limit) { throw Self.tooLarge(limit) }
        let outcome = state.withLock { $0.takeWhole() }
        switch outcome {
        case .piece(let bytes):
            guard bytes.count <= limit else { throw Self.tooLarge(limit) }
            return bytes
        case .end: return []
        case .failed(let error): throw error
        case .wait: return nil
        }
    }

    static func tooLarge(_ limit: Int) -> HTTPError {
        HTTPError(.contentTooLarge, "request body exceeds \(limit) bytes")
    }
}

// MARK: - The consumer

extension RequestBody {
    /// Reads a ``RequestBody`` piece by piece.
    public struct Iterator: AsyncIteratorProtocol {
        let body: RequestBody

        /// The next piece, or nil at the end. Throws ``RequestBodyError``, `CancellationError`, or the
        /// ``HTTPError`` of malformed content.
        public mutating nonisolated(nonsending) func next() async throws -> [UInt8]? {
            try await body.nextPiece()
        }

        /// The next piece, without a change of executor; what `for try await` calls.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> [UInt8]? {
            try await body.nextPiece()
        }
    }

    /// Fails the body with ``HTTPError`` 413 once more than so many bytes came.
    func limit(to limit: Int) {
        if isWhole, mapping == nil { return }
        let waiter = state.withLock { $0.setLimit(limit) }
        waiter?.resume(throwing: Self.tooLarge(limit))
    }

    nonisolated(nonsending) func nextPiece() async throws -> [UInt8]? {
        if let mapping { return try await nextPiece(of: mapping) }
        let (outcome, source) = state.withLock { $0.take() }
        source?.bodyIsWanted()
        switch outcome {
        case .piece(let bytes): return bytes
        case .end: return nil
        case .failed(let error): throw error
        case .wait: return try await waitForPiece()
        }
    }

    /// The next piece that another body's are made into, counted.
    private nonisolated(nonsending) func nextPiece(
        of mapping: any RequestBodyMapping
    ) async throws -> [UInt8]? {
        guard let piece = try await mapping.nextPiece() else { return nil }
        if let limit = state.withLock({ $0.count(piece.count) }) { throw Self.tooLarge(limit) }
        return piece
    }

    private nonisolated(nonsending) func waitForPiece() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                resume(continuation, state.withLock { $0.wait(continuation) })
            }
        } onCancel: {
            let waiter = state.withLock { $0.cancel() }
            waiter?.resume(throwing: CancellationError())
        }
    }

    private func resume(_ waiter: RequestBodyState.Waiter, _ outcome: RequestBodyState.Outcome) {
        switch outcome {
        case .piece(let bytes): waiter.resume(returning: bytes)
        case .end: waiter.resume(returning: nil)
        case .failed(let error): waiter.resume(throwing: error)
        case .wait: break
        }
    }
}

// MARK: - The producer

extension RequestBody {
    /// Appends what was decoded. True when the source should pause until ``RequestBodySource/bodyIsWanted()``.
    func append(_ bytes: Span<UInt8>) -> Bool {
        let (waiter, outcome, shouldPause) = state.withLock { state in
            let shouldPause = state.append(bytes)
            guard let waiter = state.takeWaiter() else {
                return (nil as RequestBodyState.Waiter?, RequestBodyState.Outcome.wait, shouldPause)
            }
            return (waiter, state.take().outcome, false)
        }
        if let waiter { resume(waiter, outcome) }
        return shouldPause
    }

    /// Ends the body: with nil where it is complete, otherwise with why it never will be. Only the first end counts.
    func finish(throwing error: (any Error)? = nil, trailers: HTTPHeaderBlock? = nil) {
        if isWhole { return }
        let (waiter, outcome) = state.withLock { state in
            state.finish(throwing: error, trailers: trailers)
            guard let waiter = state.takeWaiter() else {
                return (nil as RequestBodyState.Waiter?, RequestBodyState.Outcome.wait)
            }
            return (waiter, state.take().outcome)
        }
        if let waiter { resume(waiter, outcome) }
    }
}

/// Who feeds a body. Called on any thread.
protocol RequestBodySource: AnyObject, Sendable {
    /// The consumer reads for the first time, or has emptied a buffer that had made the source pause.
    func bodyIsWanted()
}

/// Makes the pieces of a body of those of another one, when they are asked for.
protocol RequestBodyMapping: AnyObject, Sendable {
    /// The next piece, which is not empty, or nil at the end.
    nonisolated(nonsending) func nextPiece() async throws -> [UInt8]?

    /// The trailer fields behind the other body, once its end was read.
    var trailers: HTTPFields? { get }
}

/// Why a ``RequestBody`` can't be read to its end.
public enum RequestBodyError: Error, Sendable, Equatable {
    /// The connection ended before the content did.
    case connectionClosed
    /// The response was finished before, so that the rest was discarded.
    case abandoned
    /// Two tasks read at the same time.
    case concurrentRead
}
