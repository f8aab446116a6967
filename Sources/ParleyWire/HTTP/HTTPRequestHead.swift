public import HTTPTypes

/// What a server knows of a request before its content: what HTTP/1.1 and HTTP/2 have in common.
public struct HTTPRequestHead: Sendable {
    /// The method.
    public var method: HTTPRequest.Method
    /// The path and query in origin form (RFC 9112 3.2.1), `*` for a server-wide OPTIONS. A target that came in
    /// absolute form is reduced to its path and query.
    public var target: String
    /// The host and port that the request is for: of an absolute-form target, otherwise of `Host` or `:authority`.
    /// Nil when an HTTP/1.0 client sent none.
    public var authority: String? {
        get { statedAuthority ?? headers.first("host") }
        set { statedAuthority = newValue }
    }
    /// The authority where it came otherwise than as `Host`, and overrides that (RFC 9112 3.2.2).
    private(set) var statedAuthority: String?
    /// HTTP/2's `:scheme`. Always nil in HTTP/1.1, where the transport decides and a client's word counts for nothing.
    public var scheme: String?
    /// The version that the request was sent with.
    public var version: HTTPVersion
    /// Every field, those of framing included.
    public var headers: HTTPHeaderBlock
    /// The announced length of the content in bytes. Nil when it is chunked, absent, or open (HTTP/2).
    public var contentLength: UInt64?
    /// True when the content comes in chunks (RFC 9112 7.1).
    public var isChunked: Bool
    /// True when the client waits for `100 Continue` before it sends the content that it announced (RFC 9110 10.1.1).
    public var expectsContinue: Bool
    /// True when the client lets the connection persist after this exchange (RFC 9112 9.3).
    public var keepAlive: Bool
    /// The protocols of `Upgrade`, when `Connection` lists it too (RFC 9110 7.8), or HTTP/2's `:protocol` (RFC 8441).
    public var upgradeProtocol: String?

    /// A head without content.
    public init(
        method: HTTPRequest.Method, target: String, authority: String? = nil, scheme: String? = nil,
        version: HTTPVersion = .http11, headers: HTTPHeaderBlock = HTTPHeaderBlock()
    ) {
        self.method = method
        self.target = target
        statedAuthority = authority
        self.scheme = scheme
        self.version = version
        self.headers = headers
        self.isChunked = false
        self.expectsContinue = false
        self.keepAlive = version != .http10
    }

    /// True when content follows, or may follow, the head.
    public var hasContent: Bool { isChunked || (contentLength ?? 0) > 0 }

    /// True for the request of HTTP/2 that asks for another protocol on its stream (RFC 8441 4).
    public var isExtendedConnect: Bool { version == .http2 && upgradeProtocol != nil && method == .connect }
}
