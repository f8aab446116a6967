import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite("Security headers")
struct SecurityHeadersTests {
    private func respond(
        _ headers: SecurityHeaders, _ path: String = "/", isSecure: Bool = false
    ) async throws -> Response {
        let memory = try InMemory { app in
            app.use(headers)
            app.get("/") { request in request.contentSecurityPolicyNonce ?? "none" }
            app.get("/own") { _ in
                Response(headers: [.xFrameOptions: "DENY", .contentSecurityPolicy: "default-src 'none'"])
            }
            app.get("/fails") { _ -> String in throw Failure() }
        }
        return try await memory.respond("GET", path, isSecure: isSecure)
    }

    @Test(
        "the defaults are on every answer, errors included; HSTS on encrypted ones only",
        arguments: ["/", "/fails", "/nowhere"])
    func defaults(_ path: String) async throws {
        let headers = try await respond(SecurityHeaders(), path, isSecure: true).headers
        #expect(headers[.strictTransportSecurity] == "max-age=31536000")
        #expect(
            headers[.contentSecurityPolicy] == "base-uri 'self'; frame-ancestors 'self'; object-src 'none'")
        #expect(headers[.xContentTypeOptions] == "nosniff")
        #expect(headers[.xFrameOptions] == "SAMEORIGIN")
        #expect(headers[.referrerPolicy] == "strict-origin-when-cross-origin")
        #expect(headers[.crossOriginOpenerPolicy] == "same-origin")
        #expect(headers[.crossOriginResourcePolicy] == "same-origin")
        #expect(headers[.permissionsPolicy] == nil)
        #expect(try await respond(SecurityHeaders(), path).headers[.strictTransportSecurity] == nil)
    }

    @Test("what a handler set stays")
    func untouched() async throws {
        let headers = try await respond(SecurityHeaders(), "/own").headers
        #expect(headers[fields: .xFrameOptions].map(\.value) == ["DENY"])
        #expect(headers[fields: .contentSecurityPolicy].map(\.value) == ["default-src 'none'"])
        #expect(headers[.xContentTypeOptions] == "nosniff")
    }

    @Test("all can be changed and left out")
    func options() async throws {
        var headers = SecurityHeaders()
        headers.strictTransportSecurity = StrictTransportSecurity(
            maxAge: .seconds(10), includesSubdomains: true, preload: true)
        headers.contentSecurityPolicy = nil
        headers.frameOptions = nil
        headers.permissionsPolicy = "camera=()"
        headers.others = [.server: "x"]
        let answered = try await respond(headers, isSecure: true).headers
        #expect(answered[.strictTransportSecurity] == "max-age=10; includeSubDomains; preload")
        #expect(answered[.contentSecurityPolicy] == nil && answered[.xFrameOptions] == nil)
        #expect(answered[.permissionsPolicy] == "camera=()" && answered[.server] == "x")
    }

    @Test("a nonce is in the policy and on the request, and never the same")
    func nonces() async throws {
        var headers = SecurityHeaders()
        headers.contentSecurityPolicy = ContentSecurityPolicy()
            .directive("default-src", "'self'").directive("script-src", "'nonce-{nonce}'")
        let first = try await respond(headers)
        #expect(first.text.count == 24)
        let policy = "default-src 'self'; script-src 'nonce-\(first.text)'"
        #expect(first.headers[.contentSecurityPolicy] == policy)
        #expect(try await respond(headers).text != first.text)
        headers.reportsContentSecurityOnly = true
        let reported = try await respond(headers).headers
        #expect(reported[.contentSecurityPolicy] == nil && reported[.contentSecurityPolicyReportOnly] != nil)
        #expect(try await respond(SecurityHeaders()).text == "none")
    }
}
