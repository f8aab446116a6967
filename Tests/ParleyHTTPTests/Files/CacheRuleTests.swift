import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite struct CacheRuleTests {
    @Test(arguments: [
        ("assets/**", "assets/a.js", true), ("assets/**", "assets/b/a.js", true),
        ("assets/**", "other/assets/a.js", false),
        ("assets/**", "assetsx/a.js", false), ("*.html", "index.html", true),
        ("*.html", "a/b/index.html", true),
        ("*.html", "index.html.gz", false), ("/*.html", "index.html", true),
        ("/*.html", "a/index.html", false),
        ("**/img/*.png", "img/a.png", true), ("**/img/*.png", "a/b/img/a.png", true),
        ("**/img/*.png", "img/b/a.png", false),
        ("a/**/z", "a/z", true), ("a/**/z", "a/b/c/z", true), ("a/**/z", "a/b/c/y", false),
        ("**", "a/b", true),
        ("*", "a/b.txt", true), ("?.txt", "a.txt", true), ("?.txt", "ab.txt", false),
        ("?.txt", "é.txt", true),
        ("app-*.*.js", "app-1.min.js", true), ("app-*.*.js", "app-1.js", false), ("a*b*c", "aXbXbXc", true),
        ("*.HTML", "a.html", false), ("", "a", false), ("a/b", "a/b", true), ("a/b", "a/b/c", false),
    ])
    func `Patterns match the path below the mount`(pattern: String, path: String, matches: Bool) {
        #expect(PathGlob(pattern).matches(path.split(separator: "/").map(String.init)) == matches)
    }

    @Test(.timeLimit(.minutes(1))) func `A pattern of many stars does not take for ever`() {
        let stars = String(repeating: "a*", count: 50) + "b"
        #expect(!PathGlob(stars).matches([String(repeating: "a", count: 2000)]))
        let deep = String(repeating: "**/a/", count: 50) + "b"
        #expect(!PathGlob(deep).matches(Array(repeating: "a", count: 2000)))
    }

    @Test func `The first rule that matches says how long a file may be kept`() async throws {
        var options = FileOptions()
        options.cacheRules = [
            CacheRule("assets/**", "public, max-age=31536000, immutable"), CacheRule("*.html", "no-store"),
            CacheRule("private/**", nil), CacheRule("**/*.html", "never"),
        ]
        options.cacheControl = "max-age=60"
        let site = try FileSite(options: options)
        for name in ["assets/a.html", "index.html", "a.txt", "private/a.txt"] {
            try site.write("x", to: name)
        }
        #expect(
            await site.get("/assets/a.html").headers[.cacheControl] == "public, max-age=31536000, immutable")
        #expect(await site.get("/").headers[.cacheControl] == "no-store")
        #expect(await site.get("/a.txt").headers[.cacheControl] == "max-age=60")
        #expect(await site.get("/private/a.txt").headers[.cacheControl] == nil)
        let tag = try #require(await site.get("/").headers[.eTag])
        #expect(await site.get("/", [.ifNoneMatch: tag]).headers[.cacheControl] == "no-store")
    }
}
