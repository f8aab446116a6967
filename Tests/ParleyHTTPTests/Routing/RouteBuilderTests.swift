import Foundation
import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite("Registration: verbs, groups, middleware, what handlers return")
struct RouteBuilderTests {
    private struct Mark: Middleware {
        let name: String
        func respond(to request: Request, next: Next) async throws -> Response {
            var request = request
            request[[String].self] = (request[[String].self] ?? []) + [name]
            return try await next(request)
        }
    }

    private struct User: Codable { var id: Int }

    @Test("each verb answers its method; HEAD is served from GET; an unknown path is 404")
    func verbs() async throws {
        let memory = try InMemory { app in
            app.get("/x") { _ in "get" }
            app.post("/x") { _ in "post" }
            app.put("/x") { _ in "put" }
            app.patch("/x") { _ in "patch" }
            app.delete("/x") { _ in "delete" }
            app.on(HTTPRequest.Method("PURGE") ?? .get, "/x") { _ in "purge" }
        }
        for verb in ["get", "post", "put", "patch", "delete", "purge"] {
            #expect(try await memory.answer(verb.uppercased(), "/x") == "200 \(verb)")
        }
        #expect(try await memory.answer("HEAD", "/x") == "200 get")
        #expect(try await memory.answer("GET", "/y") == "404 Not Found")
    }

    @Test(
        "a path that exists for other methods is 405 with Allow; OPTIONS is 204 with Allow (RFC 9110 15.5.6, 9.3.7)"
    )
    func otherMethods() async throws {
        let memory = try InMemory { app in
            app.get("/x/:id") { _ in "get" }
            app.post("/x/new") { _ in "post" }
        }
        let refused = try await memory.respond("DELETE", "/x/new")
        #expect(refused.status.code == 405)
        #expect(refused.headers[.allow] == "POST, GET, HEAD, OPTIONS")
        let options = try await memory.respond("OPTIONS", "/x/5")
        #expect(options.status.code == 204)
        #expect(options.headers[.allow] == "GET, HEAD, OPTIONS")
        let all = try await memory.respond("OPTIONS", "*")
        #expect(all.status.code == 204)
        #expect(all.headers[.allow]?.contains("POST") == true)
        #expect(try await memory.respond("OPTIONS", "/y").status.code == 404)
    }

    @Test("what handlers return becomes the response that fits it")
    func values() async throws {
        let memory = try InMemory { app in
            app.get("/string") { _ in "text" }
            app.get("/bytes") { _ in [UInt8]([0x68, 0x69]) }
            app.get("/data") { _ in Data("hi".utf8) }
            app.get("/status") { _ in HTTPResponse.Status.accepted }
            app.get("/user") { _ in User(id: 7) }
            app.get("/users") { _ async in [User(id: 1), User(id: 2)] }
            app.get("/none") { _ in String?.none }
            app.get("/some") { _ in String?.some("some") }
            app.get("/nobody") { _ in User?.none }
            app.get("/somebody") { _ in User?.some(User(id: 3)) }
        }
        #expect(try await memory.answer("GET", "/string") == "200 text")
        #expect(try await memory.answer("GET", "/bytes") == "200 hi")
        #expect(try await memory.answer("GET", "/data") == "200 hi")
        #expect(try await memory.answer("GET", "/status") == "202")
        #expect(try await memory.answer("GET", "/user") == #"200 {"id":7}"#)
        #expect(try await memory.answer("GET", "/users") == #"200 [{"id":1},{"id":2}]"#)
        #expect(try await memory.answer("GET", "/none") == "404 Not Found")
        #expect(try await memory.answer("GET", "/some") == "200 some")
        #expect(try await memory.answer("GET", "/nobody") == "404 Not Found")
        #expect(try await memory.answer("GET", "/somebody") == #"200 {"id":3}"#)
        #expect(try await memory.respond("GET", "/user").headers[.contentType] == "application/json")
        #expect(
            try await memory.respond("GET", "/string").headers[.contentType] == "text/plain; charset=utf-8")
    }

    @Test("an HTTPError is its response; any other error is 500 and says nothing")
    func errors() async throws {
        struct Secret: Error {}
        let memory = try InMemory { app in
            app.get("/teapot") { _ -> String in
                throw HTTPError(.init(code: 418), "short and stout", headers: [.retryAfter: "9"])
            }
            app.get("/secret") { _ async throws -> String in throw Secret() }
            app.get("/:id") { request in "\(try request.parameters.require("id", as: Int.self))" }
        }
        #expect(try await memory.answer("GET", "/teapot") == "418 short and stout")
        #expect(try await memory.respond("GET", "/teapot").headers[.retryAfter] == "9")
        #expect(try await memory.answer("GET", "/secret") == "500 Internal Server Error")
        #expect(try await memory.answer("GET", "/17") == "200 17")
        #expect(try await memory.answer("GET", "/x") == "400 invalid path parameter: id")
    }

    @Test("middleware runs outermost first: application, group, inner group, whatever was registered when")
    func middlewareOrder() async throws {
        let memory = try InMemory { app in
            let outer = app.group("/outer")
            let inner = outer.group("/inner")
            inner.get("/x") { request in (request[[String].self] ?? []).joined(separator: " ") }
            outer.get("/y") { request async in (request[[String].self] ?? []).joined(separator: " ") }
            app.get("/z") { request in (request[[String].self] ?? []).joined(separator: " ") }
            inner.use(Mark(name: "inner"))
            outer.use(Mark(name: "outer1"), Mark(name: "outer2"))
            app.use(Mark(name: "app"))
        }
        #expect(try await memory.answer("GET", "/outer/inner/x") == "200 app outer1 outer2 inner")
        #expect(try await memory.answer("GET", "/outer/y") == "200 app outer1 outer2")
        #expect(try await memory.answer("GET", "/z") == "200 app")
    }

    @Test("an application's middleware also sees what no route answers; a group's doesn't")
    func middlewareOfUnmatched() async throws {
        let memory = try InMemory { app in
            app.use { request, next in
                do {
                    return try await next(request)
                } catch let error as HTTPError {
                    return .text("page \(error.status.code)", status: error.status)
                }
            }
            app.group("/group").use { _, _ in .text("group") }.get("/x") { _ in "x" }
        }
        #expect(try await memory.answer("GET", "/nowhere") == "404 page 404")
        #expect(try await memory.answer("GET", "/group/nowhere") == "404 page 404")
        #expect(try await memory.answer("POST", "/group/x") == "405 page 405")
        #expect(try await memory.answer("GET", "/group/x") == "200 group")
    }

    @Test("middleware may answer itself, throw, and change the response")
    func middlewarePowers() async throws {
        let memory = try InMemory { app in
            app.group("/deny").use { _, _ in throw HTTPError(.unauthorized) }.get("") { _ in "secret" }
            app.group("/change").use { request, next in
                var response = try await next(request)
                response.status = .created
                return response
            }.get("/") { _ in "made" }
        }
        #expect(try await memory.answer("GET", "/deny") == "401 Unauthorized")
        #expect(try await memory.answer("GET", "/change/") == "201 made")
    }

    @Test("a group with a parameter hands it to its routes")
    func groupParameters() async throws {
        let memory = try InMemory { app in
            app.group("/rooms/:room").get("/users/:user") { request in
                "\(request.parameters["room"] ?? "") \(request.parameters["user"] ?? "") \(request.parameters["x"] ?? "-")"
            }
        }
        #expect(try await memory.answer("GET", "/rooms/a%20b/users/7") == "200 a b 7 -")
    }
}
