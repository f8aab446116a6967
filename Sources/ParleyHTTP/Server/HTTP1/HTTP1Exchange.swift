import ParleyWire

/// A request that is being answered.
struct HTTP1Exchange {
    /// Tells an answer that comes too late, for an exchange that is gone, from one that is awaited.
    let number: UInt64
    /// The request's head and what is known of it.
    let context: RequestContext
    /// The request's content; nil where it has none.
    let content: RequestBody?
    /// What the encoder has to know of the request.
    let framing: HTTP1ResponseEncoder.Exchange
    /// True while the client waits for `100 Continue`.
    var expectsContinue: Bool
    /// True once the request was handed to its endpoint.
    var isHandled = false
    /// How many tasks were started.
    var taskCount = 0
    /// Who makes the response, or the last part of it; cancelled when the peer goes away.
    var maker: ResponseMaker?
    /// Set while a streamed body is sent.
    var body: HTTP1StreamedBody?

    init(
        number: UInt64, context: RequestContext, content: RequestBody?,
        framing: HTTP1ResponseEncoder.Exchange, expectsContinue: Bool
    ) {
        self.number = number
        self.context = context
        self.content = content
        self.framing = framing
        self.expectsContinue = expectsContinue
    }
}

/// A streamed body on its way. A class, so that an exchange without one is small.
final class HTTP1StreamedBody {
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
