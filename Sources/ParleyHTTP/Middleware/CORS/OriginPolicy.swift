package import HTTPTypes

/// From pages of which origins (RFC 6454) browsers may make requests: for ``CORS``, for WebSockets
/// (``WebSocketOptions/origins``) and for Socket.IO. A request without an `Origin` comes from no page and is always let through.
///
/// ```swift
/// app.use(CORS(.allow(["https://example.com", "https://*.example.org", "http://localhost:*"], credentials: true)))
/// ```
public struct OriginPolicy: Sendable {
    private enum Rule: Sendable {
        case sameOrigin
        case listed([OriginPattern])
        case matching(@Sendable (String) -> Bool)
        case any
    }

    private let rule: Rule
    /// Whether browsers may send cookies and other credentials to another origin, and let its pages read the answer.
    public let allowsCredentials: Bool

    /// Pages that this server served: the origin's host and port are those of the request.
    public static let sameOrigin = OriginPolicy(rule: .sameOrigin, allowsCredentials: false)

    /// Every origin, `null` among them, without credentials. For WebSockets: only for what needs no cookie and harms nobody.
    public static let any = OriginPolicy(rule: .any, allowsCredentials: false)

    /// The same origin and these: scheme, host, and port where it isn't the scheme's, such as `https://example.com`.
    ///
    /// A host may begin with `*.`, which stands for one or more labels and never for none; a port may be `*`. `null`, the
    /// origin of sandboxed frames and local files, is allowed where it is listed. What is none of these allows nothing.
    public static func allow(_ origins: Set<String>, credentials: Bool = false) -> OriginPolicy {
        OriginPolicy(rule: .listed(origins.compactMap(OriginPattern.init)), allowsCredentials: credentials)
    }

    /// The same origin, and those of which the closure returns true. It is given the field's value as it was sent, which may be
    /// any text.
    public static func matching(
        credentials: Bool = false, _ isAllowed: @escaping @Sendable (_ origin: String) -> Bool
    ) -> OriginPolicy {
        OriginPolicy(rule: .matching(isAllowed), allowsCredentials: credentials)
    }
}

// MARK: - Decisions

extension OriginPolicy {
    /// What a policy says about an origin.
    package enum Decision: Sendable, Equatable {
        /// No CORS needed.
        case local
        /// Allowed by CORS, for this origin.
        case cross(origin: String, credentials: Bool)
        case refused
    }

    package func decide(origin: String?, authority: String?, isSecure: Bool = false) -> Decision {
        guard let origin, !Origin.isSame(origin, authority: authority, isSecure: isSecure) else {
            return .local
        }
        return allows(foreign: origin) ? .cross(origin: origin, credentials: allowsCredentials) : .refused
    }

    package func decide(_ request: Request) -> Decision {
        guard let origin = request.header(.origin) else { return .local }
        return decide(origin: origin, authority: request.authority, isSecure: request.isSecure)
    }

    private func allows(foreign origin: String) -> Bool {
        switch rule {
        case .sameOrigin: return false
        case .listed(let patterns):
            guard !patterns.isEmpty, let pattern = OriginPattern(origin), pattern.isExact else {
                return false
            }
            return patterns.contains { $0.matches(pattern) }
        case .matching(let isAllowed): return isAllowed(origin)
        case .any: return true
        }
    }
}

extension OriginPolicy.Decision {
    /// The CORS fields of a response to this request. `Vary` is there whatever the decision, for caches.
    package func apply(to headers: inout HTTPFields) {
        headers.addVary(.origin)
        guard case .cross(let origin, let credentials) = self else { return }
        headers[.accessControlAllowOrigin] = origin
        headers[.accessControlAllowCredentials] = credentials ? "true" : nil
    }

    /// The fields of the answer to a preflight request of a server that decides about methods and fields later.
    package func preflight(requestedHeaders: String?) -> HTTPFields {
        var headers = HTTPFields()
        apply(to: &headers)
        guard case .cross = self else { return headers }
        headers[.accessControlAllowMethods] = "GET, POST, OPTIONS"
        headers[.accessControlMaxAge] = "600"
        if let requestedHeaders { headers[.accessControlAllowHeaders] = requestedHeaders }
        return headers
    }
}
