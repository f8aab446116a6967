/// A cookie with a session's id (RFC 6265), set by the response that begins the session. The server never reads it.
public struct EngineCookie: Sendable {
    /// The `SameSite` attribute.
    public enum SameSite: String, Sendable {
        /// Sent with requests of the same site, and when a link leads here.
        case lax = "Lax"
        /// Sent with requests of the same site only.
        case strict = "Strict"
        /// Always sent; browsers ask for `isSecure` too.
        case none = "None"
    }

    /// The cookie's name, a token of RFC 9110.
    public var name = "io"
    /// The host that it is sent to, with its subdomains; nil: the host that set it alone.
    public var domain: String?
    /// The paths that it is sent with.
    public var path = "/"
    /// Its lifetime; nil: until the browser ends.
    public var maxAge: Duration?
    /// Whether it is kept from scripts.
    public var isHTTPOnly = true
    /// Whether it travels encrypted only.
    public var isSecure = false
    /// Whether it travels with requests of other sites.
    public var sameSite = SameSite.lax
    /// Whether it is kept apart for each top-level site that embeds this one (CHIPS); browsers ask for `isSecure` too.
    public var isPartitioned = false

    /// The defaults.
    public init() {}

    /// The value of `Set-Cookie`.
    func field(for id: String) -> String {
        var field = "\(name)=\(id); Path=\(path)"
        if let domain { field += "; Domain=\(domain)" }
        if let maxAge { field += "; Max-Age=\(maxAge.components.seconds)" }
        if isHTTPOnly { field += "; HttpOnly" }
        if isSecure { field += "; Secure" }
        if isPartitioned { field += "; Partitioned" }
        return field + "; SameSite=\(sameSite.rawValue)"
    }
}
