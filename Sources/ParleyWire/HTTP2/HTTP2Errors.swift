public import HTTPTypes

extension HTTP2ErrorCode {
    /// True when a stream that was reset with this code was reset because its peer broke a rule or ignored a limit.
    var blamesPeer: Bool {
        switch self {
        case .noError, .internalError, .cancel: false
        default: true
        }
    }
}

/// Why a connection is ended: the code of its GOAWAY, and the rule or limit that was broken.
public struct HTTP2Violation: Error, Sendable, Equatable {
    /// The code of the GOAWAY frame.
    public let code: HTTP2ErrorCode
    /// The rule or the limit that was broken, with the section of the RFC where there is one.
    public let rule: String

    /// A violation with its code and rule.
    public init(code: HTTP2ErrorCode, rule: String) {
        self.code = code
        self.rule = rule
    }

    /// A violation of a limit on the peer's behaviour, whose name begins the rule.
    public static func limit(_ rule: String) -> HTTP2Violation {
        HTTP2Violation(code: .enhanceYourCalm, rule: "limit \(rule)")
    }
}

/// Why a request is answered with an error instead of being handled. The connection goes on.
public struct HTTP2Refusal: Error, Sendable, Equatable {
    /// The status code to answer with: 400, 414, 417, 431 or 501.
    public let status: Int
    /// The rule or the limit that was broken, with the section of the RFC where there is one.
    public let rule: String
}

extension HTTP2Refusal {
    static var authority: Self { .init(status: 400, rule: "RFC 9113 8.3.1: invalid :authority") }
    static var authorityMissing: Self {
        .init(status: 400, rule: "RFC 9113 8.3.1: neither :authority nor Host")
    }
    static var hostDiffers: Self { .init(status: 400, rule: "RFC 9113 8.3.1: Host differs from :authority") }
    static var path: Self { .init(status: 400, rule: "RFC 9113 8.3.1: invalid :path") }
    static var scheme: Self { .init(status: 400, rule: "RFC 9113 8.3.1: :scheme must be http or https") }
    static var method: Self { .init(status: 400, rule: "RFC 9110 9.1: a method is a token") }
    static var fieldValue: Self {
        .init(status: 400, rule: "RFC 9110 5.5: control character in a field value")
    }
    static var contentLength: Self { .init(status: 400, rule: "RFC 9113 8.1.1: invalid Content-Length") }
    static var connectMethod: Self { .init(status: 501, rule: "RFC 9110 9.3.6: CONNECT is not implemented") }
    static var endedTunnel: Self {
        .init(status: 400, rule: "RFC 8441 5: an extended CONNECT doesn't end its stream")
    }
    static var expectation: Self { .init(status: 417, rule: "RFC 9110 10.1.1: unknown expectation") }
    static var targetTooLong: Self {
        .init(status: 414, rule: "limit targetBytes: the request target is too long")
    }
    static var fieldTooLong: Self {
        .init(status: 431, rule: "limit headerFieldBytes: a field is too long")
    }
    static var sectionTooLong: Self {
        .init(status: 431, rule: "limit headerSectionBytes: the header section is too long")
    }
    static var tooManyFields: Self { .init(status: 431, rule: "limit headerCount: too many header fields") }
}
