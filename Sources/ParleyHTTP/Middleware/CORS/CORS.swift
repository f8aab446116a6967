public import HTTPTypes

/// Cross-origin resource sharing, as browsers ask for it (the Fetch standard): which pages of other origins may make requests
/// and read the answers.
///
/// Preflight requests are answered here, 204 whether or not they are granted, so that neither routes nor inner middleware, such
/// as authentication, need to know of them. Every other response, errors included, gets the fields that its origin is entitled
/// to, and `Vary: Origin`. CORS protects the reader's data and refuses no request: a page of another origin can still make
/// what browsers call simple requests.
///
/// ```swift
/// app.use(AccessLog(), CORS(.sameOrigin))
/// ```
public struct CORS: Middleware {
    private let origins: OriginPolicy
    private let methods: String
    private let requestHeaders: String?
    private let exposedHeaders: String?
    private let maxAge: String?

    /// Creates the middleware. Use it before whatever may refuse a request.
    ///
    /// - Parameters:
    ///   - origins: which origins, and whether with credentials.
    ///   - methods: what pages of other origins may send beside GET, HEAD and POST.
    ///   - headers: the request fields that they may set; nil is whatever they ask for.
    ///   - exposedHeaders: the response fields that they may read beside those that are always readable.
    ///   - maxAge: how long browsers may keep the answer to a preflight, in whole seconds; nil leaves it to them.
    public init(
        _ origins: OriginPolicy = .sameOrigin,
        methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete],
        headers: [HTTPField.Name]? = nil, exposedHeaders: [HTTPField.Name] = [],
        maxAge: Duration? = .seconds(600)
    ) {
        self.origins = origins
        self.methods = methods.map(\.rawValue).joined(separator: ", ")
        requestHeaders = headers.map { $0.map(\.rawName).joined(separator: ", ") }
        self.exposedHeaders =
            exposedHeaders.isEmpty ? nil : exposedHeaders.map(\.rawName).joined(separator: ", ")
        self.maxAge = maxAge.map { "\(max(0, $0.components.seconds))" }
    }

    /// Answers a preflight, or passes the request on and adds the fields to its answer.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        let decision = origins.decide(request)
        if isPreflight(request) { return preflight(request, decision) }
        return try await next(request) { headers in
            decision.apply(to: &headers)
            guard case .cross = decision, let exposedHeaders else { return }
            headers[.accessControlExposeHeaders] = exposedHeaders
        }
    }

    private func isPreflight(_ request: Request) -> Bool {
        request.method == .options && request.header(.origin) != nil
            && request.header(.accessControlRequestMethod) != nil
    }

    private func preflight(_ request: Request, _ decision: OriginPolicy.Decision) -> Response {
        var response = Response(status: .noContent)
        decision.apply(to: &response.headers)
        response.headers.addVary(.accessControlRequestMethod)
        response.headers.addVary(.accessControlRequestHeaders)
        guard case .cross = decision else { return response }
        response.headers[.accessControlAllowMethods] = methods
        response.headers[.accessControlAllowHeaders] =
            requestHeaders ?? request.header(.accessControlRequestHeaders)
        response.headers[.accessControlMaxAge] = maxAge
        return response
    }
}
