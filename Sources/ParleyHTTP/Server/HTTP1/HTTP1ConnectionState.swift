/// Where an HTTP/1.1 connection is in its life: one exchange at a time, each of a request that comes in and a response
/// that goes out, both of which may end first (RFC 9112 9). Pure bookkeeping: each verb says what is to be done next.
struct HTTP1ConnectionState {
    /// What follows the end of a request or of a response.
    enum Next: Equatable {
        /// The other half is still to come.
        case wait
        /// The exchange is over; the next request may be decoded.
        case nextRequest
        /// The response is complete, and what is left of the request's content is to be read and discarded.
        case discardContent
        /// The connection ends.
        case close
    }

    /// What the end of the peer's direction means.
    enum EndOfInput: Equatable {
        /// Nobody waits for anything.
        case close
        /// A response is on its way: whoever makes it is told to stop, and what comes nevertheless is sent.
        case cancelExchange
        /// Nothing, as the connection is closed or handed over already.
        case ignore
    }

    private enum Phase {
        /// Between two requests, or within a head.
        case betweenRequests
        case exchange
        /// Closed, or handed over to another protocol.
        case over
    }

    private var phase = Phase.betweenRequests
    private var requestEnded = false
    private var responseEnded = false
    private var persists = true
    private var discarded = 0
    private var peerEnded = false
    private var isShuttingDown = false

    /// True while the decoder may be given bytes. What comes at other times has to wait.
    var acceptsInput: Bool {
        switch phase {
        case .betweenRequests: true
        case .exchange: !requestEnded
        case .over: false
        }
    }

    /// True while a response is owed.
    var owesResponse: Bool { phase == .exchange && !responseEnded }

    /// True once the response is complete, but not the request.
    var isDiscarding: Bool { phase == .exchange && responseEnded && !requestEnded }

    /// True between two requests.
    var isBetweenRequests: Bool { phase == .betweenRequests }

    /// True once nothing is decoded or sent any more.
    var isOver: Bool { phase == .over }

    /// True when the request's content came to its end.
    var hasWholeRequest: Bool { phase == .exchange && requestEnded }

    /// False when the response must announce the connection's end.
    var mayPersist: Bool { persists && !peerEnded && !isShuttingDown }

    /// True when another protocol may take over, which the client's `Connection: close` or the like doesn't hinder.
    var mayHandOver: Bool { !peerEnded && !isShuttingDown }

    /// A head was decoded.
    mutating func beginExchange() {
        phase = .exchange
        requestEnded = false
        responseEnded = false
        discarded = 0
    }

    /// The request is complete.
    mutating func endRequest() -> Next {
        requestEnded = true
        return responseEnded ? endExchange() : .wait
    }

    /// The response is complete, and said whether the connection persists.
    mutating func endResponse(persists: Bool) -> Next {
        responseEnded = true
        self.persists = persists && self.persists
        guard !requestEnded else { return endExchange() }
        return mayPersist ? .discardContent : end()
    }

    /// Content came after the response was complete. False when it is more than is worth reading.
    mutating func discard(_ count: Int, limit: Int) -> Bool {
        // Saturates, as the count only has to stay above the limit.
        discarded = discarded.addingReportingOverflow(count).overflow ? .max : discarded + count
        return discarded <= limit
    }

    /// The peer ended its direction.
    mutating func receivedEnd() -> EndOfInput {
        peerEnded = true
        switch phase {
        case .over: return .ignore
        case .exchange where !responseEnded: return .cancelExchange
        case .exchange, .betweenRequests: return .close
        }
    }

    /// The server shuts down. True when the connection is of no use any more.
    mutating func shutDown(isMidRequest: Bool) -> Bool {
        isShuttingDown = true
        return phase == .betweenRequests && !isMidRequest
    }

    /// The connection is closed, or handed over.
    mutating func finish() { phase = .over }

    private mutating func endExchange() -> Next {
        guard mayPersist else { return end() }
        phase = .betweenRequests
        return .nextRequest
    }

    private mutating func end() -> Next {
        phase = .over
        return .close
    }
}
