import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("Middleware behind middleware")
struct CombinationTests {
    private func gzipped(_ count: Int) throws -> [UInt8] {
        try Compressed.bytes([UInt8](repeating: 0x61, count: count))
    }

    private func post(_ server: RunningServer, _ target: String, _ body: [UInt8]) async throws -> String {
        let client = try RawClient(port: server.port)
        let head =
            "POST \(target) HTTP/1.1\r\nHost: a\r\nConnection: close\r\nOrigin: https://b.example\r\n"
            + "Content-Encoding: gzip\r\nContent-Length: \(body.count)\r\n\r\n"
        try await client.send(Array(head.utf8) + body)
        return try await client.readToEnd()
    }

    @Test("a body limit counts what decompression makes")
    func bodyLimit() async throws {
        try await withServer { app in
            app.use(Decompression(), BodyLimit(1000))
            app.post("/collect") { request in "\(try await request.body.collect().count)" }
            app.post("/pieces") { request in
                var count = 0
                for try await piece in request.body { count += piece.count }
                return "\(count)"
            }
        } _: { server in
            for path in ["/collect", "/pieces"] {
                let whole = try await post(server, path, gzipped(1000))
                #expect(whole.hasSuffix("\r\n\r\n1000"))
                let tooLong = try await post(server, path, gzipped(1001))
                #expect(tooLong.hasPrefix("HTTP/1.1 413 "))
            }
        }
    }

    @Test("a decompressed request is the same request: its route, its id, and what errors carry")
    func decompressedRequest() async throws {
        try await withServer { app in
            app.use(RequestID(), Decompression(), CORS(.allow(["https://b.example"])))
            app.post("/users/:id") { request in "\(request.route ?? "none") \(request.id)" }
            app.post("/crash") { _ -> String in throw CookieError(name: "", rule: "any error") }
        } _: { server in
            let answer = try await post(server, "/users/7", gzipped(10))
            let id = try #require(answer.firstMatch(of: /(?i)x-request-id: (\S+)/)?.output.1)
            #expect(answer.hasSuffix("/users/:id \(id)"))
            let failed = try await post(server, "/crash", gzipped(10))
            #expect(failed.hasPrefix("HTTP/1.1 500 ") && failed.contains("https://b.example"))
        }
    }

    @Test("an error page has no fields of the content that it takes the place of")
    func replacedContent() async throws {
        let client = try MemoryClient { app in
            app.use(ErrorPages(replacesContent: true))
            app.get("/coded") { _ in
                Response(
                    status: .notFound,
                    headers: [
                        .contentEncoding: "br", .eTag: "\"x\"", .contentLanguage: "de", .allow: "GET",
                        .contentDisposition: "attachment",
                    ], body: .bytes([1, 2, 3]))
            }
        }
        let headers = await client.respond(.get, "/coded").headers
        #expect(headers[.contentEncoding] == nil && headers[.eTag] == nil && headers[.contentLanguage] == nil)
        #expect(headers[.contentDisposition] == nil && headers[.allow] == "GET")
    }

    @Test("parts and unchanged answers say that the whole may be compressed")
    func variants() async throws {
        let client = try MemoryClient { app in
            app.use(Compression())
            app.get("/part") { _ in Response(status: .partialContent, body: .bytes([1])) }
            app.get("/same") { _ in Response(status: .notModified, headers: [.eTag: "\"x\""]) }
        }
        for path in ["/part", "/same"] {
            #expect(await client.respond(.get, path).headers[.vary] == "Accept-Encoding")
        }
    }

    @Test("no address forges a line of the access log")
    func forgedAddress() async throws {
        let lines = Outcomes()
        let app = Application(logger: .silent)
        app.use(AccessLog(format: .combined { line in lines.all.withLock { $0.append(line) } }))
        app.get("/") { _ in "hello" }
        let group = try EventLoopGroup(count: 1)
        let address = SocketAddress(unixPath: "/a\n192.0.2.1 - - ")
        let response = await app.respond(
            to: Request(target: "/", loop: group.loops[0], remoteAddress: address))
        #expect(response.status == .ok)
        let line = try #require(lines.all.withLock { $0.first })
        #expect(line.hasPrefix(#"/a\x0A192.0.2.1"#) && !line.contains("\n"))
        await group.shutdown()
    }

    @Test("a preflight of a policy that allows no fields names none")
    func noAllowedFields() async throws {
        let client = try MemoryClient { app in
            app.use(CORS(.allow(["https://b.example"]), headers: []))
            app.put("/") { _ in "put" }
        }
        let response = await client.respond(
            .options, "/",
            headers: [
                .origin: "https://b.example", .accessControlRequestMethod: "PUT",
                .accessControlRequestHeaders: "x-a",
            ])
        #expect(response.headers[.accessControlAllowOrigin] == "https://b.example")
        #expect(response.headers[.accessControlAllowHeaders] == nil)
    }

    @Test(
        "what is no origin is none",
        arguments: ["https://[evil]..b.example", "https://a..b", "https://.b", "https://b.", "https://[]"])
    func malformedOrigins(text: String) {
        #expect(OriginPattern(text) == nil)
        #expect(OriginPattern("https://[::1]:8080") != nil && OriginPattern("https://a-b.c_d.example") != nil)
    }

    @Test("a client that went away is no failure of the handler")
    func goneClients() {
        #expect(HTTPResponse.Status(ofThrown: CancellationError()).code == 499)
        #expect(HTTPResponse.Status(ofThrown: RequestBodyError.connectionClosed).code == 499)
        #expect(HTTPResponse.Status(ofThrown: HTTPError(.notFound)) == .notFound)
        #expect(HTTPResponse.Status(ofThrown: SessionError.noMiddleware) == .internalServerError)
    }

    @Test("a negative limit is none that can be kept, and traps nothing")
    func negativeLimit() async throws {
        let client = try MemoryClient { app in
            app.post("/") { request in try await request.body.collect(upTo: .min) }
        }
        #expect(await client.respond(.post, "/", body: "x").status == .contentTooLarge)
    }

    @Test("a write that nobody waited for hears that the body has ended")
    func abandonedWrite() async throws {
        let ended = Outcomes()
        try await withServer { app in
            app.get("/") { _ in
                Response(
                    body: .stream { writer in
                        Task {
                            do {
                                for _ in 0..<100 {
                                    try await writer.write([UInt8](repeating: 0, count: 1 << 16))
                                }
                            } catch { ended.all.withLock { $0.append("\(error)") } }
                        }
                        try await Task.sleep(for: .milliseconds(300))
                    })
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            // The client reads nothing meanwhile: the write waits for room when the producer returns.
            try await Task.sleep(for: .milliseconds(600))
            _ = try await client.readToEnd()
            for _ in 0..<200 where ended.all.withLock({ $0.isEmpty }) {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(ended.all.withLock { $0 } == ["connectionClosed"])
        }
    }
}

/// What became of tasks.
private final class Outcomes: Sendable {
    let all = Lock<[String]>([])
}
