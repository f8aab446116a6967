public import ParleyHTTP

/// A cookie with a session's id (RFC 6265bis), set by the response that begins the session. The server never reads it.
public struct EngineCookie: Sendable {
    /// The `SameSite` attribute.
    public typealias SameSite = Cookie.SameSite

    /// The cookie's name, a token of RFC 9110.
    public var name = "io"
    /// The paths that it is sent with.
    public var path = "/"
    /// Its lifetime; nil: until the browser ends.
    public var maxAge: Duration?
    /// Whether it is kept from scripts.
    public var isHTTPOnly = true
    /// Whether it travels encrypted only.
    public var isSecure = false
    /// Whether it travels with requests of other sites; `none` asks for ``isSecure``.
    public var sameSite = SameSite.lax

    /// The defaults.
    public init() {}

    /// The cookie of a session.
    func cookie(for id: String) -> Cookie {
        Cookie(
            name, id, maxAge: maxAge, path: path, isSecure: isSecure, isHTTPOnly: isHTTPOnly,
            sameSite: sameSite)
    }
}
