import Logging
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("The access log (H13)")
struct AccessLogTests {
    private final class Lines: Sendable {
        let all = Lock<[Logger.Metadata]>([])
    }

    private struct Handler: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = event.metadata ?? [:]
            lines.all.withLock { $0.append(metadata) }
        }
    }

    @Test("there is one line for each request, with its method, raw path, status and bytes, also for errors")
    func lines() async throws {
        let lines = Lines()
        let memory = try InMemory { app in
            app.use(AccessLog(logger: Logger(label: "test") { _ in Handler(lines: lines) }))
            app.get("/a b") { _ in "12345" }
            app.get("/stream") { _ in Response(body: .stream { _ in }) }
            app.get("/fails") { _ -> String in throw CancellationError() }
        }
        for target in ["/a%20b?secret=1", "/stream", "/fails", "/nowhere"] {
            _ = try await memory.respond("GET", target)
        }
        let all = lines.all.withLock { $0 }
        #expect(all.map { $0["path"] } == ["/a%20b", "/stream", "/fails", "/nowhere"])
        #expect(all.map { $0["status"] } == ["200", "200", "500", "404"])
        #expect(all.map { $0["bytes"] } == ["5", nil, nil, nil])
        #expect(all.allSatisfy { $0["method"] == "GET" && $0["milliseconds"] != nil && $0["remote"] == nil })
    }

    @Test("a live request's line has the peer's address")
    func remote() async throws {
        let lines = Lines()
        func routes(_ app: Application) {
            app.use(AccessLog(logger: Logger(label: "test") { _ in Handler(lines: lines) }))
            app.get("/") { _ in "" }
        }
        try await withServer(routes: routes) { server in
            _ = try await exchange(server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        }
        let remote = lines.all.withLock { $0.first?["remote"] }
        #expect("\(remote ?? "")".hasPrefix("127.0.0.1:"))
    }
}
