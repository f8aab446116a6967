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
        /// Boxed, so that a connection that is between two requests is small.
        indirect case head(HTTP1HeadBuilder)
        case fixedBody(UInt64)
        case chunkSize
        case chunkData(UInt64)
        case chunkCarriageReturn
        case chunkLineFeed
        indirect case trailers(HTTPHeaderBlock, HTTP1SectionBudget)
        case end
        case failed(HTTP1Error)
    }

    private let limits: HTTPLimits
    private var state = State.idle
    private var lines = HTTP1LineReader()
    private var extensionBytes = 0

    /// A decoder at the beginning of a connection.
    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// True after the first byte of a request, up to its end. Empty lines before a request don't count.
    public var isMidRequest: Bool {
        switch state {
        case .idle: !lines.held.isEmpty
        case .head(let builder): builder.hasRequestLine || !lines.held.isEmpty
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

    /// Runs through the states that give no event by themselves.
    private mutating func advance(_ input: Span<UInt8>, at offset: inout Int) throws(HTTP1Error) -> Event {
        while true {
            switch state {
            case .idle:
                guard offset < input.count || !lines.held.isEmpty else { return .needMore }
                return try head(HTTP1HeadBuilder(limits: limits), input, at: &offset)
            case .head(let builder):
                state = .idle  // gives the storage up, so that it is changed in place
                return try head(builder, input, at: &offset)
            case .fixedBody(let remaining):
                return body(remaining, input, at: &offset)
            case .chunkSize:
                guard try chunkSize(input, at: &offset) else { return .needMore }
            case .chunkData(let remaining):
                return body(remaining, input, at: &offset)
            case .chunkCarriageReturn, .chunkLineFeed:
                guard try chunkEnd(input, at: &offset) else { return .needMore }
            case .trailers(let block, let budget):
                state = .end
                return try trailers(block, budget, input, at: &offset)
            case .end:
                state = .idle
                return .end(trailers: nil)
            case .failed(let error):
                return .failure(error)
            }
        }
    }
}

// MARK: - The head

extension HTTP1RequestDecoder {
    private mutating func head(
        _ initial: consuming HTTP1HeadBuilder, _ input: Span<UInt8>, at offset: inout Int
    ) throws(HTTP1Error) -> Event {
        var builder = initial
        while true {
            if !builder.hasRequestLine, lines.held.isEmpty, offset < input.count {
                // What is no HTTP at all (a TLS handshake, say) need not wait for a line end that never comes.
                let first = input[offset]
                guard HTTPBytes.isToken(first) || first == HTTPBytes.carriageReturn else {
                    throw .notARequest
                }
                builder.reserve(input.count &- offset)
            }
            let isComplete: Bool
            switch lines.next(input, at: &offset, limit: builder.lineBytes(limits)) {
            case .input(let range):
                isComplete = try builder.take(input.extracting(range), limits: limits)
            case .held(let length):
                isComplete = try builder.take(lines.held.span.extracting(0..<length), limits: limits)
                lines.clear()
            case .needMore:
                state = .head(builder)
                return .needMore
            case .tooLong: throw builder.lineError
            case .bareLineFeed: throw .bareLineFeed
            }
            if isComplete {
                try builder.finish()
                begin(isChunked: builder.head.isChunked, length: builder.head.contentLength)
                return .head(builder.intoHead())
            }
        }
    }

    /// Enters the state that the head's framing asks for.
    private mutating func begin(isChunked: Bool, length: UInt64?) {
        extensionBytes = 0
        if isChunked {
            state = .chunkSize
        } else if let length, length > 0 {
            state = .fixedBody(length)
        } else {
            state = .end
        }
    }
}

// MARK: - The content

extension HTTP1RequestDecoder {
    /// As much of the content, or of the chunk, as the input has.
    private mutating func body(_ remaining: UInt64, _ input: Span<UInt8>, at offset: inout Int) -> Event {
        let available = input.count &- offset
        guard available > 0 else { return .needMore }
        let length = remaining > UInt64(available) ? available : Int(remaining)
        let rest = remaining &- UInt64(length)
        if case .chunkData = state {
            state = rest > 0 ? .chunkData(rest) : .chunkCarriageReturn
        } else {
            state = rest > 0 ? .fixedBody(rest) : .end
        }
        let range = offset..<(offset &+ length)
        offset &+= length
        return .body(range)
    }

    /// Reads a size line. Returns false when it isn't complete.
    private mutating func chunkSize(_ input: Span<UInt8>, at offset: inout Int) throws(HTTP1Error) -> Bool {
        let limit = HTTP1ChunkLine.lineBytes(limits)
        switch lines.next(input, at: &offset, limit: limit) {
        case .input(let range):
            try beginChunk(try HTTP1ChunkLine.parse(input.extracting(range), limits: limits))
        case .held(let length):
            let line = try HTTP1ChunkLine.parse(lines.held.span.extracting(0..<length), limits: limits)
            lines.clear()
            try beginChunk(line)
        case .needMore: return false
        case .tooLong: throw overlongChunkLine(input, at: offset, limit: limit)
        case .bareLineFeed: throw .bareLineFeed
        }
        return true
    }

    private mutating func beginChunk(_ line: HTTP1ChunkLine) throws(HTTP1Error) {
        extensionBytes &+= line.extensionBytes
        guard extensionBytes <= limits.chunkExtensionBodyBytes else { throw .chunkExtensionsTooLong }
        state =
            line.size > 0 ? .chunkData(line.size) : .trailers(HTTPHeaderBlock(), HTTP1SectionBudget(limits))
    }

    /// The error of an overlong size line is decided by its beginning, so that it doesn't depend on the cuts.
    private func overlongChunkLine(_ input: Span<UInt8>, at offset: Int, limit: Int) -> HTTP1Error {
        var start = lines.held
        // One byte over the limit is enough to find the line too long.
        start.append(bytes: input.extracting(offset..<min(input.count, offset &+ limit &+ 1)))
        do throws(HTTP1Error) {
            _ = try HTTP1ChunkLine.parse(
                start.span.extracting(0..<min(start.count, limit &+ 1)), limits: limits)
            return .chunkExtensionLineTooLong
        } catch {
            return error
        }
    }

    /// Reads the CRLF after a chunk's data. Returns false when it isn't complete.
    private mutating func chunkEnd(_ input: Span<UInt8>, at offset: inout Int) throws(HTTP1Error) -> Bool {
        guard offset < input.count else { return false }
        let byte = input[offset]
        offset &+= 1
        if case .chunkCarriageReturn = state {
            guard byte == HTTPBytes.carriageReturn else { throw .chunkEnd }
            state = .chunkLineFeed
        } else {
            guard byte == HTTPBytes.lineFeed else { throw .chunkEnd }
            state = .chunkSize
        }
        return true
    }

    private mutating func trailers(
        _ initialBlock: HTTPHeaderBlock, _ initialBudget: HTTP1SectionBudget, _ input: Span<UInt8>,
        at offset: inout Int
    ) throws(HTTP1Error) -> Event {
        var block = initialBlock
        var budget = initialBudget
        while true {
            switch lines.next(input, at: &offset, limit: budget.lineBytes) {
            case .input(let range):
                if range.isEmpty { return endWithTrailers(block) }
                try budget.take(range.count)
                try HTTP1FieldLine.append(input.extracting(range), to: &block)
            case .held(let length):
                if length > 0 {
                    try budget.take(length)
                    try HTTP1FieldLine.append(lines.held.span.extracting(0..<length), to: &block)
                }
                lines.clear()
                if length == 0 { return endWithTrailers(block) }
            case .needMore:
                state = .trailers(block, budget)
                return .needMore
            case .tooLong: throw budget.lineError
            case .bareLineFeed: throw .bareLineFeed
            }
        }
    }

    private mutating func endWithTrailers(_ block: HTTPHeaderBlock) -> Event {
        state = .idle
        return .end(trailers: block.isEmpty ? nil : block)
    }
}
