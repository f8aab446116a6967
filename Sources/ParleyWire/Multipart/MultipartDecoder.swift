/// Decodes a multipart body (RFC 2046 5.1, RFC 7578): bytes in, events out, the same events however the input is cut.
///
/// It holds a part's header section at most, never content.
package struct MultipartDecoder: Sendable {
    package enum Event: Equatable {
        /// A part begins; its header fields.
        case part(HTTPHeaderBlock)
        /// Content of the part: this range of the input.
        case content(Range<Int>)
        /// Content of the part that an earlier input ended with: this range of ``MultipartDecoder/delimiter``.
        case held(Range<Int>)
        /// The part is complete.
        case endOfPart
        /// The body is complete; what may follow is ignored.
        case end
        /// The input is used up.
        case needMore
        /// It is no multipart body; nothing but this error comes any more.
        case failure(MultipartError)
    }

    private enum State {
        case preamble
        /// Behind a boundary: at the end of its line, or of the body.
        case boundaryLine
        case headers
        case content
        case epilogue
        case failed(MultipartError)
    }

    /// What a line behind a boundary may have of blanks.
    private static let maximumPadding = 128

    private let limits: MultipartLimits
    private var search: MultipartDelimiter
    private var state = State.preamble
    private var preamble = 0
    private var parts = 0
    private var hasOpenPart = false
    private var isEndReported = false
    /// The rest of a boundary's line, or a part's header section so far.
    private var line: [UInt8] = []
    private var headerBytes = 0
    private var fields = HTTPHeaderBlock()

    /// - Throws: ``MultipartError`` for what can't be a boundary.
    package init(boundary: String, limits: MultipartLimits = MultipartLimits()) throws(MultipartError) {
        self.limits = limits
        search = try MultipartDelimiter(boundary: boundary)
        search.assumeLineEnd()
    }

    /// CRLF `--` boundary, of which ``Event/held(_:)`` gives a part.
    package var delimiter: [UInt8] { search.bytes }

    /// The next event; the offset is advanced over the input that it took.
    package mutating func next(_ input: Span<UInt8>, at offset: inout Int) -> Event {
        do throws(MultipartError) {
            while true {
                if let event = try step(input, at: &offset) { return event }
            }
        } catch {
            state = .failed(error)
            return .failure(error)
        }
    }

    /// The input ended: the error, unless the body is complete.
    package func finish() -> MultipartError? {
        switch state {
        case .epilogue: nil
        case .failed(let error): error
        default: .truncated
        }
    }

    private mutating func step(_ input: Span<UInt8>, at offset: inout Int) throws(MultipartError) -> Event? {
        switch state {
        case .preamble: return try skipPreamble(input, at: &offset)
        case .boundaryLine: return try readBoundaryLine(input, at: &offset)
        case .headers: return try readHeaders(input, at: &offset)
        case .content: return readContent(input, at: &offset)
        case .epilogue:
            guard isEndReported else {
                isEndReported = true
                return .end
            }
            offset = input.count
            return .needMore
        case .failed(let error): throw error
        }
    }
}

// MARK: - Boundaries and content

extension MultipartDecoder {
    private mutating func skipPreamble(
        _ input: Span<UInt8>, at offset: inout Int
    ) throws(MultipartError) -> Event? {
        guard offset < input.count else { return .needMore }
        switch search.next(input, at: &offset) {
        case .content(let range), .held(let range): preamble &+= range.count
        case .found(let range):
            preamble &+= range.count
            state = .boundaryLine
        }
        guard preamble <= limits.preambleBytes else {
            throw .limit("multipart preambleBytes", limits.preambleBytes, "bytes before the first boundary")
        }
        return nil
    }

    /// `--` ends the body; blanks are padding (RFC 2046 5.1.1).
    private mutating func readBoundaryLine(
        _ input: Span<UInt8>, at offset: inout Int
    ) throws(MultipartError) -> Event? {
        while offset < input.count {
            let byte = input[offset]
            offset &+= 1
            line.append(byte)
            if line.count == 2, line[0] == 0x2D {
                guard byte == 0x2D else { throw .delimiter }
                line = []
                state = .epilogue
                return nil
            }
            if byte == HTTPBytes.lineFeed {
                guard line.count >= 2, line[line.count - 2] == HTTPBytes.carriageReturn else {
                    throw .bareLineFeed
                }
                return try beginPart()
            }
            if line.count >= 2, line[line.count - 2] == HTTPBytes.carriageReturn { throw .delimiter }
            let mayFollow = HTTPBytes.isBlank(byte) || byte == HTTPBytes.carriageReturn
            guard mayFollow || (line.count == 1 && byte == 0x2D), line.count <= Self.maximumPadding else {
                throw .delimiter
            }
        }
        return .needMore
    }

    private mutating func beginPart() throws(MultipartError) -> Event? {
        guard parts < limits.parts else { throw .limit("multipart parts", limits.parts, "parts") }
        parts &+= 1
        line.removeAll(keepingCapacity: true)
        headerBytes = 0
        fields = HTTPHeaderBlock()
        state = .headers
        return nil
    }

    private mutating func readContent(_ input: Span<UInt8>, at offset: inout Int) -> Event? {
        guard hasOpenPart else {
            state = .boundaryLine
            return .endOfPart
        }
        guard offset < input.count else { return .needMore }
        switch search.next(input, at: &offset) {
        case .content(let range): return range.isEmpty ? nil : .content(range)
        case .held(let range): return range.isEmpty ? nil : .held(range)
        case .found(let range):
            hasOpenPart = false
            return range.isEmpty ? nil : .content(range)
        }
    }
}

// MARK: - Header sections

extension MultipartDecoder {
    private mutating func readHeaders(
        _ input: Span<UInt8>, at offset: inout Int
    ) throws(MultipartError) -> Event? {
        while offset < input.count {
            let byte = input[offset]
            offset &+= 1
            headerBytes &+= 1
            guard headerBytes <= limits.headerBytes else {
                throw .limit("multipart headerBytes", limits.headerBytes, "bytes of a part's headers")
            }
            guard byte == HTTPBytes.lineFeed else {
                line.append(byte)
                continue
            }
            guard line.last == HTTPBytes.carriageReturn else { throw .bareLineFeed }
            line.removeLast()
            if line.isEmpty { return endHeaders() }
            try addField()
            line.removeAll(keepingCapacity: true)
        }
        return .needMore
    }

    private mutating func addField() throws(MultipartError) {
        guard fields.count < limits.headerFields else {
            throw .limit("multipart headerFields", limits.headerFields, "header fields of a part")
        }
        let complete = line
        do throws(HTTP1Error) {
            try HTTP1FieldLine.append(complete.span, to: &fields)
        } catch {
            throw error == .fieldValue ? .fieldValue : .fieldName
        }
    }

    private mutating func endHeaders() -> Event {
        var begun = HTTPHeaderBlock()
        swap(&begun, &fields)
        hasOpenPart = true
        state = .content
        // A part without content may end right here (RFC 2046 5.1.1: body-part).
        search.assumeLineEnd()
        return .part(begun)
    }
}
