import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite("CORS")
struct CORSTests {
    private let origin = "https://app.example.org"

    private func memory(_ cors: CORS) throws -> InMemory {
        try InMemory { app in
            app.use(cors)
            app.get("/open") { _ in Response(headers: [.vary: "Accept"], body: .bytes([1])) }
            let closed = app.group("/closed").use(BasicAuth(users: ["ada": "secret"]))
            closed.put("/item") { _ in "ok" }
            app.get("/fails") { _ -> String in throw Failure() }
            app.get("/refuses") { _ -> String in throw HTTPError(.forbidden) }
            app.get("/answers") { _ in Response(status: .conflict) }
        }
    }

    private var preflight: HTTPFields {
        [
            .origin: origin, .accessControlRequestMethod: "PUT",
            .accessControlRequestHeaders: "authorization, x-other",
        ]
    }

    @Test("a preflight is answered, though the route has no OPTIONS and asks for credentials")
    func preflights() async throws {
        let memory = try memory(CORS(.allow([origin], credentials: true), maxAge: .seconds(60)))
        let response = try await memory.respond("OPTIONS", "/closed/item", preflight)
        #expect(response.status == .noContent)
        #expect(response.headers[.accessControlAllowOrigin] == origin)
        #expect(response.headers[.accessControlAllowCredentials] == "true")
        #expect(response.headers[.accessControlAllowMethods] == "GET, HEAD, POST, PUT, PATCH, DELETE")
        #expect(response.headers[.accessControlAllowHeaders] == "authorization, x-other")
        #expect(response.headers[.accessControlMaxAge] == "60")
        #expect(
            response.headers[.vary] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        )
        let privateNetwork = try #require(HTTPField.Name("Access-Control-Allow-Private-Network"))
        #expect(response.headers[privateNetwork] == nil)
    }

    @Test("a preflight of another origin is answered without any permission")
    func refusedPreflight() async throws {
        for cors in [CORS(), CORS(.allow(["https://other.example"]))] {
            let response = try await memory(cors).respond("OPTIONS", "/closed/item", preflight)
            #expect(response.status == .noContent)
            #expect(response.headers[.vary]?.hasPrefix("Origin") == true)
            #expect(response.headers.allSatisfy { !$0.name.canonicalName.hasPrefix("access-control") })
        }
    }

    @Test("a group's middleware answers the preflights of its routes, and of no others")
    func groups() async throws {
        let memory = try InMemory { app in
            let open = app.group("/open").use(CORS(.allow([origin])))
            open.group("/closed").use(BasicAuth(users: ["ada": "secret"])).put("/:id") { _ in "" }
            app.post("/open/closed/:id") { _ in "" }
        }
        let response = try await memory.respond("OPTIONS", "/open/closed/7", preflight)
        #expect(response.status == .noContent && response.headers[.accessControlAllowOrigin] == origin)
        var other = preflight
        for method in ["POST", "DELETE", "b@d", ""] {
            other[.accessControlRequestMethod] = method
            let refused = try await memory.respond("OPTIONS", "/open/closed/7", other)
            #expect(refused.status == .noContent && refused.headers[.accessControlAllowOrigin] == nil)
        }
    }

    @Test("an OPTIONS that is no preflight is the application's")
    func options() async throws {
        let memory = try memory(CORS(.any))
        let response = try await memory.respond("OPTIONS", "/open", [.origin: origin])
        #expect(response.headers[.allow] == "GET, HEAD, OPTIONS")
        #expect(response.headers[.accessControlAllowOrigin] == origin)
    }

    @Test(
        "every answer has the fields, whatever made it",
        arguments: [
            ("GET", "/open", 200), ("GET", "/fails", 500), ("GET", "/refuses", 403), ("GET", "/nowhere", 404),
            ("PUT", "/open", 405), ("GET", "/answers", 409), ("PUT", "/closed/item", 401),
        ])
    func answers(_ method: String, _ path: String, _ status: Int) async throws {
        let cors = CORS(.allow([origin]), exposedHeaders: [.eTag, .location])
        let memory = try memory(cors)
        let response = try await memory.respond(method, path, [.origin: origin])
        #expect(response.status.code == status)
        #expect(response.headers[.accessControlAllowOrigin] == origin)
        #expect(response.headers[.accessControlAllowCredentials] == nil)
        #expect(response.headers[.accessControlExposeHeaders] == "ETag, Location")
        #expect(response.headers[.vary] == (path == "/open" && status == 200 ? "Accept, Origin" : "Origin"))
        let other = try await memory.respond(method, path, [.origin: "https://evil.example"])
        #expect(other.status.code == status)
        #expect(other.headers[.accessControlAllowOrigin] == nil)
        #expect(other.headers[.vary]?.contains("Origin") == true)
        let none = try await memory.respond(method, path)
        #expect(none.headers[.accessControlAllowOrigin] == nil)
        #expect(none.headers[.vary]?.contains("Origin") == true)
    }

    @Test("an error that somebody further out makes another of keeps the fields")
    func translated() async throws {
        let memory = try InMemory { app in
            app.use { request, next in
                do {
                    return try await next(request)
                } catch is Failure {
                    throw HTTPError(.conflict, headers: [.vary: "Accept"])
                }
            }
            app.use(CORS(.any))
            app.get("/fails") { _ -> String in throw Failure() }
        }
        let response = try await memory.respond("GET", "/fails", [.origin: origin])
        #expect(response.status == .conflict)
        #expect(response.headers[.accessControlAllowOrigin] == origin)
        #expect(response.headers[.vary] == "Accept, Origin")
    }

    @Test("a refused WebSocket's answer has the fields; preflights work over HTTP/2")
    func live() async throws {
        func routes(_ app: Application) {
            app.use(CORS(.any))
            app.webSocket("/socket") { _ in }
            app.put("/item") { _ in "" }
        }
        try await withServer(routes: routes) { server in
            let handshake = WebSocketClient.handshake("/socket", fields: "Origin: \(origin)\r\n")
            let client = try RawClient(port: server.port)
            try await client.send(handshake)
            let refused = try await client.read(until: "may not connect")
            #expect(refused.hasPrefix("HTTP/1.1 403"))
            #expect(refused.lowercased().contains("access-control-allow-origin: \(origin)\r\n"))
            let fields = [("origin", origin), ("access-control-request-method", "PUT")]
            let answer = try await HTTP2Client(server).exchange("OPTIONS", "/item", fields: fields)
            #expect(answer.status == "204" && answer["access-control-allow-origin"] == origin)
            #expect(answer["access-control-allow-headers"] == nil)
        }
    }
}
