/// Why a request is refused by the decoder. The connection is of no use any more: answer with ``status``, announce
/// `Connection: close`, and close.
public struct HTTP1Error: Error, Sendable, Equatable {
    /// The status code to answer with: 400, 413, 414, 417, 431, 501 or 505.
    public let status: Int
    /// The rule or the limit that was broken, with the section of the RFC where there is one.
    public let rule: String

    /// An error with its status and rule.
    public init(status: Int, rule: String) {
        self.status = status
        self.rule = rule
    }
}

/// The rules of the message's frame.
extension HTTP1Error {
    static var notARequest: Self {
        .init(status: 400, rule: "RFC 9112 3: a request begins with a method token")
    }
    static var leadingEmptyLines: Self {
        .init(status: 400, rule: "RFC 9112 2.2: too many empty lines before the request line")
    }
    static var bareLineFeed: Self { .init(status: 400, rule: "RFC 9112 2.2: a line ends with CRLF") }
    static var requestLine: Self {
        .init(status: 400, rule: "RFC 9112 3: a request line is method SP request-target SP HTTP-version")
    }
    static var version: Self {
        .init(status: 400, rule: "RFC 9112 2.3: HTTP-version is HTTP/1.0 or HTTP/1.1")
    }
    static var unsupportedVersion: Self {
        .init(status: 505, rule: "RFC 9110 15.6.6: only HTTP/1 is spoken on this connection")
    }
    static var target: Self { .init(status: 400, rule: "RFC 9112 3.2: invalid request-target") }
    static var targetTooLong: Self {
        .init(status: 414, rule: "limit targetBytes: the request target is too long")
    }
    static var connectMethod: Self { .init(status: 501, rule: "RFC 9110 9.3.6: CONNECT is not implemented") }
}

/// The rules of fields.
extension HTTP1Error {
    static var lineFolding: Self { .init(status: 400, rule: "RFC 9112 5.2: obsolete line folding") }
    static var fieldName: Self {
        .init(status: 400, rule: "RFC 9112 5.1: a field name is a token directly before a colon")
    }
    static var fieldValue: Self {
        .init(status: 400, rule: "RFC 9110 5.5: control character in a field value")
    }
    static var fieldTooLong: Self {
        .init(status: 431, rule: "limit headerFieldBytes: a field line is too long")
    }
    static var sectionTooLong: Self {
        .init(status: 431, rule: "limit headerSectionBytes: the header section is too long")
    }
    static var tooManyFields: Self { .init(status: 431, rule: "limit headerCount: too many header fields") }
    static var hostMissing: Self { .init(status: 400, rule: "RFC 9112 3.2: Host is missing") }
    static var hostRepeated: Self { .init(status: 400, rule: "RFC 9112 3.2: more than one Host") }
    static var hostInvalid: Self { .init(status: 400, rule: "RFC 9112 3.2: invalid Host") }
    static var expectation: Self { .init(status: 417, rule: "RFC 9110 10.1.1: unknown expectation") }
}

/// The rules of content.
extension HTTP1Error {
    static var contentLength: Self { .init(status: 400, rule: "RFC 9112 6.3: invalid Content-Length") }
    static var contentLengthRepeated: Self {
        .init(status: 400, rule: "RFC 9112 6.3: more than one Content-Length")
    }
    static var ambiguousFraming: Self {
        .init(status: 400, rule: "RFC 9112 6.1: both Transfer-Encoding and Content-Length")
    }
    static var oldTransferEncoding: Self {
        .init(status: 400, rule: "RFC 9112 6.1: Transfer-Encoding in HTTP/1.0")
    }
    static var transferEncoding: Self { .init(status: 400, rule: "RFC 9112 6.1: invalid Transfer-Encoding") }
    static var unknownTransferCoding: Self {
        .init(status: 501, rule: "RFC 9112 6.1: chunked is the only transfer coding that is implemented")
    }
    static var chunkSize: Self { .init(status: 400, rule: "RFC 9112 7.1: invalid chunk size") }
    static var chunkExtension: Self { .init(status: 400, rule: "RFC 9112 7.1.1: invalid chunk extension") }
    static var chunkExtensionLineTooLong: Self {
        .init(status: 413, rule: "limit chunkExtensionLineBytes: the extensions of a chunk are too long")
    }
    static var chunkExtensionsTooLong: Self {
        .init(status: 413, rule: "limit chunkExtensionBodyBytes: the chunk extensions of a body are too long")
    }
    static var chunkEnd: Self { .init(status: 400, rule: "RFC 9112 7.1: chunk data is not followed by CRLF") }
}
