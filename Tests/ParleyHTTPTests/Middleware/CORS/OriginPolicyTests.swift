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
}
