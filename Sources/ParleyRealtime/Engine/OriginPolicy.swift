import HTTPTypes
import ParleyHTTP

/// Which origins (RFC 6454) a browser's requests may come from. A request without an `Origin` is always allowed:
/// it does not come from a page.
public enum OriginPolicy: Sendable {
    /// Pages that this server served: the origin's host and port are the request's.
    case sameOrigin
    /// The same origin and these, such as `https://example.com`. With `credentials`, browsers may send cookies.
    case allow(Set<String>, credentials: Bool = false)
    /// Every origin, without credentials.
    case any

    enum Decision: Equatable {
        /// No CORS needed.
        case local
        /// Allowed by CORS, for this origin.
        case cross(origin: String, credentials: Bool)
        case refused
    }

    func decide(origin: String?, authority: String?) -> Decision {
        guard let origin else { return .local }
        if Origin.isSame(origin, authority: authority) { return .local }
        switch self {
        case .sameOrigin: return .refused
        case .allow(let origins, let credentials):
            return origins.contains(origin) ? .cross(origin: origin, credentials: credentials) : .refused
        case .any: return .cross(origin: origin, credentials: false)
        }
    }
}

extension OriginPolicy {
    /// Checks a request by JSONP. Browsers name no `Origin` where a page loads a script, but say in `Sec-Fetch-Site` that
    /// it comes from another site, and mostly the page's origin in `Referer`.
    func check(_ parameters: EngineRequest, _ request: Request) throws(EngineRefusal) {
        guard parameters.jsonp != nil, request.header(.origin) == nil else { return }
        if case .any = self { return }
        let origin = request.header(.referer).flatMap(Self.origin)
        let isForeign = !["same-origin", "none", nil].contains(Self.fetchSite.flatMap { request.header($0) })
        if origin == nil, isForeign { throw .forbidden("ORIGIN") }
        if decide(origin: origin, authority: request.authority) == .refused { throw .forbidden("ORIGIN") }
    }

    private static let fetchSite = HTTPField.Name("Sec-Fetch-Site")

    /// The origin of a URL: what comes before its path.
    private static func origin(of url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        return String(url[..<(url[scheme.upperBound...].firstIndex(of: "/") ?? url.endIndex)])
    }
}

extension OriginPolicy.Decision {
    /// The CORS fields of a response to this request. `Vary` is there whatever the decision, for caches.
    func apply(to headers: inout HTTPFields) {
        headers.addVary(.origin)
        guard case .cross(let origin, let credentials) = self else { return }
        headers[.accessControlAllowOrigin] = origin
        if credentials { headers[.accessControlAllowCredentials] = "true" }
    }

    /// The fields of the answer to a preflight request.
    func preflight(requestedHeaders: String?) -> HTTPFields {
        var headers = HTTPFields()
        apply(to: &headers)
        guard case .cross = self else { return headers }
        headers[.accessControlAllowMethods] = "GET, POST, OPTIONS"
        headers[.accessControlMaxAge] = "600"
        if let requestedHeaders { headers[.accessControlAllowHeaders] = requestedHeaders }
        return headers
    }
}
