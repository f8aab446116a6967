import Foundation
import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("multipart/form-data (RFC 7578)")
struct MultipartTests {
    private static let type = "multipart/form-data; boundary=b"

    private static func body(_ parts: (disposition: String, content: String)...) -> String {
        parts.map { "--b\r\nContent-Disposition: form-data; \($0.disposition)\r\n\r\n\($0.content)\r\n" }
            .joined() + "--b--\r\n"
    }

    private func client(_ options: MultipartOptions = MultipartOptions()) throws -> MemoryClient {
        try MemoryClient { app in
            app.post("/list") { request async throws -> String in
                var list: [String] = []
                for try await part in try request.multipart(options) {
                    list.append("\(part.name)|\(part.filename ?? "-")|\(try await part.text())")
                }
                return list.joined(separator: "\n")
            }
            app.post("/skip") { request async throws -> String in
                var names: [String] = []
                for try await part in try request.multipart(options) { names.append(part.name) }
                return names.joined(separator: ",")
            }
            app.post("/late") { request async throws -> String in
                var first: MultipartPart?
                for try await part in try request.multipart() { first = first ?? part }
                do {
                    return try await first?.text() ?? ""
                } catch {
                    return "\(error)"
                }
            }
            app.post("/small") { request async throws -> String in
                for try await part in try request.multipart() { _ = try await part.collect(upTo: 3) }
                return "small"
            }
        }
    }

