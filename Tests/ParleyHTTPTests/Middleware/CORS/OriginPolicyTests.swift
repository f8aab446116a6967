import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite("Origins")
struct OriginPolicyTests {
    @Test("requests without an origin, and of the same one, need no CORS")
    func local() {
        for policy in [OriginPolicy.sameOrigin, .any, .allow([])] {
            #expect(policy.decide(origin: nil, authority: "example.com") == .local)
            #expect(
                policy.decide(origin: "https://Example.com:8080", authority: "example.com:8080") == .local)
        }
    }

    @Test("the port of the scheme may be left out, or not")
    func defaultPort() {
        #expect(
            OriginPolicy.sameOrigin.decide(origin: "https://example.com", authority: "example.com:443")
                == .local)
        #expect(
            OriginPolicy.sameOrigin.decide(origin: "http://example.com", authority: "example.com:443")
                == .refused)
    }

    @Test(
        "by default other origins are refused",
        arguments: ["https://evil.example", "null", "", "https://example.com.evil"])
    func refused(_ origin: String) {
        #expect(OriginPolicy.sameOrigin.decide(origin: origin, authority: "example.com") == .refused)
        #expect(
            OriginPolicy.allow(["https://a.example"]).decide(origin: origin, authority: "example.com")
                == .refused)
    }

    @Test("an allowed origin is echoed, credentials only where asked for, never a star with them")
    func headers() {
        let policy = OriginPolicy.allow(["https://a.example"], credentials: true)
        var headers = HTTPFields()
        policy.decide(origin: "https://a.example", authority: "b.example").apply(to: &headers)
        #expect(headers[.accessControlAllowOrigin] == "https://a.example")
        #expect(headers[.accessControlAllowCredentials] == "true")
        #expect(headers[.vary] == "Origin")

        headers = HTTPFields()
        OriginPolicy.any.decide(origin: "https://x.example", authority: "b.example").apply(to: &headers)
        #expect(headers[.accessControlAllowOrigin] == "https://x.example")
        #expect(headers[.accessControlAllowCredentials] == nil)
    }

    @Test("a preflight of a refused origin gets no permission")
    func preflight() {
        let headers = OriginPolicy.sameOrigin.decide(origin: "https://x", authority: "y")
            .preflight(requestedHeaders: "x-token")
        #expect(headers[.accessControlAllowOrigin] == nil)
        #expect(headers[.accessControlAllowHeaders] == nil)
    }

    @Test(
        "an origin is scheme, host and port; the scheme's port may be left out, case doesn't matter",
        arguments: [
            ("https://a.example", "https://A.example:443", true),
            ("https://a.example:443", "https://a.example", true),
            ("http://a.example:80", "http://a.example", true),
            ("https://a.example/", "https://a.example", true),
            ("https://a.example", "http://a.example", false),
            ("https://a.example", "https://a.example:8443", false),
            ("https://a.example", "https://b.a.example", false),
            ("https://a.example", "https://a.example.evil", false),
            ("http://[::1]:8080", "http://[::1]:8080", true), ("http://[::1]", "http://[::1]:8080", false),
            ("capacitor://localhost", "capacitor://localhost", true),
            ("a.example", "https://a.example", false),
            ("https://*.a.example", "https://b.a.example", true),
            ("https://*.a.example", "https://c.b.a.example", true),
            ("https://*.a.example", "https://a.example", false),
            ("https://*.a.example", "https://evila.example", false),
            ("https://*.a.example", "https://.a.example", false),
            ("https://*.a.example", "http://b.a.example", false),
            ("https://*.a.example", "https://b.a.example:8443", false),
            ("https://*.a.example", "https://x/.a.example", false),
            ("https://*.a.example", "https://evil?.a.example", false),
            ("https://*.a.example", "https://u@b.a.example", false),
            ("http://localhost:*", "http://localhost:5173", true),
            ("http://localhost:*", "http://localhost", true),
            ("http://localhost:*", "http://localhost:x", false),
            ("http://localhost:*", "http://localhost:*", false),
            ("https://*.a.example", "https://*.a.example", false), ("null", "null", true),
            ("https://a.example", "null", false), ("*", "https://a.example", false),
            ("https://*", "https://a", false),
        ])
    func patterns(_ pattern: String, _ origin: String, _ isAllowed: Bool) {
        let decision = OriginPolicy.allow([pattern]).decide(origin: origin, authority: "here.example")
        #expect((decision != .refused) == isAllowed)
    }

    @Test("a closure decides about other origins only")
    func closure() {
        let policy = OriginPolicy.matching(credentials: true) { $0.hasSuffix("chosen") }
        #expect(policy.decide(origin: "https://here.example", authority: "here.example") == .local)
        #expect(policy.decide(origin: "null", authority: "here.example") == .refused)
        #expect(
            policy.decide(origin: "x://chosen", authority: "here.example")
                == .cross(origin: "x://chosen", credentials: true))
    }

    @Test("a page that came in clear text is not of the same origin as a request that comes encrypted")
    func schemes() {
        let policy = OriginPolicy.sameOrigin
        #expect(policy.decide(origin: "http://a.example", authority: "a.example", isSecure: true) == .refused)
        #expect(policy.decide(origin: "https://a.example", authority: "a.example", isSecure: true) == .local)
        #expect(policy.decide(origin: "https://a.example", authority: "a.example") == .local)
    }
}
