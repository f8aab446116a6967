import CoreMetrics
import HTTPTypes
import MetricsTestKit
import Testing

@testable import ParleyHTTP

@Suite("Metrics of requests")
struct HTTPMetricsTests {
    private let metrics = TestMetrics()

    private func routes(_ app: Application) {
        app.use(HTTPMetrics(factory: metrics))
        app.get("/users/:id") { _ in "12345" }
        app.post("/upload") { request in try await request.body.collect().count.description }
        app.get("/fails") { _ -> String in throw Failure() }
        app.get("/stream") { _ in
            Response(
                body: .stream { writer in
                    #expect(active == 1)
                    try await writer.write([1, 2, 3])
                })
        }
        app.webSocket("/socket") { socket in
            for try await message in socket { try await socket.send(message) }
        }
    }

    private var active: Double? {
        metrics.meters(label: "http.server.active_requests").first {
            $0.dimensions.contains { $0.1 == "GET" }
        }?
        .lastValue
    }

    private var durations: [[String: String]] {
        metrics.timers(label: "http.server.request.duration").map { timer in
            Dictionary(timer.dimensions) { $1 }
        }
    }

    @Test(
        "duration and sizes by method, route, status and version; the raw path and unknown methods are no labels"
    )
    func labels() async throws {
        let memory = try InMemory(routes)
        for id in 0..<3 { _ = try await memory.respond("GET", "/users/\(id)") }
        _ = try await memory.respond("POST", "/upload", body: [1, 2, 3])
        _ = try await memory.respond("BREW", "/users/1")
        _ = try await memory.respond("GET", "/fails")
        _ = try await memory.respond("GET", "/nowhere/1")
        _ = try await memory.respond("GET", "/nowhere/2")
        let common = ["url.scheme": "http", "network.protocol.version": "1.1"]
        let expected: Set<[String: String]> = [
            ["http.request.method": "GET", "http.route": "/users/:id", "http.response.status_code": "200"],
            ["http.request.method": "POST", "http.route": "/upload", "http.response.status_code": "200"],
            ["http.request.method": "_OTHER", "http.response.status_code": "405"],
            [
                "http.request.method": "GET", "http.route": "/fails", "http.response.status_code": "500",
                "error.type": "500",
            ],
            ["http.request.method": "GET", "http.response.status_code": "404"],
        ]
        #expect(Set(durations) == Set(expected.map { $0.merging(common) { $1 } }))
        let timers = metrics.timers(label: "http.server.request.duration")
        #expect(timers.allSatisfy { $0.displayUnit == .seconds && $0.values.allSatisfy { $0 > 0 } })
        let users = try #require(timers.first { $0.dimensions.contains { $0.1 == "/users/:id" } })
        #expect(users.values.count == 3)
        let sizes = metrics.recorders(label: "http.server.response.body.size")
        #expect(sizes.first { $0.dimensions.contains { $0.1 == "/users/:id" } }?.values == [5, 5, 5])
        let uploads = metrics.recorders(label: "http.server.request.body.size")
        #expect(uploads.first { $0.dimensions.contains { $0.1 == "/upload" } }?.values == [3])
        #expect(active == 0)
    }

    @Test("a streamed response is active to its end, an upgrade to its head; HTTP/2 is version 2")
    func live() async throws {
        try await withServer(routes: routes) { server in
            _ = try await HTTP2Client(server).exchange("GET", "/stream")
            for _ in 0..<500 where active != 0 { try await Task.sleep(for: .milliseconds(10)) }
            let client = try await WebSocketClient(server, "/socket")
            try await client.send("x")
            _ = try await client.read()
            #expect(active == 0)
        }
        let stream = try #require(durations.first { $0["http.route"] == "/stream" })
        #expect(stream["network.protocol.version"] == "2")
        let sizes = metrics.recorders(label: "http.server.response.body.size")
        #expect(sizes.first { $0.dimensions.contains { $0.1 == "/stream" } }?.values == [3])
        let socket = try #require(durations.first { $0["http.route"] == "/socket" })
        #expect(socket["http.response.status_code"] == "101")
    }
}
