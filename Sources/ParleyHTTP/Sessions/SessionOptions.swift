/// How sessions are made, kept and known again.
public struct SessionOptions: Sendable {
    /// When the cookie travels encrypted only.
    public enum SecurePolicy: Sendable {
        /// Where the request came encrypted.
        case automatic
        /// Always: for a server behind a proxy that ends TLS.
        case always
        /// Never.
        case never
    }

    /// The cookie's name. `__Host-session` makes browsers refuse it from elsewhere; it asks for ``SecurePolicy/always``.
    public var cookieName = "session"
    /// The paths that the cookie is sent with.
    public var path = "/"
    /// The host whose subdomains share the session; nil: the one host.
    public var domain: String?
    /// Whether the cookie travels encrypted only. It is kept from scripts always.
    public var secure = SecurePolicy.automatic
    /// With which requests of other sites the cookie travels.
    public var sameSite = Cookie.SameSite.lax
    /// Whether the browser keeps the cookie when it ends, up to ``timeToLive``.
    public var isPersistent = false
    /// The time after the last request at which a session ends.
    public var timeToLive: Duration = .seconds(14 * 86_400)
    /// The time after its beginning at which a session ends, however much it is used; nil: never.
    public var lifetime: Duration?
    /// The time within which a request that changes nothing doesn't save the session, only for its time to begin anew.
    public var touchInterval: Duration = .seconds(60)
    /// The bytes of a session's content as JSON. Beyond: saving it throws ``SessionError/tooLarge(limit:)``.
    public var maximumBytes = 64 * 1024

    /// The defaults.
    public init() {}

    func cookie(_ id: String, isSecure: Bool) -> Cookie {
        let secure =
            switch secure {
            case .automatic: isSecure
            case .always: true
            case .never: false
            }
        return Cookie(
            cookieName, id, maxAge: isPersistent ? timeToLive : nil, domain: domain, path: path,
            isSecure: secure, sameSite: sameSite)
    }
}

/// Why there is no session, or why it can't be saved.
public enum SessionError: Error, Sendable, Equatable {
    /// No ``Sessions`` middleware is in front of the route.
    case noMiddleware
    /// A value that was set can't be encoded: the key, and why.
    case unencodable(key: String, reason: String)
    /// The content is longer than ``SessionOptions/maximumBytes``.
    case tooLarge(limit: Int)
}
