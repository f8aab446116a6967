import ParleyWire

/// A request that is being answered.
struct HTTP1Exchange {
    /// Tells an answer that comes too late, for an exchange that is gone, from one that is awaited.
    let number: UInt64
    /// The request, until it is handed to its endpoint.
    var request: Request?
    /// The request's content.
    let content: RequestBody
    /// The protocols that the client would switch to.
    let upgrade: String?
    /// What the encoder has to know of the request.
    let framing: HTTP1ResponseEncoder.Exchange
    /// True while the client waits for `100 Continue`.
    var expectsContinue: Bool
    /// Cancelled when the peer goes away.
    var task: Task<Void, Never>?
    /// Set while a streamed body is sent.
    var body: HTTP1StreamedBody?

    init(
        number: UInt64, request: consuming Request, framing: HTTP1ResponseEncoder.Exchange,
        expectsContinue: Bool
    ) {
        self.number = number
        self.framing = framing
        self.expectsContinue = expectsContinue
        content = request.body
        upgrade = request.upgrade
        self.request = request
    }
}

/// What was promised and sent of a streamed response's body.
struct HTTP1StreamedBody {
    let framing: HTTP1ResponseEncoder.Framing
    /// Whether the connection persists after it, as the head said.
    let persists: Bool
    private var sent: UInt64 = 0
    /// The writer that waits for room in the outbox.
    var waiter: UnsafeContinuation<Void, any Error>?

    init(framing: HTTP1ResponseEncoder.Framing, persists: Bool) {
        self.framing = framing
        self.persists = persists
    }

    /// Counts what is to be sent. False when it is more than was announced.
    mutating func add(_ count: Int) -> Bool {
        let (sum, overflow) = sent.addingReportingOverflow(UInt64(count))
        guard !overflow else { return false }
        if case .length(let length) = framing, sum > length { return false }
        sent = sum
        return true
    }

    /// True when nothing is missing.
    var isComplete: Bool {
        if case .length(let length) = framing { return sent == length }
        return true
    }
}

/// Why a piece of a streamed body can't be sent.
public enum ResponseWriterError: Error, Sendable, Equatable {
    /// The connection is gone.
    case connectionClosed
    /// More was written than the announced length: the connection is reset.
    case lengthExceeded
}
