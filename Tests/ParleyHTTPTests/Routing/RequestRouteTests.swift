import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite("What a request knows of its route")
struct RequestRouteTests {
    @Test(
        "the route is the pattern with its groups' prefixes, for middleware too; nil where no route answers")
    func route() async throws {
        let memory = try InMemory { app in
            app.use { request, next in
                var response = try await next(request)
                response.headers[.server] = request.route
                return response
            }
            app.get("") { $0.route }
            app.get("health") { $0.route }
            app.group("/api/").group("users").get(":id") { $0.route }
            app.get("/files/**") { $0.route }
            app.get("/any/*") { _ async in "" }
        }
        for (path, route) in [
            ("/", "/"), ("/health", "/health"), ("/api/users/7?x=1", "/api/users/:id"),
            ("/files/a/b", "/files/**"),
        ] {
            let response = try await memory.respond("GET", path)
            #expect(response.text == route && response.headers[.server] == route)
        }
        #expect(try await memory.respond("HEAD", "/any/x").headers[.server] == "/any/*")
        let unanswered = try InMemory { app in
            app.use { request, _ in .text(request.route ?? "none") }
            app.get("/there") { _ in "" }
        }
        #expect(try await unanswered.respond("GET", "/nowhere").text == "none")
        #expect(try await unanswered.respond("POST", "/there").text == "none")
    }

    @Test("fields that middleware adds to whatever comes back reach responses and all kinds of errors")
    func fields() async throws {
        let memory = try InMemory { app in
            for name in ["outer", "inner"] {
                app.use { request, next in
                    try await next(request) { $0.append(HTTPField(name: .via, value: name)) }
                }
            }
            app.get("/fine") { _ in "" }
            app.get("/refuses") { _ -> String in throw HTTPError(.gone) }
            app.get("/fails") { _ -> String in throw Failure() }
        }
        for path in ["/fine", "/refuses", "/fails"] {
            let values = try await memory.respond("GET", path).headers[values: .via]
            #expect(values == ["inner", "outer"])
        }
    }
}
