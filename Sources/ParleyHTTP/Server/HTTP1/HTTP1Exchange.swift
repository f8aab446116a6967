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
    /// Cancelled when the peer goes away: the last one that was started.
    var task: Task<Void, Never>?
    /// How many tasks were started.
    var taskCount = 0
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

/// A streamed body on its way.
struct HTTP1StreamedBody {
    let framing: HTTP1ResponseEncoder.Framing
    /// Whether the connection persists after it, as the head said.
    let persists: Bool
    /// Whether its producer is cancelled when the server shuts down.
    let endsAtShutdown: Bool
    var progress: StreamedBody

    init(framing: HTTP1ResponseEncoder.Framing, persists: Bool, endsAtShutdown: Bool) {
        self.endsAtShutdown = endsAtShutdown
        self.framing = framing
        self.persists = persists
        if case .length(let length) = framing {
            progress = StreamedBody(length: length)
        } else {
            progress = StreamedBody(length: nil)
        }
    }
}
