import HTTPTypes

extension Request {
    /// Whether the request comes from a page of the host and port that it is for, or from no page at all: browsers name
    /// the page's origin in `Origin` (RFC 6454 7), others leave it out.
    ///
    /// Host and port are those that the client asked for: behind proxies that change `Host` see ``ForwardedHeaders``. A request
    /// that came encrypted is not from a page that didn't; the other way round the scheme isn't compared: behind a proxy that ends
    /// TLS and doesn't say so the request is not secure, but its page is.
    public var isSameOrigin: Bool {
        guard let origin = header(.origin) else { return true }
        return Origin.isSame(origin, authority: authority, isSecure: isSecure)
    }
}

/// Origins as browsers write them: scheme, host, and the port where it is not the scheme's (RFC 6454 6.1).
package enum Origin {
    /// Compares host and port, the origin's scheme giving the port where there is none, and the scheme where the request is
    /// secure.
    package static func isSame(_ origin: String, authority: String?, isSecure: Bool = false) -> Bool {
        let origin = origin.lowercased()
        if isSecure, !origin.hasPrefix("https:") { return false }
        guard let authority = authority?.lowercased(), let separator = origin.firstRange(of: "://") else {
            return false
        }
        let port = origin.hasPrefix("https:") ? ":443" : ":80"
        func withoutPort(_ text: Substring) -> Substring {
            text.hasSuffix(port) ? text.dropLast(port.count) : text
        }
        return withoutPort(origin[separator.upperBound...]) == withoutPort(authority[...])
    }
}
