import ParleyWire
import Testing

/// What a decoder said, with the cuts of the body joined: two runs over the same bytes must be equal.
struct HTTP1Transcript: Equatable, CustomStringConvertible {
    var events: [String] = []
    var failure: HTTP1Error?
    var heads: [HTTPRequestHead] = []
    var bodies: [[UInt8]] = []
    var trailers: [HTTPHeaderBlock?] = []
    var isMidRequest = false

    var description: String { events.joined(separator: "\n") }

    static func == (left: Self, right: Self) -> Bool {
        left.events == right.events && left.isMidRequest == right.isMidRequest && left.bodies == right.bodies
    }

    /// Decodes the pieces one after the other.
    init(_ pieces: [[UInt8]], limits: HTTPLimits = HTTPLimits()) {
        var decoder = HTTP1RequestDecoder(limits: limits)
        for piece in pieces { take(piece, &decoder) }
        isMidRequest = decoder.isMidRequest
    }

    private mutating func take(_ piece: [UInt8], _ decoder: inout HTTP1RequestDecoder) {
        var offset = 0
        while failure == nil {
            switch decoder.next(piece.span, at: &offset) {
            case .needMore:
                #expect(offset == piece.count)
                return
            case .head(let head):
                heads.append(head)
                bodies.append([])
                events.append("head " + Self.describe(head))
            case .body(let range):
                #expect(!range.isEmpty && range.upperBound == offset)
                bodies[bodies.count - 1] += piece[range]
            case .end(let trailers):
                self.trailers.append(trailers)
                events.append("end \(trailers.map { $0.map { "\($0.name)=\($0.value)" } } ?? [])")
            case .failure(let error):
                failure = error
                events.append("failure \(error.status) \(error.rule)")
            }
        }
        guard case .failure(failure) = decoder.next(piece.span, at: &offset) else {
            Issue.record("a failure must stay")
            return
        }
    }

    private static func describe(_ head: HTTPRequestHead) -> String {
        """
        \(head.method) \(head.target) \(head.version) authority=\(head.authority ?? "-") \
        length=\(head.contentLength.map(String.init) ?? "-") chunked=\(head.isChunked) \
        expects=\(head.expectsContinue) keep=\(head.keepAlive) upgrade=\(head.upgradeProtocol ?? "-") \
        \(head.headers.map { "\($0.name)=\($0.value)" })
        """
    }
}

/// Decodes the text whole, byte by byte, and with another request behind it; all three must agree.
func decode(
    _ text: String, limits: HTTPLimits = HTTPLimits(), sourceLocation: SourceLocation = #_sourceLocation
) -> HTTP1Transcript {
    decode(Array(text.utf8), limits: limits, sourceLocation: sourceLocation)
}

func decode(
    _ bytes: [UInt8], limits: HTTPLimits = HTTPLimits(), sourceLocation: SourceLocation = #_sourceLocation
) -> HTTP1Transcript {
    let whole = HTTP1Transcript([bytes], limits: limits)
    let single = HTTP1Transcript(bytes.map { [$0] }, limits: limits)
    #expect(whole == single, "byte by byte", sourceLocation: sourceLocation)
    if !whole.isMidRequest {
        let next = Array("GET /next HTTP/1.1\r\nHost: next\r\n\r\n".utf8)
        let trailing = HTTP1Transcript([bytes + next], limits: limits)
        let expected = whole.failure == nil ? whole.events + HTTP1Transcript([next]).events : whole.events
        #expect(trailing.events == expected, "with trailing bytes", sourceLocation: sourceLocation)
    }
    return whole
}

/// The status and rule with which a request is refused; nil when it isn't.
func refusal(
    _ text: String, limits: HTTPLimits = HTTPLimits(), sourceLocation: SourceLocation = #_sourceLocation
) -> HTTP1Error? {
    decode(text, limits: limits, sourceLocation: sourceLocation).failure
}
