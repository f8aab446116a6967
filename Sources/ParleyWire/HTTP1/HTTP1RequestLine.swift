import HTTPTypes

/// The request line (RFC 9112 3).
enum HTTP1RequestLine {
    /// Validates a line without its line end, and sets the head's method, target, version, and the authority of an
    /// absolute-form target.
    static func parse(
        _ line: Span<UInt8>, limits: HTTPLimits, into head: inout HTTPRequestHead
    ) throws(HTTP1Error) {
        var methodEnd = 0
        while methodEnd < line.count, HTTPBytes.isToken(line[methodEnd]) { methodEnd &+= 1 }
        guard methodEnd > 0, methodEnd < line.count, line[methodEnd] == HTTPBytes.space else {
            throw .requestLine
        }
        let targetStart = methodEnd &+ 1
        var targetEnd = targetStart
        while targetEnd < line.count, HTTPBytes.isVisible(line[targetEnd]), line[targetEnd] != 0x23 {
            targetEnd &+= 1
        }
        guard targetEnd < line.count, line[targetEnd] == HTTPBytes.space, targetEnd > targetStart else {
            throw targetEnd > targetStart && targetEnd < line.count ? .target : .requestLine
        }
        guard targetEnd &- targetStart <= limits.targetBytes else { throw .targetTooLong }
        head.version = try parseVersion(line.extracting((targetEnd &+ 1)..<line.count))
        head.method = try parseMethod(line.extracting(0..<methodEnd))
        try resolve(line.extracting(targetStart..<targetEnd), into: &head)
    }

    private static func parseVersion(_ bytes: Span<UInt8>) throws(HTTP1Error) -> HTTPVersion {
        guard bytes.count == 8, HTTPBytes.isDigit(bytes[5]), bytes[6] == 0x2E, HTTPBytes.isDigit(bytes[7]),
            bytes[0] == 0x48, bytes[1] == 0x54, bytes[2] == 0x54, bytes[3] == 0x50, bytes[4] == 0x2F
        else { throw .version }
        switch bytes[5] {
        case 0x30: throw .version
        // A minor version above what we know is read as the highest that we know (RFC 9110 2.5).
        case 0x31: return bytes[7] == 0x30 ? .http10 : .http11
        default: throw .unsupportedVersion
        }
    }

    private static func parseMethod(_ bytes: Span<UInt8>) throws(HTTP1Error) -> HTTPRequest.Method {
        // Nil for no token only, which the caller has ruled out.
        guard let method = HTTPRequest.Method(bytes: bytes) else { throw .requestLine }
        guard method != .connect else { throw .connectMethod }
        return method
    }

    /// Tells the forms of a request-target apart (RFC 9112 3.2).
    private static func resolve(
        _ target: Span<UInt8>, into head: inout HTTPRequestHead
    ) throws(HTTP1Error) {
        if target[0] == 0x2F {
            head.target = String(bytes: target)
            return
        }
        if target.count == 1, target[0] == 0x2A {
            guard head.method == .options else { throw .target }
            head.target = "*"
            return
        }
        let authority = try authorityRange(target)
        head.authority = String(bytes: target.extracting(authority))
        let path = String(bytes: target.extracting(authority.upperBound..<target.count))
        if path.isEmpty {
            // RFC 9112 3.2.4: OPTIONS for an authority without a path asks for the server as a whole.
            head.target = head.method == .options ? "*" : "/"
        } else {
            head.target = target[authority.upperBound] == 0x3F ? "/" + path : path
        }
    }

    /// The place of the authority in an absolute-form target (RFC 9112 3.2.2): http or https, a valid host, no user.
    private static func authorityRange(_ target: Span<UInt8>) throws(HTTP1Error) -> Range<Int> {
        let start: Int
        if target.count > 7, HTTPBytes.equalIgnoringCase(target.extracting(0..<7), "http://") {
            start = 7
        } else if target.count > 8, HTTPBytes.equalIgnoringCase(target.extracting(0..<8), "https://") {
            start = 8
        } else {
            throw .target
        }
        var end = start
        while end < target.count, target[end] != 0x2F, target[end] != 0x3F { end &+= 1 }
        guard end > start, HTTPAuthority.isValid(target.extracting(start..<end)) else { throw .target }
        return start..<end
    }
}
