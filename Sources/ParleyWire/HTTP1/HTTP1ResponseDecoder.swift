public import HTTPTypes

/// Turns a server's bytes into responses (RFC 9112), one after the other, on the client's side of a connection.
///
/// Call ``next(_:at:)`` until it returns ``Event/needMore``, then again with the bytes that arrive next, and
/// ``finish()`` when the server ends the connection. The events of a response are any number of `interim`, one `head`, any
/// number of `body`, one `end`. What follows the head of a `101` belongs to another protocol: stop calling there.
public struct HTTP1ResponseDecoder: Sendable {
    /// What the decoder found.
    public enum Event: Sendable {
        /// The input is used up: the offset is at its end.
        case needMore
        /// A response that another one follows (RFC 9110 15.2); 101 is none of these.
        case interim(HTTPResponseHead)
        /// A response begins.
        case head(HTTPResponseHead)
        /// Content of the response, as a range of the input of this call. Never empty.
        case body(Range<Int>)
        /// The response is complete, with the trailers of a chunked body.
        case end(trailers: HTTPHeaderBlock?)
        /// The response breaks a rule or a limit, and the connection is of no use any more.
        case failure(HTTP1Error)
    }

    private enum State {
        case idle
        indirect case head(HTTPResponseHead, HTTP1SectionBudget)
        case content
        case failed(HTTP1Error)
    }

    /// The method of the request that is answered next: the response to HEAD has no content, and neither has a 2xx to
    /// CONNECT.
    public var requestMethod = HTTPRequest.Method.get

    private let limits: HTTPLimits
    private var state = State.idle
    private var lines = HTTP1LineReader()
    private var content: HTTP1ContentDecoder

    /// A decoder at the beginning of a connection.
    public init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
        content = HTTP1ContentDecoder(limits: limits)
    }

    /// The next event of the input, from the offset on, which is advanced over what was read.
    public mutating func next(_ input: Span<UInt8>, at offset: inout Int) -> Event {
        do throws(HTTP1Error) {
            return try advance(input, at: &offset)
        } catch {
            return fail(error)
        }
    }

    /// The server ended the connection: the end of a response without announced length, nothing between two responses,
    /// and a failure within one.
    public mutating func finish() -> Event {
        switch state {
        case .idle where lines.held.isEmpty: return .needMore
        case .content where content.endsWithConnection:
            state = .idle
            return .end(trailers: nil)
        case .failed(let error): return .failure(error)
        default: return fail(.incompleteResponse)
        }
    }

    private mutating func advance(_ input: Span<UInt8>, at offset: inout Int) throws(HTTP1Error) -> Event {
        switch state {
        case .idle: return try statusLine(input, at: &offset)
        case .head(let head, let budget):
            state = .idle  // gives the storage up, so that it is changed in place
            return try fields(head, budget, input, at: &offset)
        case .content:
            switch try content.next(input, at: &offset, lines: &lines) {
            case .needMore: return .needMore
            case .body(let range): return .body(range)
            case .end(let trailers):
                state = .idle
                return .end(trailers: trailers)
            }
        case .failed(let error): return .failure(error)
        }
    }

    private mutating func fail(_ error: HTTP1Error) -> Event {
        state = .failed(error)
        lines.clear()
        return .failure(error)
    }
}

// MARK: - The head

extension HTTP1ResponseDecoder {
    private mutating func statusLine(_ input: Span<UInt8>, at offset: inout Int) throws(HTTP1Error) -> Event {
        let head: HTTPResponseHead
        switch lines.next(input, at: &offset, limit: limits.headerFieldBytes) {
        case .input(let range): head = try HTTPResponseHead(statusLine: input.extracting(range))
        case .held(let length):
            head = try HTTPResponseHead(statusLine: lines.held.span.extracting(0..<length))
            lines.clear()
        case .needMore: return .needMore
        case .tooLong: throw .fieldTooLong
        case .bareLineFeed: throw .bareLineFeed
        }
        return try fields(head, HTTP1SectionBudget(limits), input, at: &offset)
    }

    private mutating func fields(
        _ initialHead: HTTPResponseHead, _ initialBudget: HTTP1SectionBudget, _ input: Span<UInt8>,
        at offset: inout Int
    ) throws(HTTP1Error) -> Event {
        var head = initialHead
        var budget = initialBudget
        while true {
            switch lines.next(input, at: &offset, limit: budget.lineBytes) {
            case .input(let range):
                if range.isEmpty { return try begin(head) }
                try budget.take(range.count)
                try HTTP1FieldLine.append(input.extracting(range), to: &head.headers)
            case .held(let length):
                if length > 0 {
                    try budget.take(length)
                    try HTTP1FieldLine.append(lines.held.span.extracting(0..<length), to: &head.headers)
                }
                lines.clear()
                if length == 0 { return try begin(head) }
            case .needMore:
                state = .head(head, budget)
                return .needMore
            case .tooLong: throw budget.lineError
            case .bareLineFeed: throw .bareLineFeed
            }
        }
    }

    /// Enters the state that the head's framing asks for (RFC 9112 6.3).
    private mutating func begin(_ initialHead: HTTPResponseHead) throws(HTTP1Error) -> Event {
        var head = initialHead
        try head.readFraming()
        if head.status < 200, head.status != 101 {
            state = .idle
            return .interim(head)
        }
        if !head.mayHaveContent(answering: requestMethod) {
            content.begin(isChunked: false, length: nil)
        } else if head.isChunked || head.contentLength != nil {
            content.begin(isChunked: head.isChunked, length: head.contentLength)
        } else {
            content.beginUntilClose()
            head.keepAlive = false
        }
        state = .content
        return .head(head)
    }
}

extension HTTP1Error {
    static var statusLine: Self {
        .init(status: 502, rule: "RFC 9112 4: a status line is HTTP-version SP status-code SP reason-phrase")
    }
    static var incompleteResponse: Self {
        .init(status: 502, rule: "RFC 9112 8: the connection ended within a response")
    }
}