    @Test("names, files' names as clients write them, and content")
    func names() async throws {
        let body = Self.body(
            ("name=\"a\"", "one"), ("name=\"b%22\"; filename=\"C:\\x\\y.txt\"", "two\r\n"),
            ("filename*=UTF-8''na%C3%AFve.txt; filename=\"x\"; name=c", ""), ("name=\"d\"; filename=\"\"", "")
        )
        #expect(
            try await client().ask(.post, "/list", type: Self.type, body: body)
                == "200 a|-|one\nb\"|C:\\x\\y.txt|two\r\n\nc|naïve.txt|\nd||")
    }

    @Test("parts that nobody reads are skipped, and can't be read later")
    func skipping() async throws {
        let body = Self.body(("name=a", String(repeating: "x", count: 100_000)), ("name=b", "y"))
        #expect(try await client().ask(.post, "/skip", type: Self.type, body: body) == "200 a,b")
        #expect(try await client().ask(.post, "/late", type: Self.type, body: body) == "200 skipped")
    }

    @Test("limits of parts, of a part and of the whole name themselves")
    func limits() async throws {
        var options = MultipartOptions()
        options.parts = 1
        options.partBytes = 10
        options.totalBytes = 200
        let client = try client(options)
        func ask(_ body: String) async -> String {
            await client.ask(.post, "/skip", type: Self.type, body: body)
        }
        #expect(await ask(Self.body(("name=a", "0123456789"))) == "200 a")
        #expect(
            await ask(Self.body(("name=a", "0123456789+")))
                == "413 limit multipart partBytes: more than 10 bytes")
        #expect(
            await ask(Self.body(("name=a", ""), ("name=b", "")))
                == "413 limit multipart parts: more than 1 parts")
        let long = Self.body(("name=a", "")) + String(repeating: "x", count: 200)
        #expect(await ask(long) == "413 limit multipart totalBytes: more than 200 bytes")
        let small = Self.body(("name=a", "1234"))
        #expect(
            await client.ask(.post, "/small", type: Self.type, body: small)
                == "413 the part a exceeds 3 bytes")
    }

    @Test("what is malformed is 400, another type 415")
    func refusals() async throws {
        let client = try client()
        func ask(_ type: String?, _ body: String) async -> String {
            String(await client.ask(.post, "/skip", type: type, body: body).prefix(12))
        }
        #expect(await ask("text/plain", "x") == "415 unsuppor")
        #expect(await ask("multipart/form-data", "x") == "400 RFC 2046")
        #expect(await ask("multipart/form-data; boundary=\"a\u{7}\"", "x") == "400 RFC 2046")
        #expect(await ask(Self.type, "") == "400 RFC 2046")
        #expect(
            await ask(Self.type, "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx") == "400 RFC 2046")
        #expect(await ask(Self.type, "--b\r\n\r\nx\r\n--b--") == "400 RFC 7578")
        #expect(
            await ask(Self.type, "--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--")
                == "400 RFC 7578")
    }

    @Test("a small form with files becomes a value, or is looked at field by field")
    func forms() async throws {
        struct Upload: Codable {
            var title: String, tags: [String], picture: UploadedFile, raw: Data, absent: UploadedFile?
            var more: [UploadedFile]
        }
        let client = try MemoryClient { app in
            app.post("/decode") { request async throws -> String in
                let form = try await request.decodeForm(Upload.self)
                return
                    "\(form.title) \(form.tags) \(form.picture.filename) \(form.picture.content) \(form.raw.count) "
                    + "\(form.absent == nil) \(form.more.map(\.filename))"
            }
            app.post("/form") { request async throws -> String in
                let form = try await request.form()
                return
                    "\(form["title"] ?? "-") \(form["picture"] ?? "-") \(form.file("picture")?.content.count ?? 0) "
                    + "\(form.values(of: "tags[]")) \(form.files(of: "title").count) \(form.fields.count)"
            }
        }
        let body = Self.body(
            ("name=title", "x y"), ("name=\"tags[]\"", "a"), ("name=\"tags[]\"", "b"),
            ("name=picture; filename=p.png", "\u{1}\u{2}"),
            ("name=raw; filename=r", "123"), ("name=absent; filename=\"\"", ""),
            ("name=more; filename=1", ""), ("name=more; filename=2", ""))
        #expect(
            await client.ask(.post, "/decode", type: Self.type, body: body)
                == #"200 x y ["a", "b"] p.png [1, 2] 3 true ["1", "2"]"#)
        #expect(
            await client.ask(.post, "/form", type: Self.type, body: body) == #"200 x y - 2 ["a", "b"] 0 8"#)
        let wrong = body.replacing("; filename=p.png", with: "")
        #expect(
            await client.ask(.post, "/decode", type: Self.type, body: wrong)
                == "400 invalid form: picture: a file is wanted")
    }

    @Test("files' names are made harmless")
    func filenames() {
        for (name, safe) in [
            ("a.txt", "a.txt"), ("../../etc/passwd", "passwd"), ("C:\\x\\y.txt", "y.txt"), ("/a/b/", "b"),
            ("..", nil),
            (".htaccess", "htaccess"), ("a\u{0}b\r\nc", "abc"), ("", nil), ("a:b", "ab"),
            ("\u{202E}gpj.exe", "gpj.exe"), ("...", nil),
        ] as [(String, String?)] { #expect(Filename.safe(name) == safe, "\(name)") }
        #expect(Filename.safe(String(repeating: "é", count: 300))?.utf8.count == 200)
    }

    @Test("a part is saved to a new file, which goes when the client does, and never replaces one")
    func saving() async throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/upload"
        try await withServer { app in
            app.post("/save") { request async throws -> String in
                var count = 0
                for try await part in try request.multipart() { count += try await part.save(to: path) }
                return "\(count)"
            }
        } _: { server in
            let content = String(repeating: "0123456789", count: 50_000)
            let body = Self.body(("name=f; filename=x", content))
            let head =
                "POST /save HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: \(Self.type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
            // Cut off first: the file must be gone, or the next one would fail.
            let cut = try RawClient(port: server.port)
            try await cut.send(head + String(body.prefix(200_000)))
            try await waitUntil { FileManager.default.fileExists(atPath: path) }
            cut.finish()
            _ = try await cut.readToEnd()
            try await waitUntil { !FileManager.default.fileExists(atPath: path) }
            #expect(try await exchange(server, head + body).hasSuffix("\r\n\r\n500000"))
            #expect(try String(contentsOfFile: path, encoding: .utf8) == content)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(try await exchange(server, head + body).hasPrefix("HTTP/1.1 500"))
            #expect(try String(contentsOfFile: path, encoding: .utf8) == content)
        }
    }

    @Test("a part that isn't read withholds the client's window")
    func backpressure() async throws {
        let isReading = Gate()
        try await withServer { app in
            app.post("/wait") { request async throws -> String in
                var count = 0
                for try await part in try request.multipart() {
                    await isReading.wait()
                    for try await piece in part.body { count += piece.count }
                }
                return "\(count)"
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            let sent = Lock(0)
            let sending = Task {
                try await client.send(
                    "POST /wait HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: \(Self.type)\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                func chunk(_ text: String) -> String {
                    String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n"
                }
                try await client.send(chunk("--b\r\nContent-Disposition: form-data; name=f\r\n\r\n"))
                for _ in 0..<320 {
                    try await client.send(chunk(String(repeating: "x", count: 65_536)))
                    sent.withLock { $0 += 1 }
                }
                try await client.send(chunk("\r\n--b--") + "0\r\n\r\n")
            }
            try await Task.sleep(for: .milliseconds(500))
            #expect(sent.withLock { $0 } < 320, "20 MiB fit into no socket's buffers")
            isReading.open()
            #expect(try await client.readToEnd().hasSuffix("\r\n\r\n\(320 * 65_536)"))
            try await sending.value
        }
    }
}
