public import HTTPTypes
public import Logging
public import ParleyTransport
public import ParleyWire

/// A request: its head, its body, and what middleware and the router found out about it.
///
/// It is a small value whose copies share the decoded head, so that passing it on costs next to nothing.
public struct Request: Sendable {
    let context: RequestContext
    /// What the route's pattern captured, percent-decoded; empty until the router found a route.
    public internal(set) var parameters: PathParameters
    /// Values by their type, for what one middleware finds out and a later one, or the handler, needs.
    public var storage: TypedStorage
    /// What answers the request; nil until the router found it.
    var endpoint: RouteEndpoint?
    /// Nil where the request has none: most have none, and needn't count references to an empty one.
    private let content: RequestBody?

    /// The content. ``RequestBody/empty`` where the request has none.
    public var body: RequestBody { content ?? .empty }

    init(context: RequestContext, body: RequestBody?) {
        self.context = context
        content = body
        parameters = PathParameters()
        storage = TypedStorage()
    }

    /// A value that was stored for this type, or nil.
    public subscript<Value: Sendable>(_ type: Value.Type) -> Value? {
        get { storage[type] }
        set { storage[type] = newValue }
    }
}

// MARK: - The request line

extension Request {
    /// The decoded head.
    package var head: HTTPRequestHead { context.head }

    /// The method. A request for an upgrade is a GET, also where it came as an extended CONNECT (RFC 8441), so that routes
    /// and middleware see one thing.
    public var method: HTTPRequest.Method {
        context.head.isExtendedConnect ? .get : context.head.method
    }

    /// The target in origin form: the path and the query as they were sent, or `*`.
    public var target: String { context.head.target }

    /// The version of HTTP that the request was sent with.
    public var version: HTTPVersion { context.head.version }

    /// The path as it was sent, without the query.
    public var rawPath: Substring { context.rawPath[...] }

    /// The path, percent-decoded once, with U+FFFD for what is not UTF-8. An encoded slash can't be told from a
    /// slash here: what decides about access or files should look at ``rawPath``.
    public var path: String { PercentCoding.decode(rawPath) }

    /// The query as it was sent, without the `?`; nil when there is none.
    public var query: String? {
        let bytes = target.utf8
        guard context.pathLength < bytes.count else { return nil }
        return String(bytes.dropFirst(context.pathLength + 1).asSubstring)
    }

    /// The value of the query's first item of this name, decoded; `+` is a space. Nil when there is none.
    public func query(_ name: String) -> String? {
        queryItems.first { $0.name == name }?.value
    }

    /// Where ``QueryScanner`` begins in the target.
    package var queryStart: Int { context.pathLength + 1 }

    /// The query's items in their order, decoded while they are iterated.
    public var queryItems: QueryItems {
        QueryItems(target, from: queryStart)
    }
}

// MARK: - What the router and the server know

extension Request {
    /// The pattern of the route that answers the request, such as `/users/:id`, with the prefixes of its groups; nil when no
    /// route does. Middleware knows it too. It is what metrics and traces name a request by: the paths of requests are without
    /// number, patterns are not.
    public var route: String? { endpoint?.pattern }

    /// What tells this request from others in logs: made at the first call, or what ``RequestID`` took from the client. Copies
    /// of a request have the same one.
    public var id: String { context.id }

    /// The application's logger, with the request's id as `request-id` in its metadata. It is made at each call, so keep it to
    /// log several lines. What is set here, such as a logger with more metadata, is seen by inner middleware and the handler.
    public var logger: Logger {
        get {
            if let own = storage[OwnLogger.self] { return own.logger }
            var logger = applicationLogger
            logger[metadataKey: "request-id"] = "\(id)"
            return logger
        }
        set { storage[OwnLogger.self] = OwnLogger(logger: newValue) }
    }

    /// The application's logger as it is.
    var applicationLogger: Logger { endpoint?.logger ?? Logger(label: "parley") }

    private struct OwnLogger: Sendable {
        let logger: Logger
    }
}

// MARK: - Header fields

extension Request {
    /// The header fields. They are built at the first call and shared by the request's copies; to read one or two,
    /// ``header(_:)`` is cheaper.
    public var headers: HTTPFields { context.headers }

    /// The value of a header field, or nil. Several fields of the name are joined with `, ` (cookies with `; `).
    public func header(_ name: HTTPField.Name) -> String? {
        context.head.headers.joinedValue(of: name)
    }

    /// Whether the value of a header field begins with a text, but for the case of its ASCII letters. Both must be in lower
    /// case.
    package func header(_ name: StaticString, beginsWith text: StaticString) -> Bool {
        context.head.headers.value(of: name, beginsWith: text)
    }

    /// The host and port that the client asked for; nil when an HTTP/1.0 client sent none. A trusted proxy may have said which;
    /// see ``ForwardedHeaders``.
    public var authority: String? { forwardedClient?.authority ?? context.head.authority }

    /// The protocols that the request asks to switch to (`Upgrade`, RFC 9110 7.8, or `:protocol`, RFC 8441), or nil.
    public var upgrade: String? { context.head.upgradeProtocol }
}

// MARK: - The connection

extension Request {
    /// The event loop of the connection. Asynchronous handlers run on it as their task's preferred executor.
    public var loop: EventLoop { context.connection.loop }

    /// The peer's address as the socket has it; nil for a request that came from no socket.
    public var remoteAddress: SocketAddress? { context.connection.remoteAddress }

    /// The address of the client that the request is from: the one that trusted proxies told, by the PROXY protocol
    /// (``ProxyProtocol``) or in the request (``ForwardedHeaders``), or else the peer's. Its port is 0 where they told none.
    public var clientAddress: SocketAddress? {
        forwardedClient?.address ?? context.connection.clientAddress
    }

    /// True when the client's request came encrypted: to this server, or to a trusted proxy that told so. Whether it came so to
    /// this server, ``tls`` tells.
    public var isSecure: Bool { forwardedClient?.isSecure ?? context.connection.isClientSecure }

    /// The scheme that the client used: `https` or `http`; see ``isSecure``.
    public var scheme: String { isSecure ? "https" : "http" }

    /// What a trusted proxy told about the connection, by the PROXY protocol; nil where none did.
    public var proxiedClient: ProxiedClient? { context.connection.proxiedClient }

    /// What the TLS handshake agreed upon, the server name that the client asked for and its verified certificate among it;
    /// nil where the request came to this server in clear text.
    public var tls: TLSSession? { context.connection.tls }
}

// MARK: - In memory

extension Request {
    /// A request that came from no socket, for calling an application in memory.
    package init(
        method: HTTPRequest.Method = .get, target: String, authority: String? = "localhost",
        headers: HTTPFields = [:], body: [UInt8] = [], loop: EventLoop, remoteAddress: SocketAddress? = nil,
        isSecure: Bool = false, proxiedClient: ProxiedClient? = nil
    ) {
        var block = HTTPHeaderBlock()
        for field in headers {
            block.append(name: field.name.canonicalName.utf8.span, value: field.value.utf8.span)
        }
        var head = HTTPRequestHead(
            method: method, target: target, authority: authority, headers: block)
        head.contentLength = body.isEmpty ? nil : UInt64(body.count)
        head.upgradeProtocol = headers[.upgrade]
        self.init(
            context: RequestContext(
                head: head,
                connection: ConnectionInfo(
                    loop: loop, remoteAddress: remoteAddress, isSecure: isSecure,
                    proxiedClient: proxiedClient)),
            body: body.isEmpty ? nil : RequestBody(whole: body))
    }
}
