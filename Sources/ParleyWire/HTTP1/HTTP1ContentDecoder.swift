/// Finds the content of a message in its bytes, as the head's framing has it (RFC 9112 6): what requests and responses
/// have in common. The reader of lines is the caller's, so that a message between two others holds one buffer.
struct HTTP1ContentDecoder: Sendable {
    enum Event {
        /// The input is used up.
        case needMore
        /// Content, as a range of the input of this call. Never empty.
        case body(Range<Int>)
        /// The message is complete.
        case end(trailers: HTTPHeaderBlock?)
    }

    private enum State {
        case end
        case fixed(UInt64)
        /// All that comes, up to the end of the connection.
        case untilClose
        case chunkSize
        case chunkData(UInt64)
        case chunkCarriageReturn
        case chunkLineFeed
        /// Boxed, as few messages have trailers.
        indirect case trailers(HTTPHeaderBlock, HTTP1SectionBudget)
    }

    private let limits: HTTPLimits
    private var state = State.end
    private var extensionBytes = 0

    init(limits: HTTPLimits) { self.limits = limits }

    /// Begins the content of a message whose length is announced, or that comes in chunks; otherwise it has none.
    mutating func begin(isChunked: Bool, length: UInt64?) {
        extensionBytes = 0
        if isChunked {
            state = .chunkSize
        } else if let length, length > 0 {
            state = .fixed(length)
        } else {
            state = .end
        }
    }

    /// Begins content that ends with the connection (RFC 9112 6.3, rule 8).
    mutating func beginUntilClose() { state = .untilClose }

    /// True when the end of the connection is the end of the content.
    var endsWithConnection: Bool {
        if case .untilClose = state { true } else { false }
    }

    /// The next event, from the offset on, which is advanced over what was read.
    mutating func next(
        _ input: Span<UInt8>, at offset: inout Int, lines: inout HTTP1LineReader
    ) throws(HTTP1Error) -> Event {
        while true {
            switch state {
            case .end: return .end(trailers: nil)
            case .fixed(let remaining), .chunkData(let remaining):
                return body(remaining, input, at: &offset)
            case .untilClose: return body(.max, input, at: &offset)
            case .chunkSize:
                guard try chunkSize(input, at: &offset, &lines) else { return .needMore }
            case .chunkCarriageReturn, .chunkLineFeed:
                guard try chunkEnd(input, at: &offset) else { return .needMore }
            case .trailers(let block, let budget):
                state = .end
                return try trailers(block, budget, input, at: &offset, &lines)
            }
        }
    }
}

extension HTTP1ContentDecoder {
    /// As much of the content, or of the chunk, as the input has.
    private mutating func body(_ remaining: UInt64, _ input: Span<UInt8>, at offset: inout Int) -> Event {
        let available = input.count &- offset
        guard available > 0 else { return .needMore }
        let length = remaining > UInt64(available) ? available : Int(remaining)
        let rest = remaining &- UInt64(length)
        switch state {
        case .chunkData: state = rest > 0 ? .chunkData(rest) : .chunkCarriageReturn
        case .fixed: state = rest > 0 ? .fixed(rest) : .end
        default: break
        }
        let range = offset..<(offset &+ length)
        offset &+= length
        return .body(range)
    }

    /// Reads a size line. Returns false when it isn't complete.
    private mutating func chunkSize(
        _ input: Span<UInt8>, at offset: inout Int, _ lines: inout HTTP1LineReader
    ) throws(HTTP1Error) -> Bool {
        let limit = HTTP1ChunkLine.lineBytes(limits)
        switch lines.next(input, at: &offset, limit: limit) {
        case .input(let range):
            try beginChunk(try HTTP1ChunkLine.parse(input.extracting(range), limits: limits))
        case .held(let length):
            let line = try HTTP1ChunkLine.parse(lines.held.span.extracting(0..<length), limits: limits)
            lines.clear()
            try beginChunk(line)
        case .needMore: return false
        case .tooLong: throw overlongChunkLine(input, at: offset, limit: limit, lines.held)
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
    private func overlongChunkLine(
        _ input: Span<UInt8>, at offset: Int, limit: Int, _ held: [UInt8]
    ) -> HTTP1Error {
        var start = held
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
        at offset: inout Int, _ lines: inout HTTP1LineReader
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

    private func endWithTrailers(_ block: HTTPHeaderBlock) -> Event {
        .end(trailers: block.isEmpty ? nil : block)
    }
}
