/// What is known of a request's head while its lines come in, and the decisions on its framing (RFC 9112 6) when they are
/// complete. The head itself is its caller's and filled in place: copying one costs a reference count for each of its
/// strings.
struct HTTP1HeadBuilder: Sendable {
    /// True once the request line came in.
    private(set) var hasRequestLine = false
    private var emptyLines = 0
    private var budget: HTTP1SectionBudget
    private var hasHost = false
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

    /// The longest line that may come next.
    func lineBytes(_ limits: HTTPLimits) -> Int {
        // The method, two spaces and the version take the 64 bytes.
        hasRequestLine ? budget.lineBytes : min(limits.targetBytes, HTTP1SectionBudget.maximum) &+ 64
    }

    /// The error for a line that is longer.
    var lineError: HTTP1Error { hasRequestLine ? budget.lineError : .targetTooLong }

    /// Takes the next line without its line end.
    /// - Returns: true when it was the empty line that ends the head.
    @inline(__always)
    mutating func take(
        _ line: Span<UInt8>, limits: HTTPLimits, into head: inout HTTPRequestHead
    ) throws(HTTP1Error) -> Bool {
        guard hasRequestLine else {
            try takeFirst(line, limits: limits, into: &head)
            return false
        }
        if line.count == 0 { return true }
        try budget.take(line.count)
        try HTTP1FieldLine.append(line, to: &head.headers)
        try inspectLast(of: &head)
        return false
    }

    private mutating func takeFirst(
        _ line: Span<UInt8>, limits: HTTPLimits, into head: inout HTTPRequestHead
    ) throws(HTTP1Error) {
        if line.count == 0 {
            emptyLines &+= 1
            guard emptyLines <= limits.leadingEmptyLines else { throw .leadingEmptyLines }
        } else {
            try HTTP1RequestLine.parse(line, limits: limits, into: &head)
            hasRequestLine = true
        }
    }

    /// Looks at the field that was just appended, if it is one that framing or routing depends on.
    @inline(__always)
    private mutating func inspectLast(of head: inout HTTPRequestHead) throws(HTTP1Error) {
        let index = head.headers.count &- 1
        switch head.headers.nameRange(at: index).count {
        case 4: if head.headers.hasName("host", at: index) { try takeHost(index, &head) }
        case 6: if head.headers.hasName("expect", at: index) { try takeExpect(index, &head) }
        case 7: if head.headers.hasName("upgrade", at: index) { hasUpgrade = true }
        case 10: if head.headers.hasName("connection", at: index) { takeConnection(index, head.headers) }
        case 14: if head.headers.hasName("content-length", at: index) { try takeContentLength(index, &head) }
        case 17:
            if head.headers.hasName("transfer-encoding", at: index) { try takeTransferEncoding(index, &head) }
        default: break
        }
    }

    private mutating func takeHost(_ index: Int, _ head: inout HTTPRequestHead) throws(HTTP1Error) {
        guard !hasHost else { throw .hostRepeated }
        hasHost = true
        guard HTTPAuthority.isValid(head.headers.bytes.span.extracting(head.headers.valueRange(at: index)))
        else {
            throw .hostInvalid
        }
    }

    private func takeExpect(_ index: Int, _ head: inout HTTPRequestHead) throws(HTTP1Error) {
        // RFC 9110 10.1.1: in HTTP/1.0 the expectation is to be ignored.
        guard head.version != .http10 else { return }
        guard head.headers.hasValue("100-continue", at: index) else { throw .expectation }
        head.expectsContinue = true
    }

    private mutating func takeConnection(_ index: Int, _ headers: borrowing HTTPHeaderBlock) {
        if headers.hasMember("close", at: index) { connection.insert(.close) }
        if headers.hasMember("keep-alive", at: index) { connection.insert(.keepAlive) }
        if headers.hasMember("upgrade", at: index) { connection.insert(.upgrade) }
    }

    /// One number and nothing else: even equal repetitions, which RFC 9110 8.6 would let pass, are refused.
    private func takeContentLength(_ index: Int, _ head: inout HTTPRequestHead) throws(HTTP1Error) {
        guard head.contentLength == nil else { throw .contentLengthRepeated }
        guard let length = head.headers.decimalValue(at: index) else { throw .contentLength }
        head.contentLength = length
    }

    private func takeTransferEncoding(_ index: Int, _ head: inout HTTPRequestHead) throws(HTTP1Error) {
        guard head.version != .http10 else { throw .oldTransferEncoding }
        guard !head.isChunked, !head.headers.valueRange(at: index).isEmpty else { throw .transferEncoding }
        guard head.headers.hasValue("chunked", at: index) else {
            // Chunked along with others is refused as such; without it, the coding is merely unknown to us.
            throw head.headers.hasMember("chunked", at: index) ? .transferEncoding : .unknownTransferCoding
        }
        head.isChunked = true
    }
}

extension HTTP1HeadBuilder {
    /// Completes the head, once ``take(_:limits:into:)`` has returned true.
    func finish(_ head: inout HTTPRequestHead) throws(HTTP1Error) {
        guard !head.isChunked || head.contentLength == nil else { throw .ambiguousFraming }
        guard hasHost || head.version == .http10 else { throw .hostMissing }
        if head.expectsContinue { head.expectsContinue = head.hasContent }
        head.keepAlive =
            !connection.contains(.close) && (head.version != .http10 || connection.contains(.keepAlive))
        // RFC 9110 7.8: Upgrade in HTTP/1.0 is to be ignored.
        if hasUpgrade, connection.contains(.upgrade), head.version != .http10 {
            head.upgradeProtocol = head.headers.first("upgrade")
        }
    }
}
