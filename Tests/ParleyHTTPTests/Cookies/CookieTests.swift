import Foundation
import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("Cookies (RFC 6265bis)")
struct CookieTests {
    private func cookies(_ fields: String...) throws -> RequestCookies {
        var headers = HTTPFields()
        for field in fields { headers.append(HTTPField(name: .cookie, value: field)) }
        return Request(target: "/", headers: headers, loop: try EventLoopGroup(count: 1).loops[0]).cookies
    }

    @Test("cookies are found by name, over all fields, the first of a name")
    func parsing() throws {
        let cookies = try cookies("a=1; b=\"two\";c = 3 ;a=4", "d=x=y; e=")
        #expect(cookies["a"] == "1" && cookies["b"] == "two" && cookies["c"] == "3")
        #expect(cookies["d"] == "x=y" && cookies["e"]?.isEmpty == true && cookies["A"] == nil)
        #expect(
            cookies.values(of: "a") == ["1", "4"] && cookies.map(\.name) == ["a", "b", "c", "a", "d", "e"])
    }

    @Test("what is no cookie is passed over, and nothing is decoded")
    func tolerance() throws {
        let cookies = try cookies("; ;x;=y; a=%20+\"; b=\"; c=\"\"; \t d=1\t", "", ";;")
        #expect(cookies.map { "\($0.name)=\($0.value)" } == ["a=%20+\"", "b=\"", "c=", "d=1"])
        #expect(try self.cookies().map(\.name).isEmpty)
    }

    @Test("every attribute is written")
    func attributes() throws {
        let cookie = Cookie(
            "id", "a!b", expires: Date(timeIntervalSince1970: 784_111_777.9), maxAge: .seconds(90),
            domain: "example.com", path: "/x", isSecure: true, sameSite: .none, isPartitioned: true)
        #expect(
            try cookie.fieldValue()
                == "id=a!b; Domain=example.com; Path=/x; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=90; HttpOnly; "
                + "Secure; SameSite=None; Partitioned")
        #expect(try Cookie("a", "", path: nil, isHTTPOnly: false, sameSite: .unset).fieldValue() == "a=")
        #expect(try Cookie("a", "\"b\"").fieldValue() == "a=\"b\"; Path=/; HttpOnly; SameSite=Lax")
    }

    @Test("what can't be a cookie names the rule, and nothing is set")
    func refusals() throws {
        let cases: [(Cookie, String)] = [
            (Cookie("", "a"), "4.1.1"), (Cookie("a b", "c"), "4.1.1"), (Cookie("a=b", "c"), "4.1.1"),
            (Cookie("a\r\nX: y", "c"), "4.1.1"), (Cookie("a", "b c"), "4.1.1"), (Cookie("a", "b;c"), "4.1.1"),
            (Cookie("a", "b,c"), "4.1.1"), (Cookie("a", "b\r\nX: y"), "4.1.1"), (Cookie("a", "é"), "4.1.1"),
            (Cookie("a", "\"b"), "4.1.1"), (Cookie("a", "b\\"), "4.1.1"),
            (Cookie("a", String(repeating: "x", count: 4096)), "5.7"),
            (Cookie("a", "b", path: "x"), "4.1.2.4"), (Cookie("a", "b", path: "/;Secure"), "4.1.2.4"),
            (Cookie("a", "b", path: "/\r\n"), "4.1.2.4"), (Cookie("a", "b", domain: "a;b"), "4.1.2.3"),
            (Cookie("a", "b", domain: ""), "4.1.2.3"), (Cookie("a", "b", domain: "a..b"), "4.1.2.3"),
            (Cookie("a", "b", sameSite: .none), "SameSite=None"),
            (Cookie("a", "b", isPartitioned: true), "Partitioned"), (Cookie("__Secure-a", "b"), "4.1.3.1"),
            (Cookie("__Host-a", "b"), "4.1.3.2"),
            (Cookie("__HOST-a", "b", path: "/x", isSecure: true), "4.1.3.2"),
            (Cookie("__Host-a", "b", domain: "x.org", isSecure: true), "4.1.3.2"),
        ]
        for (cookie, rule) in cases {
            var response = Response()
            let error = #expect(throws: CookieError.self) { try response.setCookie(cookie) }
            #expect(error?.rule.contains(rule) == true, "\(cookie): \(error?.rule ?? "")")
            #expect(response.headers.isEmpty && error?.description.contains("\r") != true)
        }
        #expect(try Cookie("__Host-a", "b", isSecure: true).fieldValue().contains("Secure"))
    }

    @Test("several cookies are several fields, and one of the same name, domain and path is replaced")
    func setting() throws {
        var response = Response()
        try response.setCookie(Cookie("a", "1"))
        try response.setCookie(Cookie("b", "1"))
        try response.setCookie(Cookie("a", "2", path: "/x"))
        try response.setCookie(Cookie("a", "3"))
        let values = response.headers[values: .setCookie].map { String($0.prefix(3)) }
        #expect(values == ["b=1", "a=2", "a=3"])
    }

    @Test("a deletion ends the cookie of the same name, domain and path")
    func deletion() throws {
        var response = Response()
        try response.deleteCookie("__Host-a")
        #expect(
            response.headers[.setCookie]
                == "__Host-a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
        )
        #expect(throws: CookieError.self) { try response.deleteCookie("a;b") }
    }

    @Test("dates that no calendar has don't trap")
    func farDates() throws {
        for seconds in [Double.nan, .infinity, -.infinity, 1e300] {
            _ = try Cookie("a", "b", expires: Date(timeIntervalSince1970: seconds)).fieldValue()
        }
    }
}
