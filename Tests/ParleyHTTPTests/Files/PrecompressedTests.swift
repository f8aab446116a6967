import HTTPTypes
import Testing

@testable import ParleyHTTP

/// Compressed siblings (RFC 9110 8.4, 12.5.3).
@Suite struct PrecompressedTests {
    @Test(
        arguments: [
            (nil, nil), ("", nil), ("gzip", "gzip"), ("x-gzip", "gzip"), ("GZIP", "gzip"), ("gzip, br", "br"),
            ("gzip, br, zstd", "br"), ("br;q=0.5, gzip;q=0.8", "gzip"), ("br;q=0, gzip;q=0.1", "gzip"),
            ("br;q=0", nil),
            ("gzip;q=0, *", "br"), ("*", "br"), ("*;q=0", nil), ("*;q=0, gzip", "gzip"), ("identity", nil),
            ("identity, gzip;q=0.5", nil), ("identity;q=0.5, gzip;q=0.5", "gzip"),
            ("identity;q=0, gzip;q=0.1", "gzip"),
            // Nothing is acceptable: the original is.
            ("identity;q=0", nil), ("identity;q=0, br;q=0, *;q=0", nil), ("deflate", nil), ("gzip;q=x", nil),
        ] as [(String?, String?)])
    func `The coding is the one with the most weight`(field: String?, name: String?) {
        let codings: [PrecompressedCoding] = [.brotli, .zstandard, .gzip]
        #expect(PrecompressedCoding.choice(among: codings, acceptEncoding: field)?.name == name)
    }

    private func site(cached: Bool = false) throws -> FileSite {
        var options = FileOptions()
        options.precompressed = [.brotli, .gzip]
        options.cache?.settlingTime = cached ? -1 : 1
        options.cache?.validity = .seconds(3600)
        let site = try FileSite(options: options)
        for (suffix, text) in [("", "0123456789"), (".br", "brotli"), (".gz", "gzipped")] {
            try site.write(text, to: "app.js" + suffix)
            try site.directory.setModified("public/app.js" + suffix, seconds: 1_000_000_000)
        }
        return site
    }

    @Test(arguments: [false, true])
    func `A sibling is sent as its original in a coding`(cached: Bool) async throws {
        let site = try site(cached: cached)
        // The second time from memory.
        for _ in 0..<2 {
            let original = await site.get("/app.js")
            #expect(try await original.text() == "0123456789")
            #expect(original.headers[.vary] == "Accept-Encoding" && original.headers[.contentEncoding] == nil)
            let brotli = await site.get("/app.js", [.acceptEncoding: "gzip, br"])
            #expect(try await brotli.text() == "brotli")
            #expect(brotli.headers[.contentEncoding] == "br" && brotli.headers[.vary] == "Accept-Encoding")
            #expect(brotli.headers[.contentType] == "text/javascript; charset=utf-8")
            let gzip = await site.get("/app.js", [.acceptEncoding: "gzip"])
            #expect(try await gzip.text() == "gzipped")
            #expect(Set([original, brotli, gzip].map { $0.headers[.eTag] }).count == 3)
            #expect(await site.request(.head, "/app.js", [.acceptEncoding: "gzip"]).body.length == 7)
        }
        #expect((try site.attempt("/app.js", [.acceptEncoding: "br"]) != nil) == cached)
    }

    @Test(arguments: [false, true])
    func `Conditions and ranges apply to what was chosen`(cached: Bool) async throws {
        let site = try site(cached: cached)
        let tag = try #require(await site.get("/app.js", [.acceptEncoding: "br"]).headers[.eTag])
        let fresh = await site.get("/app.js", [.acceptEncoding: "br", .ifNoneMatch: tag])
        #expect(fresh.status == .notModified && fresh.headers[.vary] == "Accept-Encoding")
        #expect(await site.get("/app.js", [.ifNoneMatch: tag]).status == .ok)
        let part = await site.get("/app.js", [.acceptEncoding: "br", .range: "bytes=-3"])
        #expect(part.headers[.contentRange] == "bytes 3-5/6" && part.headers[.contentEncoding] == "br")
        #expect(try await part.text() == "tli")
        let other = await site.get("/app.js", [.range: "bytes=0-1", .ifRange: tag])
        #expect(try await other.text() == "0123456789")
        for headers: HTTPFields in [[.ifMatch: "\"x\""], [.range: "bytes=99-"]] {
            #expect(await site.get("/app.js", headers).headers[.vary] == "Accept-Encoding")
        }
    }

    @Test func `A sibling that is older, no file, outside or not asked for is none`() async throws {
        let site = try site()
        try site.directory.setModified("public/app.js.br", seconds: 999_999_999)
        #expect(try await site.get("/app.js", [.acceptEncoding: "br"]).text() == "0123456789")
        // A fraction of a second doesn't count.
        try site.directory.setModified("public/app.js", seconds: 1_000_000_000, nanoseconds: 999)
        #expect(try await site.get("/app.js", [.acceptEncoding: "gzip"]).text() == "gzipped")
        try site.write("a", to: "a.txt")
        try site.directory.directory("public/a.txt.br")
        try site.directory.write("secret", to: "secret")
        try site.directory.link("public/a.txt.gz", to: "../secret")
        #expect(try await site.get("/a.txt", [.acceptEncoding: "br, gzip"]).text() == "a")
        try site.write("b", to: "b.txt")
        try site.directory.fifo("public/b.txt.br")
        #expect(try await site.get("/b.txt", [.acceptEncoding: "br"]).text() == "b")
        // A sibling without an original is a file of its own only.
        try site.write("c", to: "c.txt.gz")
        #expect(await site.get("/c.txt", [.acceptEncoding: "gzip"]).status == .notFound)
        #expect(await site.get("/c.txt.gz").headers[.contentEncoding] == nil)
    }

    @Test func `The index has siblings too, also beside a link`() async throws {
        let site = try site()
        try site.write("index", to: "docs/index.html")
        try site.write("packed", to: "docs/index.html.gz")
        #expect(try await site.get("/docs/", [.acceptEncoding: "gzip"]).text() == "packed")
        try site.directory.link("public/latest", to: "docs")
        #expect(try await site.get("/latest/index.html", [.acceptEncoding: "gzip"]).text() == "packed")
        try site.directory.link("public/current.js", to: "docs/index.html")
        try site.write("its own", to: "current.js.gz")
        #expect(try await site.get("/current.js", [.acceptEncoding: "gzip"]).text() == "its own")
    }

    @Test func `Without the option nothing is looked for`() async throws {
        let site = try FileSite()
        try site.write("a", to: "a.txt")
        try site.write("packed", to: "a.txt.gz")
        let response = await site.get("/a.txt", [.acceptEncoding: "gzip"])
        #expect(try await response.text() == "a")
        #expect(response.headers[.vary] == nil)
    }
}
