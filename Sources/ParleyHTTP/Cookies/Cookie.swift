public import Foundation
import ParleyWire

/// A cookie to be set by a response (RFC 6265bis 4.1).
///
/// ```swift
/// try response.setCookie(Cookie("theme", "dark", maxAge: .seconds(86_400), isSecure: true))
/// ```
///
/// Values aren't encoded: what a cookie can't hold is refused when it is set (``CookieError``). ``CookieSigner`` makes a value
/// of any text.
public struct Cookie: Sendable, Hashable {
    /// The `SameSite` attribute: with which requests the cookie travels.
    public enum SameSite: String, Sendable {
        /// Sent with requests of the same site, and when a link leads here.
        case lax = "Lax"
        /// Sent with requests of the same site only.
        case strict = "Strict"
        /// Always sent; asks for ``Cookie/isSecure``.
        case none = "None"
        /// Left to the browser: the attribute isn't written.
        case unset = ""
    }

    /// The name, a token of RFC 9110. `__Secure-` and `__Host-` at its beginning are promises that browsers hold the cookie to.
    public var name: String
    /// The value: visible ASCII without `"`, `,`, `;` and `\`, or that in double quotes.
    public var value: String
    /// When it ends; ``maxAge`` goes before it.
    public var expires: Date?
    /// How long it lives, in whole seconds; none or less deletes it. Without this and ``expires``: until the browser ends.
    public var maxAge: Duration?
    /// The host whose subdomains get it too; nil: the host that sets it, and no other.
    public var domain: String?
    /// The paths that it is sent with; nil: those beside the request's.
    public var path: String?
    /// Whether it travels encrypted only.
    public var isSecure: Bool
    /// Whether it is kept from scripts.
    public var isHTTPOnly: Bool
    /// With which requests it travels.
    public var sameSite: SameSite
    /// Whether each top-level site has a cookie of its own (CHIPS); asks for ``isSecure``.
    public var isPartitioned: Bool

    /// Creates a cookie. By default it is sent with every path, kept from scripts, and `SameSite=Lax`.
    public init(
        _ name: String, _ value: String, expires: Date? = nil, maxAge: Duration? = nil, domain: String? = nil,
        path: String? = "/", isSecure: Bool = false, isHTTPOnly: Bool = true, sameSite: SameSite = .lax,
        isPartitioned: Bool = false
    ) {
        self.name = name
        self.value = value
        self.expires = expires
        self.maxAge = maxAge
        self.domain = domain
        self.path = path
        self.isSecure = isSecure
        self.isHTTPOnly = isHTTPOnly
        self.sameSite = sameSite
        self.isPartitioned = isPartitioned
    }
}

extension Cookie {
    /// The value of `Set-Cookie`.
    /// - Throws: ``CookieError``, which names the rule that the cookie breaks.
    public func fieldValue() throws(CookieError) -> String {
        try validate()
        var field = "\(name)=\(value)"
        if let domain { field += "; Domain=\(domain)" }
        if let path { field += "; Path=\(path)" }
        if let expires { field += "; Expires=\(HTTPDate.string(expires.wholeSeconds))" }
        if let maxAge { field += "; Max-Age=\(maxAge.components.seconds)" }
        if isHTTPOnly { field += "; HttpOnly" }
        if isSecure { field += "; Secure" }
        if sameSite != .unset { field += "; SameSite=\(sameSite.rawValue)" }
        if isPartitioned { field += "; Partitioned" }
        return field
    }

    /// The cookie that makes a browser forget the one of the same name, domain and path.
    var deletion: Cookie {
        var deletion = self
        deletion.value = ""
        deletion.maxAge = .zero
        deletion.expires = Date(timeIntervalSince1970: 0)
        return deletion
    }
}

extension Date {
    /// The second that the date is in, since 1970; far dates are cut to what a date of HTTP can say.
    var wholeSeconds: Int64 {
        let seconds = timeIntervalSince1970.rounded(.down)
        return seconds.isNaN ? 0 : Int64(min(max(seconds, -62_167_219_200), 253_402_300_799))
    }
}
