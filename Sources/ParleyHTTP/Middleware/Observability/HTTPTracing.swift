import HTTPTypes
public import Tracing

/// A span for each request, by OpenTelemetry's semantic conventions for HTTP servers, with whatever backend
/// swift-distributed-tracing was given.
///
/// The span is named by method and route (`GET /users/:id`), and is a child of the one that the request's fields tell of (such as
/// `traceparent`; which ones is the instrument's to say). It is the current one for inner middleware, the handler, the producer of a
/// streamed body, and what serves an upgraded connection. It ends with the response's body, or with an upgrade's head.
///
/// The query isn't recorded, as it may hold secrets.
///
/// ```swift
/// app.use(HTTPTracing(), AccessLog())
/// ```
public struct HTTPTracing: Middleware {
    private let tracer: (any Tracer)?
    private let injectsResponse: Bool
    private let isSkipped: (@Sendable (Request) -> Bool)?

    /// Creates the middleware.
    ///
    /// - Parameters:
    ///   - tracer: starts the spans; nil is what `InstrumentationSystem` was bootstrapped with.
    ///   - injectsResponse: whether the response's fields tell of the span, too.
    ///   - isSkipped: for which requests there is no span.
    public init(
        tracer: (any Tracer)? = nil, injectsResponse: Bool = false,
        skipping isSkipped: (@Sendable (_ request: Request) -> Bool)? = nil
    ) {
        self.tracer = tracer
        self.injectsResponse = injectsResponse
        self.isSkipped = isSkipped
    }

    /// Passes the request on within a span.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        if let isSkipped, isSkipped(request) { return try await next(request) }
        let tracer = tracer ?? InstrumentationSystem.tracer
        let instrument: any Instrument = self.tracer ?? InstrumentationSystem.instrument
        var context = ServiceContext.current ?? .topLevel
        instrument.extract(request, into: &context, using: RequestFields())
        let span: any Span = tracer.startSpan(request.spanName, context: context, ofKind: .server)
        span.updateAttributes(request.describe)
        do {
            let response = try await ServiceContext.withValue(span.context) {
                try await pass(request, to: next, within: span.context, by: instrument)
            }
            return follow(response, in: span)
        } catch {
            let status = (error as? HTTPError)?.status ?? .internalServerError
            if status.code >= 500 { span.recordError(error) }
            span.close(status)
            throw error
        }
    }

    private nonisolated(nonsending) func pass(
        _ request: Request, to next: Next, within context: ServiceContext, by instrument: any Instrument
    ) async throws -> Response {
        guard injectsResponse else { return try await next(request) }
        return try await next(request) { headers in
            instrument.inject(context, into: &headers, using: ResponseFields())
        }
    }

    private func follow(_ response: Response, in span: any Span) -> Response {
        let status = response.status
        let context = span.context
        var followed = response
        if case .upgrade(let upgrade) = response.body.content {
            followed.body = ResponseBody(content: .upgrade(upgrade.within(context)))
        }
        return followed.watchingEnd { end in
            if let error = end.error { span.recordError(error) }
            span.close(status, hasFailed: end.error != nil)
        } around: { produce in
            try await ServiceContext.withValue(context) { try await produce() }
        }
    }
}

extension Upgrade {
    /// Starts what serves the connection with the context, which its tasks inherit.
    fileprivate func within(_ context: ServiceContext) -> Upgrade {
        Upgrade(name: name) { stream in ServiceContext.withValue(context) { start(stream) } }
    }
}

extension Span {
    fileprivate func close(_ status: HTTPResponse.Status, hasFailed: Bool = false) {
        updateAttributes { attributes in
            attributes["http.response.status_code"] = status.code
            if status.code >= 500 { attributes["error.type"] = "\(status.code)" }
        }
        // What is the client's fault is no error of the server's span.
        if status.code >= 500 || hasFailed { setStatus(SpanStatus(code: .error)) }
        end()
    }
}

extension Request {
    fileprivate var spanName: String {
        let method = semanticMethod ?? "HTTP"
        return route.map { method + " " + $0 } ?? method
    }

    fileprivate func describe(_ attributes: inout SpanAttributes) {
        attributes["http.request.method"] = semanticMethod ?? "_OTHER"
        if semanticMethod == nil { attributes["http.request.method_original"] = method.rawValue }
        attributes["url.path"] = String(rawPath)
        attributes["url.scheme"] = scheme
        attributes["network.protocol.version"] = protocolVersion
        if let route { attributes["http.route"] = route }
        if let address = clientAddress { attributes["client.address"] = address.host }
        if let peer = remoteAddress {
            attributes["network.peer.address"] = peer.host
            attributes["network.peer.port"] = Int(peer.port)
        }
        if let agent = header(.userAgent) { attributes["user_agent.original"] = agent }
        describeServer(&attributes)
    }

    private func describeServer(_ attributes: inout SpanAttributes) {
        guard let authority else { return }
        let end = authority.lastIndex(of: "]").map { authority.index(after: $0) } ?? authority.startIndex
        guard let colon = authority[end...].firstIndex(of: ":") else {
            attributes["server.address"] = authority
            return
        }
        attributes["server.address"] = String(authority[..<colon])
        if let port = UInt16(authority[colon...].dropFirst()) { attributes["server.port"] = Int(port) }
    }
}

private struct RequestFields: Extractor {
    func extract(key: String, from request: Request) -> String? {
        HTTPField.Name(key).flatMap { request.header($0) }
    }
}

private struct ResponseFields: Injector {
    func inject(_ value: String, forKey key: String, into headers: inout HTTPFields) {
        if let name = HTTPField.Name(key), HTTPField.isValidValue(value) { headers[name] = value }
    }
}
