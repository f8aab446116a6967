import HTTPTypes
import InMemoryTracing
import ParleyTransport
import Testing
import Tracing

@testable import ParleyHTTP

@Suite("Traces of requests")
struct HTTPTracingTests {
    private let tracer = InMemoryTracer()

    private func routes(_ app: Application) {
        app.use(HTTPTracing(tracer: tracer, injectsResponse: true) { $0.rawPath == "/health" })
        app.get("/health") { _ in "" }
        app.get("/users/:id") { _ in
            tracer.startSpan("work").end()
            return "ok"
        }
        app.get("/fails") { _ -> String in throw Failure() }
        app.get("/gone") { _ -> String in throw HTTPError(.gone) }
        app.get("/stream") { _ in
            Response(
                body: .stream { writer in
                    tracer.startSpan("piece").end()
                    try await writer.write([1])
                })
        }
        app.webSocket("/socket") { socket in
            for try await _ in socket { tracer.startSpan("message").end() }
        }
    }

    /// The spans that are finished, by name, once there are so many.
    private func spans(_ count: Int) async throws -> [String: FinishedInMemorySpan] {
        for _ in 0..<500 where tracer.finishedSpans.count < count {
            try await Task.sleep(for: .milliseconds(10))
        }
        return Dictionary(tracer.finishedSpans.map { ($0.operationName, $0) }) { $1 }
    }

    @Test(
        "a request is a span by method and route, with the attributes of the semantic conventions, and is current in the handler"
    )
    func span() async throws {
        let memory = try InMemory(routes)
        _ = try await memory.respond(
            "GET", "/users/7?secret=1", [.userAgent: "test"], authority: "example.com:8080",
            from: "192.0.2.1",
            isSecure: true)
        _ = try await memory.respond("GET", "/health")
        let spans = try await spans(2)
        #expect(spans.count == 2)
        let span = try #require(spans["GET /users/:id"])
        #expect(spans["work"]?.parentSpanID == span.spanID)
        #expect(span.kind == .server && span.status == nil && span.errors.isEmpty)
        let expected: SpanAttributes = [
            "http.request.method": "GET", "http.route": "/users/:id", "url.path": "/users/7",
            "url.scheme": "https", "network.protocol.version": "1.1", "server.address": "example.com",
            "server.port": 8080, "client.address": "192.0.2.1", "network.peer.address": "192.0.2.1",
            "network.peer.port": 9, "user_agent.original": "test", "http.response.status_code": 200,
        ]
        #expect(span.attributes == expected)
    }

    @Test("the context comes from the request's fields, and goes into the response's")
    func propagation() async throws {
        let memory = try InMemory(routes)
        let fields = try carrier(trace: "t1", span: "s1")
        let response = try await memory.respond("GET", "/users/7", fields)
        let span = try #require(try await spans(2)["GET /users/:id"])
        #expect(span.traceID == "t1" && span.parentSpanID == "s1")
        let name = try #require(HTTPField.Name("in-memory-span-id"))
        #expect(response.headers[name] == span.spanID)
    }

    private func carrier(trace: String, span: String) throws -> HTTPFields {
        var fields = HTTPFields()
        fields[try #require(HTTPField.Name("in-memory-trace-id"))] = trace
        fields[try #require(HTTPField.Name("in-memory-span-id"))] = span
        return fields
    }

    @Test(
        "server errors are recorded and set the status; the client's are not; made-up methods and paths name no span"
    )
    func errors() async throws {
        let memory = try InMemory(routes)
        _ = try await memory.respond("GET", "/fails")
        _ = try await memory.respond("GET", "/gone")
        _ = try await memory.respond("BREW", "/nowhere/1")
        let spans = try await spans(3)
        #expect(spans["GET /fails"]?.errors.count == 1)
        #expect(spans["GET /fails"]?.status?.code == .error)
        #expect(spans["GET /fails"]?.attributes.get("error.type") == "500")
        #expect(spans["GET /gone"]?.errors.isEmpty == true && spans["GET /gone"]?.status == nil)
        #expect(spans["HTTP"]?.attributes.get("http.request.method_original") == "BREW")
    }

    @Test("the span is current in a streamed body and ends with it, over HTTP/2 as well")
    func streamed() async throws {
        try await withServer(routes: routes) { server in
            _ = try await HTTP2Client(server).exchange("GET", "/stream")
            let spans = try await spans(2)
            let span = try #require(spans["GET /stream"])
            let piece = try #require(spans["piece"])
            #expect(piece.parentSpanID == span.spanID)
            #expect(span.endInstant.nanosecondsSinceEpoch >= piece.endInstant.nanosecondsSinceEpoch)
            #expect(span.attributes.get("network.protocol.version") == "2")
        }
    }

    @Test("what serves a WebSocket is within the span of its handshake")
    func upgrades() async throws {
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/socket")
            try await client.send("x")
            let spans = try await spans(2)
            let span = try #require(spans["GET /socket"])
            #expect(span.attributes.get("http.response.status_code") == 101)
            #expect(spans["message"]?.parentSpanID == span.spanID)
        }
    }
}
