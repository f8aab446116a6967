import Foundation
import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite struct DirectoryListingTests {
    private func site(limit: Int = 1000) throws -> FileSite {
        var options = FileOptions()
        options.listsDirectories = true
        options.listingLimit = limit
        return try FileSite(options: options)
    }

    @Test func `A listing has what is served, directories first, by name`() async throws {
        let site = try site()
        try site.directory.write("secret", to: "secret")
        for name in [
            "list/b.txt", "list/a b&<c>'\".txt", "list/.env", "list/Zoo/x", "list/é/x", "list/a:b",
            "list/back\\slash",
        ] {
            try site.write("12345", to: name)
        }
        try site.directory.link("public/list/out", to: "../../secret")
        try site.directory.link("public/list/in", to: "b.txt")
        try site.directory.fifo("public/list/pipe")
        let response = await site.get("/list/")
        let html = try await response.text()
        #expect(response.headers[.contentType] == "text/html; charset=utf-8")
        #expect(response.headers[.vary] == "Accept" && response.headers[.cacheControl] == "no-cache")
        #expect(response.headers[.xContentTypeOptions] == "nosniff")
        let links = html.components(separatedBy: "href=\"").dropFirst().map { $0.prefix { $0 != "\"" } }
        #expect(
            links == [
                "../", "./Zoo/", "./%C3%A9/", "./a%20b%26%3Cc%3E%27%22.txt", "./a%3Ab", "./b.txt", "./in",
            ])
        #expect(html.contains(">a b&amp;&lt;c&gt;&#39;&quot;.txt</a>"))
        for link in links.dropFirst() {
            #expect([200, 301].contains(await site.get("/list/" + link.dropFirst(2)).status.code), "\(link)")
        }
        #expect(await site.get("/list").headers[.location] == "/list/")
        #expect(await site.request(.head, "/list/").status == .ok)
    }

    @Test func `The path in the heading is escaped`() async throws {
        let site = try site()
        try site.write("x", to: "<script>/a")
        let html = try await site.get("/%3Cscript%3E/").text()
        #expect(html.contains("Index of /&lt;script&gt;/") && !html.contains("<script"))
    }

    @Test func `The root has no way up, and well-known files`() async throws {
        let site = try site()
        try site.write("x", to: ".well-known/x")
        try site.write("x", to: ".git/x")
        let html = try await site.get("/").text()
        #expect(html.contains("./.well-known/") && !html.contains("../") && !html.contains(".git"))
        try site.write("index", to: "index.html")
        #expect(try await site.get("/").text() == "index")
    }

    @Test func `JSON is for those who like it better`() async throws {
        let site = try site()
        try site.write("12345", to: "a/b.txt")
        try site.directory.setModified("public/a/b.txt", seconds: 1_000_000_000)
        try site.write("x", to: "a/c/x")
        let response = await site.get("/a/", [.accept: "application/json"])
        #expect(response.headers[.contentType] == "application/json" && response.headers[.vary] == "Accept")
        let text = try await response.text()
        #expect(text.contains(#"{"name":"b.txt","type":"file","size":5,"modified":"2001-09-09T01:46:40"#))
        #expect(text.contains(#"{"name":"c","type":"directory","modified":"#))
        #expect(text.contains(#""isTruncated":false"#))
        for accept in ["*/*", "text/html, application/json", "text/html;q=0.9, application/json;q=0.8"] {
            #expect(
                await site.get("/a/", [.accept: accept]).headers[.contentType] == "text/html; charset=utf-8")
        }
    }

    @Test func `What is beyond the limit is left out, and said to be`() async throws {
        let site = try site(limit: 5)
        for number in 0..<5 { try site.write("x", to: "a/\(number)") }
        #expect(try await !site.get("/a/").text().contains("has more"))
        try site.write("x", to: "a/5")
        let html = try await site.get("/a/").text()
        #expect(html.count(of: "href=\"./") == 5 && html.contains("has more"))
    }

    @Test func `Without the option nothing is listed`() async throws {
        let site = try FileSite()
        try site.write("x", to: "a/b")
        #expect(await site.get("/a/").status == .notFound)
    }
}
