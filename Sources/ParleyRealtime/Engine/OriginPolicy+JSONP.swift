import HTTPTypes
import ParleyHTTP

extension OriginPolicy {
    /// Checks a request by JSONP. Browsers name no `Origin` where a page loads a script, but say in `Sec-Fetch-Site` that
    /// it comes from another site, and mostly the page's origin in `Referer`. A page that hides it counts as `null`.
    func check(_ parameters: EngineRequest, _ request: Request) throws(EngineRefusal) {
        guard parameters.jsonp != nil, request.header(.origin) == nil else { return }
        let isForeign = !["same-origin", "none", nil].contains(Self.fetchSite.flatMap { request.header($0) })
        let origin = request.header(.referer).flatMap(Self.origin) ?? (isForeign ? "null" : nil)
        let decision = decide(origin: origin, authority: request.authority, isSecure: request.isSecure)
        if decision == .refused { throw .forbidden("ORIGIN") }
    }

    private static let fetchSite = HTTPField.Name("Sec-Fetch-Site")

    /// The origin of a URL: what comes before its path.
    private static func origin(of url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        return String(url[..<(url[scheme.upperBound...].firstIndex(of: "/") ?? url.endIndex)])
    }
}
