public import HTTPTypes

/// Fields that make browsers more careful with what they get. A field that a handler, or inner middleware, set is left as it is.
///
/// The defaults suit pages that embed nothing of other sites as plugin and are framed by their own site only; a policy for
/// scripts is the application's to write.
///
/// ```swift
/// var headers = SecurityHeaders()
/// headers.contentSecurityPolicy = "default-src 'self'; script-src 'self' 'nonce-{nonce}'"
/// app.use(headers)
/// ```
public struct SecurityHeaders: Middleware {
    /// `Strict-Transport-Security` (RFC 6797), in answers to requests that came encrypted only.
    public var strictTransportSecurity: StrictTransportSecurity? = StrictTransportSecurity()
    /// `Content-Security-Policy`.
    public var contentSecurityPolicy: ContentSecurityPolicy? =
        "base-uri 'self'; frame-ancestors 'self'; object-src 'none'"
    /// Whether the content security policy is reported on only (`Content-Security-Policy-Report-Only`), to try it out.
    public var reportsContentSecurityOnly = false
    /// `X-Content-Type-Options: nosniff`: a type is what the server says.
    public var forbidsSniffing = true
    /// `X-Frame-Options`, for browsers that don't know `frame-ancestors`.
    public var frameOptions: String? = "SAMEORIGIN"
    /// `Referrer-Policy`.
    public var referrerPolicy: String? = "strict-origin-when-cross-origin"
    /// `Cross-Origin-Opener-Policy`.
    public var crossOriginOpenerPolicy: String? = "same-origin"
    /// `Cross-Origin-Resource-Policy`: who may embed what is served without CORS.
    public var crossOriginResourcePolicy: String? = "same-origin"
    /// `Permissions-Policy`, such as `camera=(), geolocation=(self)`.
    public var permissionsPolicy: String?
    /// Other fields, such as `Origin-Agent-Cluster`.
    public var others: HTTPFields = [:]

    /// The defaults.
    public init() {}

    /// Passes the request on and adds the fields to its answer.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        var request = request
        var policy = contentSecurityPolicy?.text
        if let template = contentSecurityPolicy, template.hasNonce {
            let nonce = ContentSecurityPolicy.Nonce()
            request[ContentSecurityPolicy.Nonce.self] = nonce
            policy = template.text(with: nonce)
        }
        return try await next(request) { headers in
            add(to: &headers, policy: policy, isSecure: request.isSecure)
        }
    }

    private func add(to headers: inout HTTPFields, policy: String?, isSecure: Bool) {
        func add(_ name: HTTPField.Name, _ value: String?) {
            if let value, !headers.contains(name) { headers[name] = value }
        }
        if isSecure { add(.strictTransportSecurity, strictTransportSecurity?.value) }
        add(reportsContentSecurityOnly ? .contentSecurityPolicyReportOnly : .contentSecurityPolicy, policy)
        add(.xContentTypeOptions, forbidsSniffing ? "nosniff" : nil)
        add(.xFrameOptions, frameOptions)
        add(.referrerPolicy, referrerPolicy)
        add(.crossOriginOpenerPolicy, crossOriginOpenerPolicy)
        add(.crossOriginResourcePolicy, crossOriginResourcePolicy)
        add(.permissionsPolicy, permissionsPolicy)
        if !others.isEmpty { headers.complement(with: others) }
    }
}

/// For how long browsers are to use nothing but TLS with this host (RFC 6797).
public struct StrictTransportSecurity: Sendable, Equatable {
    let value: String

    /// - Parameters:
    ///   - maxAge: in whole seconds; zero makes browsers forget it.
    ///   - includesSubdomains: whether it holds for all hosts below this one too.
    ///   - preload: the wish to be in the browsers' lists, which can't be taken back quickly.
    public init(
        maxAge: Duration = .seconds(365 * 24 * 60 * 60), includesSubdomains: Bool = false,
        preload: Bool = false
    ) {
        value =
            "max-age=\(max(0, maxAge.components.seconds))"
            + (includesSubdomains ? "; includeSubDomains" : "") + (preload ? "; preload" : "")
    }
}
