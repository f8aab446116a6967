import Foundation
import HTTPTypes

extension Response {
    /// Sets a cookie. One of the same name, domain and path that this response set before is replaced.
    /// - Throws: ``CookieError``, which names the rule that the cookie breaks; nothing is set then.
    public mutating func setCookie(_ cookie: Cookie) throws(CookieError) {
        try headers.setCookie(cookie)
    }

    /// Sets a cookie whose value is signed: any text, which can be read but not changed. Where the cookie has a lifetime, its
    /// end is signed too.
    /// - Throws: ``CookieError`` when the signed cookie breaks a rule, such as that of its length.
    public mutating func setCookie(_ cookie: Cookie, signedBy signer: CookieSigner) throws(CookieError) {
        var signed = cookie
        let end = cookie.maxAge.map { Date(timeIntervalSinceNow: $0 / .seconds(1)) } ?? cookie.expires
        signed.value = signer.sign(cookie.value, for: cookie.name, expires: end)
        try setCookie(signed)
    }

    /// Makes the browser forget a cookie, which has to be named with the domain and the path that it was set with.
    /// - Throws: ``CookieError`` for a name, domain or path that no cookie can have.
    public mutating func deleteCookie(
        _ name: String, domain: String? = nil, path: String? = "/"
    ) throws(CookieError) {
        // Browsers take nothing of these names that isn't secure, a deletion included.
        let isSecure = name.lowercased().hasPrefix("__secure-") || name.lowercased().hasPrefix("__host-")
        try setCookie(Cookie(name, "", domain: domain, path: path, isSecure: isSecure).deletion)
    }
}

extension RequestCookies {
    /// The text of the first cookie of this name that the signer signed for this name and whose time is not over; nil when
    /// there is none.
    public func signed(_ name: String, by signer: CookieSigner) -> String? {
        for value in values(of: name) {
            if let text = signer.verify(value, for: name) { return text }
        }
        return nil
    }
}

extension HTTPFields {
    mutating func setCookie(_ cookie: Cookie) throws(CookieError) {
        let value = try cookie.fieldValue()
        let kept = self[values: .setCookie].filter { !cookie.replaces($0) }
        self[values: .setCookie] = kept + [value]
    }
}

extension Cookie {
    /// Whether a `Set-Cookie` field is for the same cookie as a browser sees it (RFC 6265bis 5.7).
    fileprivate func replaces(_ field: String) -> Bool {
        guard field.hasPrefix(name + "=") else { return false }
        let attributes = field.split(separator: ";").dropFirst().map { $0.drop { $0 == " " } }
        return attributes.first { $0.hasPrefix("Domain=") } == domain.map { "Domain=\($0)" }
            && attributes.first { $0.hasPrefix("Path=") } == path.map { "Path=\($0)" }
    }
}
