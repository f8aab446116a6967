import HTTPTypes
import Logging
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("The access log")
struct AccessLogTests {
    private func respond(_ log: AccessLog, _ targets: [String], _ headers: HTTPFields = [:]) async throws {
        let memory = try InMemory { app in
            app.use(log)
            app.get("/a b") { _ in "12345" }
            app.get("/stream") { _ in Response(body: .stream { _ in }) }
            app.get("/fails") { _ -> String in throw CancellationError() }
        }
        for target in targets { _ = try await memory.respond("GET", target, headers, from: "192.0.2.1") }
    }

    @Test("there is one line for each request, with its method, raw path, status and bytes, also for errors")
    func lines() async throws {
        let lines = LogLines()
        try await respond(
            AccessLog(logger: lines.logger), ["/a%20b?secret=1", "/stream", "/fails", "/nowhere"])
        let all = lines.all.map(\.metadata)
        #expect(all.map { $0["path"] } == ["/a%20b", "/stream", "/fails", "/nowhere"])
        #expect(all.map { $0["status"] } == ["200", "200", "500", "404"])
        #expect(all.map { $0["bytes"] } == ["5", "0", nil, nil])
        #expect(all.allSatisfy { $0["method"] == "GET" && $0["milliseconds"] != nil })
        #expect(all.allSatisfy { $0["remote"] == "192.0.2.1:9" })
        #expect(Set(all.compactMap { $0["request-id"] }).count == 4)
    }

    @Test(
        "without a logger of its own it uses the application's, and the lines of one request have the same id"
    )
    func correlation() async throws {
        let lines = LogLines()
        let memory = try InMemory(logger: lines.logger) { app in
            app.use(AccessLog(), RequestID())
            app.get("/fails") { request -> String in
                request.logger.info("in the handler")
                throw Failure()
            }
        }
        let response = try await memory.respond("GET", "/fails")
        #expect(lines.all.map(\.message) == ["in the handler", "request", "handler failed"])
        let id = try #require(response.headers[.xRequestID])
        #expect(lines.all.allSatisfy { $0.metadata["request-id"] == id })
        #expect(!response.text.contains("hunter2"))
    }

    @Test("a logger that middleware sets is the one that the handler gets")
    func ownLogger() async throws {
        let lines = LogLines()
        let memory = try InMemory(logger: lines.logger) { app in
            app.use { request, next in
                var request = request
                request.logger[metadataKey: "user"] = "ada"
                return try await next(request)
            }
            app.get("/") { request in
                request.logger.info("hello")
                return request.id
            }
        }
        let response = try await memory.respond("GET", "/")
        #expect(lines.all.map(\.metadata) == [["user": "ada", "request-id": response.text]])
    }

    @Test("a streamed body's line comes at its end, with the bytes that were written; HEAD has none")
    func streamed() async throws {
        let lines = LogLines()
        func routes(_ app: Application) {
            app.use(AccessLog(logger: lines.logger))
            app.get("/stream") { _ in
                Response(
                    body: .stream { writer in
                        try await writer.write([1, 2, 3])
                        #expect(lines.all.isEmpty)
                        try await writer.write([4])
                        try await writer.setTrailers([.contentLanguage: "en"])
                    })
            }
        }
        try await withServer(routes: routes) { server in
            let answer = try await exchange(
                server, "GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(answer.hasSuffix("Content-Language: en\r\n\r\n"))
            _ = try await exchange(
                server, "HEAD /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try await lines.wait(for: 2).map { $0.metadata["bytes"] } == ["4", "0"])
        }
    }

    @Test("a live request's line has the peer's address, version and upgrade")
    func remote() async throws {
        let lines = LogLines()
        func routes(_ app: Application) {
            app.use(AccessLog(logger: lines.logger))
            app.webSocket("/socket") { _ in }
            app.get("/") { _ in "" }
        }
        try await withServer(routes: routes) { server in
            _ = try await WebSocketClient(server, "/socket")
            _ = try await HTTP2Client(server).exchange("GET", "/")
        }
        let all = lines.all.map(\.metadata)
        #expect(all.map { $0["version"] } == ["HTTP/1.1", "HTTP/2"])
        #expect(all.map { $0["upgrade"] } == ["websocket", nil])
        #expect(all.map { $0["status"] } == ["101", "200"])
        #expect(all.allSatisfy { $0["remote"]?.hasPrefix("127.0.0.1:") == true })
    }

    @Test("fields that are asked for are logged, and requests that are skipped are not")
    func options() async throws {
        let lines = LogLines()
        let log = AccessLog(logger: lines.logger, level: .notice, fields: [.userAgent]) { request, status in
            request.rawPath == "/nowhere" && status == .notFound
        }
        try await respond(log, ["/a%20b", "/nowhere"], [.userAgent: "test"])
        #expect(lines.all.map { $0.metadata["user-agent"] } == ["test"])
        #expect(lines.all.map(\.level) == [.notice])
    }

    @Test("the Combined Log Format, which nobody can forge a line of")
    func combined() async throws {
        let written = Lock<[String]>([])
        let log = AccessLog(format: .combined { line in written.withLock { $0.append(line) } })
        try await respond(
            log, ["/a%20b?secret=1"], [.userAgent: "a\"b\\c\u{e9}", .referer: "https://x.example/"])
        let line = try #require(written.withLock { $0.first })
        let expected = /192\.0\.2\.1 - - \[\d\d\/[A-Z][a-z][a-z]\/\d{4}:\d\d:\d\d:\d\d \+0000\] (.+)/
        let rest = try #require(line.wholeMatch(of: expected)?.1)
        #expect(rest == #""GET /a%20b HTTP/1.1" 200 5 "https://x.example/" "a\x22b\x5Cc\xC3\xA9""#)
    }

    @Test("a format of the application's own is the logger's message")
    func custom() async throws {
        let lines = LogLines()
        let format = AccessLogFormat.custom { "\($0.status.code) \($0.request.route ?? "-")" }
        try await respond(AccessLog(logger: lines.logger, format: format), ["/a%20b", "/nowhere"])
        #expect(lines.all.map(\.message) == ["200 /a b", "404 -"])
    }
}
