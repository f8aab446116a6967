/// Turns a client's bytes into requests (RFC 9112). Knows nothing of connections, time or responses.
///
/// Call ``next(_:at:)`` until it returns ``Event/needMore``, then again with the bytes that arrive next. The events of a
/// request are one `head`, any number of `body`, one `end`. Whatever stands after an `end` is the next request, so a
/// caller that upgrades, or that lets requests wait, stops calling there and keeps the rest of the input.
///
/// However the input is cut, the events are the same but for the cuts in the body. Between requests the decoder holds
/// no storage; within one, no more than the limits allow.
public struct HTTP1RequestDecoder: Sendable {
    /// What the decoder found.
    public enum Event: Sendable {
        /// The input is used up: the offset is at its end.
        case needMore
        /// A request begins.
        case head(HTTPRequestHead)
        /// Content of the request, as a range of the input of this call. Never empty.
        case body(Range<Int>)
        /// The request is complete. The trailers are those of a chunked body (RFC 9112 7.1.2), nil when there are
        /// none; they were not, and must not be, merged into the head.
        case end(trailers: HTTPHeaderBlock?)
        /// The request is refused, and the connection with it. The offset is of no meaning any more.
        case failure(HTTP1Error)
    }

    private enum State {
        case idle
        /// A head that the input cut off. Boxed, so that a connection that is between two requests is small.
        indirect case head(HTTPRequestHead, HTTP1HeadBuilder)
        case content
        case failed(HTTP1Error)
    }

    private let limits: HTTPLimits
    private var state = State.idle
    private var lines = HTTP1LineReader()
    private var content: HTTP1ContentDecoder

    /// A decoder at the beginning of a connection.
    public init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
        content = HTTP1ContentDecoder(limits: limits)
    }

    /// True after the first byte of a request, up to its end. Empty lines before a request don't count.
    public var isMidRequest: Bool {
        switch state {
        case .idle: !lines.held.isEmpty
        case .head(_, let builder): builder.hasRequestLine || !lines.held.isEmpty
        case .failed: false
        default: true
        }
    }

    /// The next event of the input, from the offset on, which is advanced over what was read.
    public mutating func next(_ input: Span<UInt8>, at offset: inout Int) -> Event {
        do throws(HTTP1Error) {
            return try advance(input, at: &offset)
        } catch {
            state = .failed(error)
            lines.clear()
            return .failure(error)
        }
    }

    private mutating func advance(_ input: Span<UInt8>, at offset: inout Int) throws(HTTP1Error) -> Event {
        switch state {
        case .idle:
            guard offset < input.count || !lines.held.isEmpty else { return .needMore }
            var head = HTTPRequestHead(method: .get, target: "")
            var builder = HTTP1HeadBuilder(limits: limits)
            if try readHead(&head, &builder, input, at: &offset) { return .head(head) }
            state = .head(head, builder)
            return .needMore
        case .head(var head, var builder):
            state = .idle  // gives the storage up, so that it is changed in place
            if try readHead(&head, &builder, input, at: &offset) { return .head(head) }
            state = .head(head, builder)
            return .needMore
        case .content:
            switch try content.next(input, at: &offset, lines: &lines) {
            case .needMore: return .needMore
            case .body(let range): return .body(range)
            case .end(let trailers):
                state = .idle
                return .end(trailers: trailers)
            }
        case .failed(let error):
            return .failure(error)
        }
    }
}

// MARK: - The head

extension HTTP1RequestDecoder {
    /// Reads lines up to the end of the head. False when it isn't complete.
    private mutating func readHead(
        _ head: inout HTTPRequestHead, _ builder: inout HTTP1HeadBuilder, _ input: Span<UInt8>,
        at offset: inout Int
    ) throws(HTTP1Error) -> Bool {
        while true {
            if !builder.hasRequestLine, lines.held.isEmpty, offset < input.count {
                // What is no HTTP at all (a TLS handshake, say) need not wait for a line end that never comes.
                let first = input[offset]
                guard HTTPBytes.isToken(first) || first == HTTPBytes.carriageReturn else {
                    throw .notARequest
                }
                Self.reserve(input.count &- offset, in: &head.headers)
            }
            let isComplete: Bool
            switch lines.next(input, at: &offset, limit: builder.lineBytes(limits)) {
            case .input(let range):
                isComplete = try builder.take(input.extracting(range), limits: limits, into: &head)
            case .held(let length):
                isComplete = try builder.take(
                    lines.held.span.extracting(0..<length), limits: limits, into: &head)
                lines.clear()
            case .needMore: return false
            case .tooLong: throw builder.lineError
            case .bareLineFeed: throw .bareLineFeed
            }
            if isComplete {
                try builder.finish(&head)
                content.begin(isChunked: head.isChunked, length: head.contentLength)
                state = .content
                return true
            }
        }
    }

    /// Makes room for the fields of a head out of so many bytes of input.
    private static func reserve(_ byteCount: Int, in headers: inout HTTPHeaderBlock) {
        headers.reserveCapacity(
            bytes: byteCount < 1024 ? byteCount : 512, fields: byteCount < 256 ? 6 : 16)
    }
}
