import ParleyTransport
import ParleyWire

/// A stream of HTTP/2 (RFC 9113 5): a request and its response, or the tunnel that it became (RFC 8441).
///
/// Sound as `Sendable`: everything that changes is touched on the loop's thread only.
final class HTTP2Exchange: @unchecked Sendable {
    enum Phase {
        /// The response is awaited.
        case waiting
        /// The response's head was sent, and its body is being written.
        case streaming
        /// The response is complete, but for what waits to be sent of it.
        case responded
        case tunnel(HTTP2Tunnel)
        /// The stream is gone.
        case closed
    }

    let id: Int32
    let isHead: Bool
    /// The protocol that the client would switch to.
    let upgrade: String?
    /// The request's content; nil when there was none to come.
    @exclusivity(unchecked) let content: HTTP2RequestContent?
    @exclusivity(unchecked) var phase = Phase.waiting
    /// Who makes the response, or the last part of it; cancelled when the stream is gone.
    @exclusivity(unchecked) var maker: ResponseMaker?
    /// How many tasks were started.
    @exclusivity(unchecked) var taskCount = 0
    @exclusivity(unchecked) var output = HTTP2SendQueue()
    @exclusivity(unchecked) var body: StreamedBody?
    @exclusivity(unchecked) var stall = HTTP2StallWatch()
    /// Whether the producer of the streamed body is cancelled when the server shuts down.
    @exclusivity(unchecked) var endsAtShutdown = false

    init(id: Int32, isHead: Bool, upgrade: String? = nil, content: HTTP2RequestContent? = nil) {
        self.id = id
        self.isHead = isHead
        self.upgrade = upgrade
        self.content = content
    }

    var tunnel: HTTP2Tunnel? {
        if case .tunnel(let tunnel) = phase { tunnel } else { nil }
    }

    /// True while the response is awaited.
    var isAwaited: Bool {
        if case .waiting = phase { true } else { false }
    }

    var isClosed: Bool {
        if case .closed = phase { true } else { false }
    }

    /// True while there is nothing to be sent, but something is to come.
    var awaitsOutput: Bool {
        switch phase {
        case .waiting: true
        case .streaming, .tunnel: output.isEmpty
        case .responded, .closed: false
        }
    }

    /// True when nothing of the request is still to come.
    var isRequestEnded: Bool { content?.isEnded ?? true }

    /// Has a body that would not end by itself come to its end.
    func endStreamAtShutdown() {
        if endsAtShutdown, body != nil { maker?.cancel() }
    }

    func deadline(_ timeouts: ServerTimeouts) -> MonotonicInstant? {
        earliest(content?.deadline(timeouts), stall.deadline(timeouts.streamStall))
    }

    /// True when the peer doesn't take what waits for it.
    func isStalled(at now: MonotonicInstant, _ timeouts: ServerTimeouts) -> Bool {
        stall.isStalled(at: now, taken: output.takenBytes, timeout: timeouts.streamStall)
    }

    /// The stream is gone: whoever waits for something of it hears so.
    func close(_ reason: CloseReason) {
        let tunnel = tunnel
        phase = .closed
        stall.stop()
        content?.fail(RequestBodyError.connectionClosed)
        if body != nil {
            body?.takeWaiter()?.resume(throwing: ResponseWriterError.connectionClosed)
            body = nil
        }
        output = HTTP2SendQueue()
        if let maker = maker.take() { maker.cancel() }
        tunnel?.didClose(reason)
    }
}
