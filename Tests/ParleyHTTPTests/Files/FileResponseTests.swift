import Foundation
import HTTPTypes
import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyHTTP

/// `files(_:from:)` through the application, in memory.
@Suite struct FileResponseTests {
    @Test func `A file comes with its type, length and validators`() async throws {
        let site = try FileSite()
        try site.write("<p>hello</p>", to: "page.html")
        try site.directory.setModified("public/page.html", seconds: 1_000_000_000)
        let response = await site.get("/page.html?x=1")
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == "text/html; charset=utf-8")
        #expect(response.headers[.lastModified] == "Sun, 09 Sep 2001 01:46:40 GMT")
        #expect(response.headers[.acceptRanges] == "bytes")
        #expect(response.headers[.cacheControl] == "no-cache")
        #expect(response.headers[.xContentTypeOptions] == "nosniff")
        #expect(response.headers[.eTag]?.utf8.count == 18)
        #expect(try await response.text() == "<p>hello</p>")
    }

    @Test func `HEAD is answered as GET, and nothing is read`() async throws {
        let site = try FileSite()
        try site.write("12345", to: "a.txt")
        let get = await site.get("/a.txt")
        let head = await site.request(.head, "/a.txt", [.range: "bytes=0-1"])
        #expect(head.status == .ok)
        #expect(head.headers == get.headers)
        #expect(head.body.length == 5)
        #expect(try await head.bytes() == [])
    }

    @Test func `An empty file is a response of no bytes`() async throws {
        let site = try FileSite()
        try site.write("", to: "empty")
        let response = await site.get("/empty")
        #expect(response.status == .ok && response.body.length == 0)
        #expect(response.headers[.contentType] == "application/octet-stream")
    }

    @Test func `A directory is its index, behind a redirection to the slash`() async throws {
        let site = try FileSite()
        try site.write("root", to: "index.html")
        try site.write("docs", to: "docs/index.html")
        try site.directory.directory("public/empty")
        #expect(try await site.get("/").text() == "root")
        #expect(try await site.get("/docs/").text() == "docs")
        let redirection = await site.get("/docs?a=b")
        #expect(redirection.status == .movedPermanently)
        #expect(redirection.headers[.location] == "/docs/?a=b")
        for target in ["/empty", "/empty/", "/index.html/", "/docs/index.html/", "/docs/nothing"] {
            #expect(await site.get(target).status == .notFound, "\(target)")
        }
    }

    @Test func `Index names are looked for in their order`() async throws {
        var options = FileOptions()
        options.indexNames = ["default.htm", "index.html"]
        let site = try FileSite(options: options)
        try site.write("index", to: "a/index.html")
        try site.write("default", to: "b/default.htm")
        try site.write("index", to: "b/index.html")
        try site.directory.directory("public/c/default.htm")
        try site.write("index", to: "c/index.html")
        #expect(try await site.get("/a/").text() == "index")
        #expect(try await site.get("/b/").text() == "default")
        #expect(try await site.get("/c/").text() == "index")
    }

    @Test(arguments: [
        "/../secret", "/%2e%2e/secret", "/..%2fsecret", "/..%5csecret", "/..\\secret",
        "/a/%2e%2e/%2e%2e/secret",
        "/%00", "/a.txt%00.html", "//secret", "/.%2e/secret", "/....//secret", "/%252e%252e/secret", "/.env",
        "/.git/config",
        "/%2egit/config", "/sub/.env", "/link", "/linked/secret", "/%ff", "/%c0%ae%c0%ae/secret", "/fifo",
        "/etc/passwd", "//etc/passwd", "/%2fetc%2fpasswd", "/%2f%2fevil.example", "//evil.example/", "//sub",
        "/\\evil.example",
        "/sub//", "/./a.txt", "/a.txt/", "/sub", "/%25%32%65%25%32%65/secret", "/..;/secret", "/..%00/secret",
        "/~root",
        "/a.txt%20", "/a.txt.", "/a.txt::$DATA", "/%uff0e%uff0e/secret", "/%c0%2e%c0%2e/secret",
        "/%e0%80%ae/secret",
    ])
    func `Nothing leads out of the directory, and no redirection to another host`(target: String) async throws
    {
        let site = try FileSite()
        try site.directory.write("top secret", to: "secret")
        try site.write("top secret", to: ".env")
        try site.write("top secret", to: ".git/config")
        try site.write("top secret", to: "sub/.env")
        try site.write("hello", to: "a.txt")
        try site.directory.link("public/link", to: "../secret")
        try site.directory.link("public/linked", to: "..")
        try site.directory.fifo("public/fifo")
        for method in [HTTPRequest.Method.get, .head] {
            let response = await site.request(method, target)
            #expect([400, 404].contains(response.status.code))
            #expect(response.headers[.location] == nil)
            #expect(try await !response.text().contains("top secret"))
        }
        #expect(try await site.get("/a.txt").text() == "hello")
    }

    @Test func `Well-known files are served, other dotfiles by option`() async throws {
        let site = try FileSite()
        try site.write("token", to: ".well-known/acme")
        #expect(try await site.get("/.well-known/acme").text() == "token")
        var options = FileOptions()
        options.dotfiles = .served
        let open = try FileSite(options: options)
        try open.write("x", to: ".env")
        #expect(try await open.get("/.env").text() == "x")
    }

    @Test func `Conditions are answered with 304 and 412`() async throws {
        let site = try FileSite()
        try site.write("hello", to: "a.txt")
        let tag = try #require(await site.get("/a.txt").headers[.eTag])
        let fresh = await site.get("/a.txt", [.ifNoneMatch: "\"x\", W/\(tag)"])
        #expect(fresh.status == .notModified)
        #expect(fresh.headers[.eTag] == tag)
        #expect(fresh.headers[.cacheControl] == "no-cache")
        #expect(fresh.headers[.lastModified] != nil && fresh.headers[.contentType] == nil)
        #expect(try await fresh.bytes() == [])
        #expect(await site.request(.head, "/a.txt", [.ifNoneMatch: tag]).status == .notModified)
        #expect(await site.get("/a.txt", [.ifMatch: "\"x\""]).status == .preconditionFailed)
        #expect(await site.get("/a.txt", [.ifMatch: tag]).status == .ok)
        #expect(await site.get("/nothing", [.ifMatch: "*"]).status == .notFound)
        try site.write("hello, world", to: "a.txt")
        #expect(await site.get("/a.txt", [.ifNoneMatch: tag]).status == .ok)
    }

    @Test func `One range is a part, one beyond the end is told the length`() async throws {
        let site = try FileSite()
        try site.write("0123456789", to: "a.txt")
        let part = await site.get("/a.txt", [.range: "bytes=2-5"])
        #expect(part.status == .partialContent)
        #expect(part.headers[.contentRange] == "bytes 2-5/10")
        #expect(part.headers[.eTag] != nil && part.headers[.contentType] != nil)
        #expect(try await part.text() == "2345")
        #expect(try await site.get("/a.txt", [.range: "bytes=-3"]).text() == "789")
        #expect(try await site.get("/a.txt", [.range: "bytes=7-"]).text() == "789")
        let beyond = await site.get("/a.txt", [.range: "bytes=10-"])
        #expect(beyond.status == .rangeNotSatisfiable)
        #expect(beyond.headers[.contentRange] == "bytes */10")
    }

    @Test func `A range with If-Range is a part of the same state only`() async throws {
        let site = try FileSite()
        try site.write("0123456789", to: "a.txt")
        try site.directory.setModified("public/a.txt", seconds: 1_000_000_000)
        let headers = await site.get("/a.txt").headers
        let tag = try #require(headers[.eTag])
        let date = try #require(headers[.lastModified])
        for (condition, status) in [(tag, 206), (date, 206), ("W/" + tag, 200), ("\"x\"", 200), ("x", 200)] {
            let response = await site.get("/a.txt", [.range: "bytes=0-0", .ifRange: condition])
            #expect(response.status.code == status, "\(condition)")
        }
        // A range that can't be satisfied is not an error of a state that is gone.
        #expect(await site.get("/a.txt", [.range: "bytes=99-", .ifRange: "\"x\""]).status == .ok)
    }

    @Test func `A long file is streamed in bounded pieces of what was asked for`() async throws {
        let site = try FileSite()
        let bytes = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        try site.directory.write(bytes, to: "public/long")
        let whole = await site.get("/long")
        #expect(whole.isStreamed && whole.body.length == 1_000_003)
        #expect(try await whole.bytes() == bytes)
        let part = await site.get("/long", [.range: "bytes=100001-900000"])
        #expect(part.isStreamed && part.body.length == 800_000)
        #expect(try await part.bytes() == Array(bytes[100_001...900_000]))
        let pieces = Lock<[Int]>([])
        guard case .stream(_, let produce) = whole.body.content else { return }
        try await produce(CollectingWriter { piece in pieces.withLock { $0.append(piece.count) } })
        #expect(pieces.withLock { $0.allSatisfy { $0 <= 256 * 1024 } && $0.count > 3 })
    }

    @Test func `A file that becomes longer is sent as announced, one that becomes shorter fails`()
        async throws
    {
        let site = try FileSite()
        try site.directory.truncate("public/long", to: 1_000_000)
        let longer = await site.get("/long")
        try site.directory.truncate("public/long", to: 2_000_000)
        #expect(try await longer.bytes().count == 1_000_000)
        let shorter = await site.get("/long")
        try site.directory.truncate("public/long", to: 500_000)
        await #expect(throws: FileError.shrunk) { try await shorter.bytes() }
    }

    @Test func `A response keeps the file that it began with`() async throws {
        let site = try FileSite()
        try site.directory.write([UInt8](repeating: 1, count: 200_000), to: "public/long")
        let response = await site.get("/long")
        try site.directory.write([UInt8](repeating: 2, count: 10), to: "public/new")
        #expect(rename(site.directory.path("public/new"), site.directory.path("public/long")) == 0)
        #expect(try await response.bytes() == [UInt8](repeating: 1, count: 200_000))
        #expect(await site.get("/long").body.length == 10)
    }

    @Test func `A cancelled task still gets its file`() async throws {
        let site = try FileSite()
        try site.directory.truncate("public/long", to: 300_000)
        let task = Task { () async throws -> Int in
            withUnsafeCurrentTask { $0?.cancel() }
            return try await site.get("/long").bytes().count
        }
        #expect(try await task.value == 300_000)
    }

    @Test func `Files can be mounted below a path and in a group, behind its middleware`() async throws {
        let site = try FileSite(at: "/static")
        try site.write("hello", to: "a.txt")
        try site.write("index", to: "index.html")
        site.application.group("/app/:tenant").use { request, next in
            var response = try await next(request)
            response.headers[.server] = "tenant"
            return response
        }.files("/assets/", from: site.directory.path("public"))
        #expect(try await site.get("/static/a.txt").text() == "hello")
        #expect(try await site.get("/static/").text() == "index")
        #expect(await site.get("/static").headers[.location] == "/static/")
        #expect(await site.get("/staticx").status == .notFound)
        #expect(await site.get("/a.txt").status == .notFound)
        let inGroup = await site.get("/app/one/assets/a.txt")
        #expect(try await inGroup.text() == "hello")
        #expect(inGroup.headers[.server] == "tenant")
        #expect(await site.get("/app/one/assets").headers[.location] == "/app/one/assets/")
    }

    @Test func `Routes go before files, and other methods are not allowed`() async throws {
        let site = try FileSite()
        try site.write("file", to: "health")
        try site.write("file", to: "a.txt")
        site.application.get("/health") { _ in "route" }
        #expect(try await site.get("/health").text() == "route")
        let post = await site.request(.post, "/a.txt")
        #expect(post.status == .methodNotAllowed)
        #expect(post.headers[.allow]?.contains("GET") == true)
    }

    @Test func `A directory that does not exist is the server's error, until it does`() async throws {
        let site = try FileSite()
        site.application.files("/later", from: site.directory.path("later"))
        #expect(await site.get("/later/a.txt").status == .internalServerError)
        try site.directory.write("here", to: "later/a.txt")
        #expect(try await site.get("/later/a.txt").text() == "here")
    }

    @Test func `Cache-Control is the options' matter`() async throws {
        var options = FileOptions()
        options.cacheControl = nil
        let none = try FileSite(options: options)
        try none.write("x", to: "a")
        #expect(await none.get("/a").headers[.cacheControl] == nil)
        options.cacheControl = "public, max-age=31536000, immutable"
        let immutable = try FileSite(options: options)
        try immutable.write("x", to: "a")
        #expect(await immutable.get("/a").headers[.cacheControl] == options.cacheControl)
    }
}
