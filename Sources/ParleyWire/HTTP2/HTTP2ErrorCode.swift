/// An error code of RST_STREAM and GOAWAY (RFC 9113 7).
public struct HTTP2ErrorCode: RawRepresentable, Sendable, Hashable {
    /// The code as it is sent.
    public let rawValue: UInt32

    /// A code as it is sent, also one that has no name.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Nothing is wrong.
    public static let noError = HTTP2ErrorCode(rawValue: 0x0)
    /// The peer broke a rule of the protocol.
    public static let protocolError = HTTP2ErrorCode(rawValue: 0x1)
    /// This side failed.
    public static let internalError = HTTP2ErrorCode(rawValue: 0x2)
    /// More content came than the window allows.
    public static let flowControlError = HTTP2ErrorCode(rawValue: 0x3)
    /// A frame came for a stream that is closed.
    public static let streamClosed = HTTP2ErrorCode(rawValue: 0x5)
    /// A frame has a wrong length.
    public static let frameSizeError = HTTP2ErrorCode(rawValue: 0x6)
    /// The request was not processed, and may be sent again.
    public static let refusedStream = HTTP2ErrorCode(rawValue: 0x7)
    /// The stream is not needed any more.
    public static let cancel = HTTP2ErrorCode(rawValue: 0x8)
    /// A limit on the peer's behaviour is exceeded.
    public static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 0xB)

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
    static var fieldValue: Self { .init(status: 400, rule: "RFC 9110 5.5: control character in a field value") }
    static var contentLength: Self { .init(status: 400, rule: "RFC 9113 8.1.1: invalid Content-Length") }
    static var connectMethod: Self { .init(status: 501, rule: "RFC 9110 9.3.6: CONNECT is not implemented") }
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
