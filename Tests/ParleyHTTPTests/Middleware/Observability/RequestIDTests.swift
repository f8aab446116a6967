import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite("Request ids")
struct RequestIDTests {
    private func memory(_ middleware: RequestID) throws -> InMemory {
        try InMemory { app in
            app.use(middleware)
            app.get("/") { request in request.id }
            app.get("/fails") { _ -> String in throw Failure() }
        }
    }

    @Test("an id is the handler's and the response's, errors included, and another for each request")
    func made() async throws {
        let memory = try memory(RequestID())
        var ids: Set<String> = []
        for _ in 0..<100 {
            let response = try await memory.respond("GET", "/", [.xRequestID: "theirs"])
            #expect(response.headers[.xRequestID] == response.text)
            #expect(response.text.wholeMatch(of: /[0-9a-f]{32}/) != nil)
            ids.insert(response.text)
        }
        #expect(ids.count == 100)
        for path in ["/fails", "/nowhere"] {
            #expect(try await memory.respond("GET", path).headers[.xRequestID]?.count == 32)
        }
    }

    @Test("a client's id is taken over only where it is trusted, and valid")
    func trusted() async throws {
        let memory = try memory(RequestID(trustsClient: true))
        #expect(try await memory.respond("GET", "/", [.xRequestID: "a-B.9_/+=:@~"]).text == "a-B.9_/+=:@~")
        for id in ["", "a b", "a\u{e9}", "a\"", "a,b", String(repeating: "x", count: 129)] {
            #expect(try await memory.respond("GET", "/", [.xRequestID: id]).text.count == 32)
        }
    }

    @Test("ids of the application's own")
    func custom() async throws {
        let name = try #require(HTTPField.Name("X-Trace"))
        let memory = try memory(RequestID(header: name) { request in "for \(request.rawPath)" })
        #expect(try await memory.respond("GET", "/").headers[name] == "for /")
    }

    @Test("a WebSocket's handshake has an id, over HTTP/2 too")
    func upgrades() async throws {
        func routes(_ app: Application) {
            app.use(RequestID(trustsClient: true))
            app.webSocket("/socket") { _ in }
            app.get("/") { request in request.id }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/socket", fields: "X-Request-ID: mine\r\n")
            #expect(client.head.lowercased().contains("x-request-id: mine\r\n"))
            let other = try HTTP2Client(server)
            let stream = try await other.openWebSocket("/socket")
            #expect(other.peer.streams[stream]?["x-request-id"]?.count == 32)
            let plain = try await other.exchange("GET", "/", fields: [("x-request-id", "two")])
            #expect(plain["x-request-id"] == "two" && plain.text == "two")
        }
    }
}
