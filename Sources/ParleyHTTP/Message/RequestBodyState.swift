import ParleyWire

/// What a ``RequestBody`` holds under its lock: the buffer between the connection and one consumer.
struct RequestBodyState {
    typealias Waiter = UnsafeContinuation<[UInt8]?, any Error>

    enum End {
        case open
        case complete
        case failed(any Error)
    }

    /// What a consumer that asks for a piece gets.
    enum Outcome {
        case piece([UInt8])
        case end
        case failed(any Error)
        /// Nothing yet.
        case wait
    }

    private var buffer: [UInt8]
    private var end: End
    private var waiter: Waiter?
    private var isCancelled = false
    private var source: (any RequestBodySource)?
    /// True when the source waits to be told that the consumer wants bytes: at first, and after it was paused.
    private var sourceWaits: Bool

    private let watermark: Int
    private(set) var trailers: HTTPHeaderBlock?
    /// The bytes that came, and how many may come.
    private var received = 0
    private var limit = Int.max

    init(buffer: [UInt8], end: End) {
        watermark = 0
        self.buffer = buffer
        self.end = end
        sourceWaits = false
    }

    init(source: any RequestBodySource, watermark: Int) {
        self.watermark = watermark
        buffer = []
        end = .open
        self.source = source
        sourceWaits = true
    }

    /// Takes everything that is buffered, and the source where it has to be told.
    mutating func take() -> (outcome: Outcome, source: (any RequestBodySource)?) {
        var told: (any RequestBodySource)?
        if sourceWaits {
            sourceWaits = false
            told = source
        }
        if !buffer.isEmpty {
            var piece: [UInt8] = []
            swap(&piece, &buffer)
            return (.piece(piece), told)
        }
        switch end {
        case .open: return (.wait, told)
        case .complete: return (.end, told)
        case .failed(let error): return (.failed(error), told)
        }
    }

    /// Takes everything that is buffered, where nothing more will come.
    mutating func takeWhole() -> Outcome {
        if case .open = end { return .wait }
        return take().outcome
    }

    /// Registers a waiter, unless there is something by now.
    mutating func wait(_ continuation: Waiter) -> Outcome {
        if isCancelled { return .failed(CancellationError()) }
        if waiter != nil { return .failed(RequestBodyError.concurrentRead) }
        let outcome = take().outcome
        if case .wait = outcome { waiter = continuation }
        return outcome
    }

    /// Bounds the bytes that may come; a limit that is there already is only made smaller. The waiter is one to be told when more
    /// came by now, although it may be complete.
    mutating func setLimit(_ limit: Int) -> Waiter? {
        self.limit = min(self.limit, limit)
        guard received > limit else { return nil }
        buffer = []
        end = .failed(RequestBody.tooLarge(limit))
        source = nil
        sourceWaits = false
        return takeWaiter()
    }

    /// Counts bytes that come by another way. Returns the limit where they are too many.
    mutating func count(_ bytes: Int) -> Int? {
        received &+= bytes
        return received > limit ? limit : nil
    }

    mutating func takeWaiter() -> Waiter? {
        defer { waiter = nil }
        return waiter
    }

    mutating func cancel() -> Waiter? {
        isCancelled = true
        return takeWaiter()
    }

    /// True when more than the watermark is buffered, so that the source should pause.
    mutating func append(_ bytes: Span<UInt8>) -> Bool {
        guard case .open = end else { return false }
        received &+= bytes.count
        guard received <= limit else {
            finish(throwing: RequestBody.tooLarge(limit), trailers: nil)
            return false
        }
        bytes.withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
        guard waiter == nil, buffer.count > watermark else { return false }
        sourceWaits = true
        return true
    }

    mutating func finish(throwing error: (any Error)?, trailers: HTTPHeaderBlock?) {
        guard case .open = end else { return }
        self.trailers = trailers
        end = error.map { .failed($0) } ?? .complete
        // What is buffered of a failed body is dropped: a consumer must not take a part for the whole.
        if error != nil { buffer = [] }
        source = nil
        sourceWaits = false
    }
}
