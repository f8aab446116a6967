import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite("Bearer tokens (RFC 6750)")
struct BearerAuthTests {
    private struct User: Sendable { var name: String }

    private func memory(
        from sources: [BearerTokenSource] = [.header], isOptional: Bool = false
    ) throws -> InMemory {
        try InMemory { app in
            app.use(
                BearerAuth(realm: "api", from: sources, isOptional: isOptional) { token in
                    token == "t0k.en==" ? User(name: "ada") : nil
                })
            app.get("/") { request in request[User.self]?.name ?? "nobody" }
            app.get("/scope") { _ -> String in throw HTTPError.insufficientScope("read write") }
        }
    }

    @Test("a good token gives the handler an identity")
    func accepted() async throws {
        let response = try await memory().respond("GET", "/", [.authorization: "bearer t0k.en=="])
        #expect(response.text == "ada" && response.headers[.cacheControl] == nil)
    }

    @Test(
        "who brings no token is asked for one, and told of no error (3.1)",
        arguments: [nil, "Basic x", "", "Bearerx"])
    func missing(_ value: String?) async throws {
        var headers = HTTPFields()
        headers[.authorization] = value
        let response = try await memory(from: [.header, .query("t"), .cookie("t")]).respond(
            "GET", "/", headers)
        #expect(response.status == .unauthorized)
        #expect(response.headers[.wwwAuthenticate] == #"Bearer realm="api""#)
    }

    @Test(
        "wrong and malformed tokens are told to be invalid",
        arguments: ["x", "", "a b", "a\u{e9}", "=", "a=b", "a,b"])
    func invalid(_ token: String) async throws {
        for isOptional in [true, false] {
            let response = try await memory(isOptional: isOptional).respond(
                "GET", "/", [.authorization: "Bearer " + token])
            #expect(response.status == .unauthorized)
            #expect(response.headers[.wwwAuthenticate]?.contains(#"error="invalid_token""#) == true)
        }
    }

    @Test("where browsers can't set fields, a token comes in the query or a cookie, if it may")
    func sources() async throws {
        let all = try memory(from: [.header, .query("access_token"), .cookie("token")])
        let query = try await all.respond("GET", "/?access_token=t0k.en%3D%3D")
        #expect(query.text == "ada" && query.headers[.cacheControl] == "private")
        #expect(try await all.respond("GET", "/", [.cookie: "a=b; token=t0k.en==; token=x"]).text == "ada")
        #expect(try await all.respond("GET", "/", [.cookie: "xtoken=t0k.en=="]).status == .unauthorized)
        let header = try memory()
        #expect(try await header.respond("GET", "/?access_token=t0k.en%3D%3D").status == .unauthorized)
        #expect(try await header.respond("GET", "/", [.cookie: "token=t0k.en=="]).status == .unauthorized)
    }

    @Test("it may be optional, and stand beside another scheme")
    func optional() async throws {
        let memory = try InMemory { app in
            app.use(BasicAuth(isOptional: true) { User(name: $0.user) })
            app.use(BearerAuth(isOptional: true) { User(name: $0) })
            app.get("/") { request in try request.require(User.self).name }
        }
        #expect(try await memory.respond("GET", "/", [.authorization: "Bearer eve"]).text == "eve")
        #expect(try await memory.respond("GET", "/", [.authorization: "Basic YWRhOng="]).text == "ada")
        let asked = try await memory.respond("GET", "/").headers[fields: .wwwAuthenticate].map(\.value)
        #expect(asked == ["Bearer", #"Basic realm="Restricted", charset="UTF-8""#])
    }

    @Test("a token that is not good for this is 403")
    func scope() async throws {
        let response = try await memory().respond("GET", "/scope", [.authorization: "Bearer t0k.en=="])
        #expect(response.status == .forbidden)
        #expect(
            response.headers[.wwwAuthenticate] == #"Bearer error="insufficient_scope", scope="read write""#)
    }

    @Test("a WebSocket's token may come in the query, over HTTP/2 too")
    func upgrades() async throws {
        func routes(_ app: Application) {
            let closed = app.group("/closed").use(
                BearerAuth(from: [.query("token")]) { $0 == "good" ? User(name: "ada") : nil })
            closed.webSocket("/socket") { socket in
                try await socket.send(socket.request[User.self]?.name ?? "")
            }
        }
        try await withServer(routes: routes) { server in
            let socket = try await WebSocketClient(server, "/closed/socket?token=good")
            #expect(try await socket.read().text == "ada")
            let other = try HTTP2Client(server)
            let refused = try await other.openWebSocket("/closed/socket?token=bad")
            #expect(other.peer.streams[refused]?.status == "401")
            let stream = try await other.openWebSocket("/closed/socket?token=good")
            #expect(other.peer.streams[stream]?.status == "200")
        }
    }
}
