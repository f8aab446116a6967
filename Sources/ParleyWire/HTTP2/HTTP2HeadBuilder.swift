import HTTPTypes

/// A request's head while its fields come in, decompressed, and what becomes of it when they are complete.
///
/// nghttp2 has checked what RFC 9113 8.2 and 8.3 call malformed by then: the characters of names and values, the order,
/// number and completeness of pseudo-header fields, fields of the connection. The limits, and the rules that a gateway
/// could be deceived with, are checked here.
struct HTTP2HeadBuilder {
    private var head = Self.blank
    /// True from the first field on, until the head is taken or given up.
    private(set) var isOpen = false
    private var budget = HTTP2SectionBudget()
    private var cookies = 0
    private var pseudo: Pseudo = []
    private var refusal: HTTP2Refusal?
    /// The last valid authority: the requests of a connection seldom have more than one.
    private var lastAuthority: String?

    private struct Pseudo: OptionSet {
        let rawValue: UInt8
        static let path = Pseudo(rawValue: 1)
        static let scheme = Pseudo(rawValue: 2)
    }

    private static var blank: HTTPRequestHead { HTTPRequestHead(method: .get, target: "", version: .http2) }

    /// Begins a head, in the place of the one before.
    mutating func begin() {
        if isOpen { head = Self.blank }
        isOpen = true
        budget = HTTP2SectionBudget()
        cookies = 0
        pseudo = []
        refusal = nil
        head.headers.reserveCapacity(bytes: 256, fields: 8)
    }

    /// Gives the head up.
    mutating func abandon() {
        isOpen = false
        head = Self.blank
    }

    /// Takes the next field. Once the request is refused its fields are counted only.
    mutating func take(
        name: Span<UInt8>, value: Span<UInt8>, limits: HTTPLimits, http2Limits: HTTP2Limits
    ) -> HTTP2Violation? {
        if let violation = budget.take(name, value, http2Limits) { return violation }
        guard refusal == nil else { return nil }
        do throws(HTTP2Refusal) {
            // The pseudo-header fields are the request line, which is no field in HTTP/1.1 either.
            try budget.check(limits, free: 5)
            if name.count > 0, name[0] == HTTPBytes.colon {
                try takePseudo(name, value, limits)
            } else {
                guard name.count + value.count <= limits.headerFieldBytes else { throw .fieldTooLong }
                try takeField(name, value)
            }
        } catch {
            refusal = error
        }
        return nil
    }

    private mutating func takePseudo(
        _ name: Span<UInt8>, _ value: Span<UInt8>, _ limits: HTTPLimits
    ) throws(HTTP2Refusal) {
        switch name.count {
        case 5 where HTTPBytes.equalIgnoringCase(name, ":path"):
            guard value.count <= limits.targetBytes else { throw .targetTooLong }
            try takePath(value)
        case 7 where HTTPBytes.equalIgnoringCase(name, ":method"):
            guard let method = HTTPRequest.Method(bytes: value) else { throw .method }
            head.method = method
        case 7 where HTTPBytes.equalIgnoringCase(name, ":scheme"):
            pseudo.insert(.scheme)
            head.scheme = String(bytes: value)
        case 9 where HTTPBytes.equalIgnoringCase(name, ":protocol"):
            head.upgradeProtocol = String(bytes: value)
        case 10 where HTTPBytes.equalIgnoringCase(name, ":authority"):
            try takeAuthority(value)
        default: break  // Unknown ones are malformed, and reset by nghttp2.
        }
    }

    private mutating func takeAuthority(_ value: Span<UInt8>) throws(HTTP2Refusal) {
        if let lastAuthority, value.equals(lastAuthority) {
            head.authority = lastAuthority
            return
        }
        guard value.count > 0, HTTPAuthority.isValid(value) else { throw .authority }
        lastAuthority = String(bytes: value)
        head.authority = lastAuthority
    }

    private mutating func takePath(_ value: Span<UInt8>) throws(HTTP2Refusal) {
        guard value.count > 0, value[0] == 0x2F || value.count == 1 && value[0] == 0x2A else { throw .path }
        for index in value.indices where !HTTPBytes.isVisible(value[index]) || value[index] == 0x23 {
            throw .path
        }
        pseudo.insert(.path)
        head.target = String(bytes: value)
    }

    private mutating func takeField(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(HTTP2Refusal) {
        // nghttp2 leaves out fields that it finds invalid, but for those that make a request malformed.
        guard HTTPBytes.isFieldValue(value) else { throw .fieldValue }
        head.headers.append(name: name, value: value)
        let index = head.headers.count &- 1
        switch name.count {
        case 6 where head.headers.hasName("cookie", at: index): cookies += 1
        case 6 where head.headers.hasName("expect", at: index):
            guard head.headers.hasValue("100-continue", at: index) else { throw .expectation }
            head.expectsContinue = true
        case 14 where head.headers.hasName("content-length", at: index):
            guard head.contentLength == nil, let length = head.headers.decimalValue(at: index) else {
                throw .contentLength
            }
            head.contentLength = length
        default: break
        }
    }
}

extension HTTP2HeadBuilder {
    /// Gives the head away, completed by ``finish(isEnded:)``. It is moved, not copied.
    mutating func take() -> HTTPRequestHead {
        var taken = Self.blank
        swap(&taken, &head)
        isOpen = false
        return taken
    }

    /// Completes the head.
    /// - Parameter isEnded: true when no content follows.
    mutating func finish(isEnded: Bool) throws(HTTP2Refusal) {
        if let refusal { throw refusal }
        try checkAuthority()
        guard head.method != .connect || head.upgradeProtocol != nil else { throw .connectMethod }
        guard pseudo.contains(.path) else { throw .path }
        guard head.target != "*" || head.method == .options else { throw .path }
        guard head.scheme == "http" || head.scheme == "https" else { throw .scheme }
        // RFC 8441 4 and 5: the stream is what the protocol talks on.
        guard !isEnded || head.upgradeProtocol == nil else { throw .endedTunnel }
        if isEnded { head.expectsContinue = false }
        if cookies > 1 { head.headers.joinFields("cookie", separator: "; ") }
    }

    /// One authority, of which a gateway in front and the application behind it have the same idea.
    private func checkAuthority() throws(HTTP2Refusal) {
        let authority = head.statedAuthority
        guard let index = head.headers.index(of: "host") else {
            guard authority != nil else { throw .authorityMissing }
            return
        }
        guard head.headers.index(of: "host", from: index + 1) == nil else { throw .hostDiffers }
        let host = head.headers.bytes.span.extracting(head.headers.valueRange(at: index))
        if let authority {
            guard HTTPBytes.equalIgnoringCase(authority.utf8.span, host) else { throw .hostDiffers }
        } else {
            guard host.count > 0, HTTPAuthority.isValid(host) else { throw .authority }
        }
    }
}

extension Span<UInt8> {
    /// True when these are the text's bytes in UTF-8.
    fileprivate func equals(_ text: String) -> Bool {
        let other = text.utf8.span
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }
}
