public import HTTPTypes

/// What a handler answers: a status, header fields and a body, or an upgrade (see `Response.upgrade`).
public struct Response: Sendable {
    /// The status; 200 by default.
    public var status: HTTPResponse.Status
    /// The header fields. `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` are the server's to set.
    public var headers: HTTPFields
    /// The body.
    public var body: ResponseBody

    /// Creates a response.
    public init(status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], body: ResponseBody = .empty) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A response with a text in UTF-8.
    public static func text(
        _ text: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(status: status, headers: [.contentType: type], body: .text(text))
    }
}

/// The body of a ``Response``.
public struct ResponseBody: Sendable {
    /// Produces a streamed body, piece by piece, with backpressure: each write suspends while the peer is slow.
    public typealias Producer = @Sendable (any ResponseWriter) async throws -> Void

    enum Content: Sendable {
        case empty
        case bytes([UInt8])
        /// Bytes in UTF-8, which needn't be an array before they are sent.
        case text(String)
        case stream(length: UInt64?, Producer)
        case upgrade(Upgrade)
    }

    let content: Content

    /// The bytes of a body that was given as such, or as a text; nil for any other.
    var wholeBytes: [UInt8]? {
        switch content {
        case .bytes(let bytes): bytes
        case .text(let text): Array(text.utf8)
        case .empty, .stream, .upgrade: nil
        }
    }

    /// Whether the producer of a streamed body is cancelled when the server shuts down, so that one which never ends by itself
    /// doesn't hold the shutdown up. It may still write what is to be the end. False unless set; event streams set it.
    public var endsAtShutdown = false

    init(content: Content) { self.content = content }

    /// No body: a `Content-Length` of 0 where the status allows one.
    public static let empty = ResponseBody(content: .empty)

    /// A body that is whole.
    public static func bytes(_ bytes: [UInt8]) -> ResponseBody { ResponseBody(content: .bytes(bytes)) }

    /// A text in UTF-8.
    public static func text(_ text: String) -> ResponseBody { ResponseBody(content: .text(text)) }

    /// A body that is produced while it is sent. With a length it is sent with `Content-Length`, and a producer
    /// that writes less or more makes the connection fail; without, it is sent chunked (HTTP/1.1).
    public static func stream(length: UInt64? = nil, _ produce: @escaping Producer) -> ResponseBody {
        ResponseBody(content: .stream(length: length, produce))
    }

    /// A stream in this body's place, which ends at a shutdown where this one does: for middleware that changes what is
    /// streamed.
    func streamed(length: UInt64? = nil, _ produce: @escaping Producer) -> ResponseBody {
        var body = ResponseBody.stream(length: length, produce)
        body.endsAtShutdown = endsAtShutdown
        return body
    }

    /// The length in bytes where it is known beforehand.
    public var length: UInt64? {
        switch content {
        case .empty, .upgrade: 0
        case .bytes(let bytes): UInt64(bytes.count)
        case .text(let text): UInt64(text.utf8.count)
        case .stream(let length, _): length
        }
    }
}

/// Where a streamed body is written to.
public protocol ResponseWriter: Sendable {
    /// Writes a piece of the body; suspends while more than the high watermark is pending.
    /// Throws when the peer is gone, or when the piece exceeds the announced length.
    func write(_ bytes: [UInt8]) async throws

    /// Sets the trailer fields that follow the body (RFC 9110 6.5). HTTP/1 has a place for them behind a body without
    /// announced length only; elsewhere they are left out. Throws when a value holds a control character.
    func setTrailers(_ trailers: HTTPFields) async throws
}
