/// A request's head while its lines come in, and the decisions on its framing (RFC 9112 6) when they are complete.
struct HTTP1HeadBuilder: Sendable {
    private var requestLine: HTTP1RequestLine?
    private var emptyLines = 0
    private var headers = HTTPHeaderBlock()
    private var budget: HTTP1SectionBudget
    private var hostIndex: Int?
    private var contentLength: UInt64?
    private var isChunked = false
    private var expectsContinue = false
    private var hasUpgrade = false
    private var connection: Connection = []

    /// What `Connection` lists (RFC 9110 7.6.1).
    private struct Connection: OptionSet, Sendable {
        let rawValue: UInt8
        static let close = Connection(rawValue: 1)
        static let keepAlive = Connection(rawValue: 2)
        static let upgrade = Connection(rawValue: 4)
    }

    init(limits: HTTPLimits) { budget = HTTP1SectionBudget(limits) }

    /// True once something of the request itself came in.
    var hasRequestLine: Bool { requestLine != nil }

    /// The longest line that may come next.
    func lineBytes(_ limits: HTTPLimits) -> Int {
        // The method, two spaces and the version take the 64 bytes.
        hasRequestLine ? budget.lineBytes : limits.targetBytes &+ 64
    }

    /// The error for a line that is longer.
    var lineError: HTTP1Error { hasRequestLine ? budget.lineError : .targetTooLong }

    /// Makes room for a head of about so many bytes.
    mutating func reserve(_ byteCount: Int) {
        headers.reserveCapacity(bytes: min(byteCount, 1024), fields: byteCount < 256 ? 8 : 24)
    }

    /// Takes the next line without its line end.
    /// - Returns: true when it was the empty line that ends the head.
    mutating func take(_ line: Span<UInt8>, limits: HTTPLimits) throws(HTTP1Error) -> Bool {
        guard let requestLine else {
            try takeFirst(line, limits: limits)
            return false
        }
        if line.count == 0 { return true }
        try budget.take(line.count)
        try HTTP1FieldLine.append(line, to: &headers)
        try inspectLast(version: requestLine.version)
        return false
    }

    private mutating func takeFirst(_ line: Span<UInt8>, limits: HTTPLimits) throws(HTTP1Error) {
        if line.count == 0 {
            emptyLines &+= 1
            guard emptyLines <= limits.leadingEmptyLines else { throw .leadingEmptyLines }
        } else {
            requestLine = try HTTP1RequestLine.parse(line, limits: limits)
        }
    }

    /// Looks at the field that was just appended, if it is one that framing or routing depends on.
    @inline(__always)
    private mutating func inspectLast(version: HTTPVersion) throws(HTTP1Error) {
        let index = headers.count &- 1
        switch headers.nameRange(at: index).count {
        case 4: if headers.hasName("host", at: index) { try takeHost(index) }
        case 6: if headers.hasName("expect", at: index) { try takeExpect(index, version) }
        case 7: if headers.hasName("upgrade", at: index) { hasUpgrade = true }
        case 10: if headers.hasName("connection", at: index) { takeConnection(index) }
        case 14: if headers.hasName("content-length", at: index) { try takeContentLength(index) }
        case 17:
            if headers.hasName("transfer-encoding", at: index) { try takeTransferEncoding(index, version) }
        default: break
        }
    }

    private mutating func takeHost(_ index: Int) throws(HTTP1Error) {
        guard hostIndex == nil else { throw .hostRepeated }
        hostIndex = index
        guard HTTPAuthority.isValid(headers.bytes.span.extracting(headers.valueRange(at: index))) else {
            throw .hostInvalid
        }
    }

    private mutating func takeExpect(_ index: Int, _ version: HTTPVersion) throws(HTTP1Error) {
        // RFC 9110 10.1.1: in HTTP/1.0 the expectation is to be ignored.
        guard version != .http10 else { return }
        guard headers.hasValue("100-continue", at: index) else { throw .expectation }
        expectsContinue = true
    }

    private mutating func takeConnection(_ index: Int) {
        if headers.hasMember("close", at: index) { connection.insert(.close) }
        if headers.hasMember("keep-alive", at: index) { connection.insert(.keepAlive) }
        if headers.hasMember("upgrade", at: index) { connection.insert(.upgrade) }
    }

    /// One number and nothing else: even equal repetitions, which RFC 9110 8.6 would let pass, are refused.
    private mutating func takeContentLength(_ index: Int) throws(HTTP1Error) {
        guard contentLength == nil else { throw .contentLengthRepeated }
        guard let length = headers.decimalValue(at: index) else { throw .contentLength }
        contentLength = length
    }

    private mutating func takeTransferEncoding(_ index: Int, _ version: HTTPVersion) throws(HTTP1Error) {
        guard version != .http10 else { throw .oldTransferEncoding }
        guard !isChunked, !headers.valueRange(at: index).isEmpty else { throw .transferEncoding }
        guard headers.hasValue("chunked", at: index) else {
            // Chunked along with others is refused as such; without it, the coding is merely unknown to us.
            throw headers.hasMember("chunked", at: index) ? .transferEncoding : .unknownTransferCoding
        }
        isChunked = true
    }
}

extension HTTP1HeadBuilder {
    /// The head, once ``take(_:limits:)`` has returned true.
    func finish() throws(HTTP1Error) -> HTTPRequestHead {
        // `take` returns true after a request line only.
        guard let requestLine else { throw .notARequest }
        guard !isChunked || contentLength == nil else { throw .ambiguousFraming }
        guard hostIndex != nil || requestLine.version == .http10 else { throw .hostMissing }
        var head = HTTPRequestHead(
            method: requestLine.method, target: requestLine.target, version: requestLine.version,
            headers: headers)
        head.authority = requestLine.authority ?? hostIndex.map { headers.value(at: $0) }
        head.contentLength = contentLength
        head.isChunked = isChunked
        head.expectsContinue = expectsContinue && head.hasContent
        head.keepAlive =
            !connection.contains(.close)
            && (requestLine.version != .http10 || connection.contains(.keepAlive))
        // RFC 9110 7.8: Upgrade in HTTP/1.0 is to be ignored.
        if hasUpgrade, connection.contains(.upgrade), requestLine.version != .http10 {
            head.upgradeProtocol = headers.first("upgrade")
        }
        return head
    }
}
