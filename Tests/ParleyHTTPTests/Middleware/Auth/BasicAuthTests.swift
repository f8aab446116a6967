import Foundation
import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite("Basic authentication (RFC 7617)")
struct BasicAuthTests {
    private struct User: Sendable { var name: String }

    private func field(_ text: String) -> HTTPFields {
        [.authorization: "Basic " + Data(text.utf8).base64EncodedString()]
    }

    private func memory(isOptional: Bool = false) throws -> InMemory {
        try InMemory { app in
            let closed = app.use(
                BasicAuth(realm: "a \"b\"", isOptional: isOptional) { credentials in
                    await Task.yield()
                    if credentials.user == "broken" { throw Failure() }
                    return credentials.password == "p:\u{e4}" ? User(name: credentials.user) : nil
                })
            closed.get("/") { request in request[User.self]?.name ?? "nobody" }
            closed.get("/member") { request in try request.require(User.self).name }
        }
    }

    @Test("right credentials give the handler an identity; the scheme's case doesn't matter")
    func accepted() async throws {
        let memory = try memory()
        #expect(try await memory.respond("GET", "/", field("ada:p:\u{e4}")).text == "ada")
        let field = field("ada:p:\u{e4}")[.authorization]?.replacing("Basic ", with: "bASIC  ")
        #expect(try await memory.respond("GET", "/", [.authorization: field ?? ""]).text == "ada")
        #expect(try await memory.respond("GET", "/", self.field("broken:x")).status == .internalServerError)
    }

    @Test(
        "no, wrong and malformed credentials are 401 with a challenge",
        arguments: [
            nil, "", "Basic", "Basic ", "Basic !!!", "Basic YWRh", "Basic YWRhOg==", "Basic YWRhOv8=",
            "Basic YWRhOgA=",
            "Bearer x", "BasicYWRhOnA6w6Q=", "Basic YWRhOnA6w6Q=, Basic YWRhOnA6w6Q=", "\u{130}asic x",
        ])
    func refused(_ value: String?) async throws {
        var headers = HTTPFields()
        headers[.authorization] = value
        let response = try await memory().respond("GET", "/", headers)
        #expect(response.status == .unauthorized)
        #expect(response.headers[.wwwAuthenticate] == #"Basic realm="a \"b\"", charset="UTF-8""#)
    }

    @Test("where it is optional, nobody may come, but nobody false; who asks for more gets the challenge")
    func optional() async throws {
        let memory = try memory(isOptional: true)
        #expect(try await memory.respond("GET", "/").text == "nobody")
        #expect(try await memory.respond("GET", "/", [.authorization: "Bearer x"]).text == "nobody")
        #expect(try await memory.respond("GET", "/", field("ada:wrong")).status == .unauthorized)
        let response = try await memory.respond("GET", "/member")
        #expect(response.status == .unauthorized && response.headers[.wwwAuthenticate] != nil)
        #expect(try await memory.respond("GET", "/member", field("ada:p:\u{e4}")).text == "ada")
    }

    @Test("a list of users")
    func users() async throws {
        let memory = try InMemory { app in
            app.use(BasicAuth(users: ["ada": "one", "bob": "two", "empty": ""]))
            app.get("/") { request in request[BasicUser.self]?.name ?? "" }
        }
        for (text, status) in [
            ("ada:one", 200), ("bob:two", 200), ("ada:two", 401), ("bob:one", 401), ("eve:one", 401),
            ("ada:", 401),
            ("empty:", 200), ("empty:x", 401), ("ada:oneone", 401), (":", 401),
        ] {
            #expect(try await memory.respond("GET", "/", field(text)).status.code == status, "\(text)")
        }
    }

    @Test("texts are equal when their bytes are")
    func constantTime() {
        for (left, right) in [("", ""), ("a", "a"), ("abc", "abc"), ("\u{e9}", "\u{e9}")] {
            #expect(ConstantTime.areEqual(left, right))
        }
        for (left, right) in [
            ("", "a"), ("a", ""), ("ab", "ba"), ("ab", "abab"), ("abab", "ab"), ("a", "a\0"),
            ("\u{e9}", "e\u{301}"),
        ] {
            #expect(!ConstantTime.areEqual(left, right))
        }
    }

    @Test("a WebSocket is refused before it is one, and its handler knows who came")
    func upgrades() async throws {
        func routes(_ app: Application) {
            app.group("/closed").use(BasicAuth(users: ["ada": "one"])).webSocket("/socket") { socket in
                try await socket.send(socket.request[BasicUser.self]?.name ?? "")
            }
        }
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send(WebSocketClient.handshake("/closed/socket"))
            #expect(try await client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 401"))
            let credentials = field("ada:one")[.authorization] ?? ""
            let socket = try await WebSocketClient(
                server, "/closed/socket", fields: "Authorization: \(credentials)\r\n")
            #expect(try await socket.read().text == "ada")
            let other = try HTTP2Client(server)
            let stream = try await other.openWebSocket("/closed/socket")
            #expect(other.peer.streams[stream]?.status == "401")
        }
    }
}
