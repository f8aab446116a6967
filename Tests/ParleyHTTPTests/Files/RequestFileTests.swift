import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

/// `Request.file(at:)`.
@Suite struct RequestFileTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write("0123456789", to: "files/a.txt")
        try directory.write("secret", to: "secret.txt")
        try directory.write("secret", to: "files/.env")
        try directory.link("files/out", to: "../secret.txt")
    }

    private func answer(
        _ method: HTTPRequest.Method = .get, _ target: String, _ headers: HTTPFields = [:]
    ) async throws -> Response {
        let path = directory.path("files/a.txt")
        let folder = directory.path("files")
        let site = try InMemory { app in
            app.get("/own") { request in try await request.file(at: path) }
            app.post("/own") { request in try await request.file(at: path) }
            app.get("/download") { request in
                try await request.file(
                    at: path, contentType: "application/x-thing", cacheControl: nil,
                    downloadName: "Größe 5%.txt")
            }
            app.get("/user") { request in try await request.file(at: request.query("name") ?? "", in: folder)
            }
            app.get("/any") { request in try await request.file(at: request.query("name") ?? "") }
        }
        return await site.application.respond(
            to: Request(method: method, target: target, headers: headers, loop: site.group.next()))
    }

    @Test func `A file has validators, conditions and ranges`() async throws {
        let whole = try await answer(.get, "/own")
        #expect(try await whole.text() == "0123456789")
        #expect(
            whole.headers[.contentType] == "text/plain; charset=utf-8"
                && whole.headers[.cacheControl] == "no-cache")
        let tag = try #require(whole.headers[.eTag])
        #expect(try await answer(.get, "/own", [.ifNoneMatch: tag]).status == .notModified)
        #expect(try await answer(.get, "/own", [.range: "bytes=-2"]).text() == "89")
        #expect(try await answer(.get, "/own", [.range: "bytes=10-"]).status == .rangeNotSatisfiable)
        #expect(try await answer(.head, "/own").body.length == 10)
    }

    @Test func `The fields of other methods are not about the file`() async throws {
        let response = try await answer(
            .post, "/own", [.range: "bytes=0-0", .ifNoneMatch: "*", .ifMatch: "\"x\""])
        #expect(response.status == .ok)
        #expect(try await response.text() == "0123456789")
    }

    @Test func `A download has its name`() async throws {
        let response = try await answer(.get, "/download")
        #expect(
            response.headers[.contentDisposition]
                == "attachment; filename=\"Gr__e 5_.txt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%205%25.txt")
        #expect(
            response.headers[.contentType] == "application/x-thing" && response.headers[.cacheControl] == nil)
    }

    @Test(arguments: [
        "../secret.txt", "a.txt/../../secret.txt", "..", ".", "", "/", "out", ".env", "a.txt%00",
        "a.txt%00.png", "x", "a.txt/x",
        "/etc/passwd", "..%2fsecret.txt",
    ])
    func `A client's name leads nowhere else`(name: String) async throws {
        #expect(try await answer(.get, "/user?name=" + name).status == .notFound)
        #expect(try await answer(.get, "/user?name=a.txt").status == .ok)
    }

    @Test func `What is no regular file is not found`() async throws {
        for name in [
            directory.path("files"), directory.path("x"), "/dev/null", "", directory.path("files/a.txt%00"),
        ] {
            #expect(try await answer(.get, "/any?name=" + name).status == .notFound, "\(name)")
        }
        #expect(try await answer(.get, "/any?name=" + directory.path("files/out")).text() == "secret")
    }

    @Test(arguments: [
        ("a.txt", "attachment; filename=\"a.txt\""), ("a b;c.txt", "attachment; filename=\"a b;c.txt\""),
        ("../a/b\\c", "attachment; filename=\".._a_b_c\""), ("a\r\nX: y", "attachment; filename=\"a__X: y\""),
        ("a\"b", "attachment; filename=\"a_b\"; filename*=UTF-8''a%22b"),
        ("a%41", "attachment; filename=\"a_41\"; filename*=UTF-8''a%2541"),
        ("€", "attachment; filename=\"_\"; filename*=UTF-8''%E2%82%AC"),
        ("a'(b)*!#$&+^`|~", "attachment; filename=\"a'(b)*!#$&+^`|~\""),
        ("é'(*", "attachment; filename=\"_'(*\"; filename*=UTF-8''%C3%A9%27%28%2A"),
        ("fdp\u{202E}exe.txt", "attachment; filename=\"fdp_exe.txt\""), ("", "attachment; filename=\"\""),
    ])
    func `Names are quoted as RFC 6266 and 8187 have it`(name: String, field: String) {
        #expect(ContentDisposition.attachment(name) == field)
    }
}
