import HTTPTypes
import Testing

@testable import ParleyHTTP

/// What is answered where there is no file.
@Suite struct FileFallbackTests {
    private static let page: HTTPFields = [.accept: "text/html,application/xhtml+xml,*/*;q=0.8"]

    private func site(_ change: (inout FileOptions) -> Void) throws -> FileSite {
        var options = FileOptions()
        options.cacheControl = "public, max-age=31536000, immutable"
        change(&options)
        let site = try FileSite(options: options)
        try site.write("app", to: "index.html")
        try site.write("script", to: "app.js")
        try site.write("sorry", to: "errors/404.html")
        return site
    }

    @Test func `Pages of an application are its index, anything else stays missing`() async throws {
        let site = try site { $0.spaFallback = "index.html" }
        for target in ["/settings", "/users/42", "/users/42/", "/a.b/c", "/users%20x"] {
            let response = await site.get(target, Self.page)
            #expect(response.status == .ok, "\(target)")
            #expect(try await response.text() == "app")
            #expect(response.headers[.cacheControl] == "no-cache" && response.headers[.vary] == "Accept")
            #expect(response.headers[.contentType] == "text/html; charset=utf-8")
        }
        #expect(await site.request(.head, "/settings", Self.page).status == .ok)
        let tag = try #require(await site.get("/settings", Self.page).headers[.eTag])
        #expect(await site.get("/other", [.accept: "text/html", .ifNoneMatch: tag]).status == .notModified)
        for (target, fields) in [
            ("/missing.js", Self.page), ("/api/users", [.accept: "*/*"]), ("/api/users", [:]),
            ("/api/users", [.accept: "application/json"]), ("/settings", [.accept: "text/html;q=0"]),
            ("/.env", Self.page),
            ("//x", Self.page),
        ] as [(String, HTTPFields)] {
            #expect(await site.get(target, fields).status == .notFound, "\(target)")
        }
        #expect(await site.get("/api/users").headers[.vary] == "Accept")
        #expect(await site.get("/..%2fx", Self.page).status == .badRequest)
        #expect(await site.request(.post, "/settings", Self.page).status == .methodNotAllowed)
        // Where there is a file it is sent, as its rules say.
        #expect(await site.get("/app.js", Self.page).headers[.cacheControl]?.contains("immutable") == true)
    }

    @Test func `Routes go before the pages of an application`() async throws {
        let site = try site { $0.spaFallback = "index.html" }
        site.application.get("/api/users") { _ in "route" }
        site.application.post("/api/posts") { _ in "route" }
        #expect(try await site.get("/api/users", Self.page).text() == "route")
        #expect(try await site.request(.post, "/api/posts").text() == "route")
        #expect(await site.get("/api/posts").status == .notFound)
    }

    @Test func `The page of a 404 has its status and nobody's validators`() async throws {
        let site = try site { $0.notFoundPage = "errors/404.html" }
        for (target, fields) in [("/x", [:]), ("/x.js", Self.page), ("/.env", [.accept: "*/*"])]
            as [(String, HTTPFields)]
        {
            let response = await site.get(target, fields)
            #expect(response.status == .notFound)
            #expect(try await response.text() == "sorry")
            #expect(response.headers[.eTag] == nil && response.headers[.lastModified] == nil)
            #expect(response.headers[.cacheControl] == "no-cache" && response.headers[.vary] == "Accept")
        }
        let ranged = await site.get("/x", [.range: "bytes=0-0", .ifNoneMatch: "*"])
        #expect(ranged.status == .notFound && ranged.body.length == 5)
        #expect(try await site.get("/x", [.accept: "application/json"]).text() == "Not Found")
        #expect(await site.request(.head, "/x").body.length == 5)
        #expect(await site.get("/errors/404.html").status == .ok)
    }

    @Test func `Without their files both are a plain 404`() async throws {
        let site = try site {
            $0.spaFallback = "none.html"
            $0.notFoundPage = "errors"
        }
        #expect(try await site.get("/x", Self.page).text() == "Not Found")
    }
}
