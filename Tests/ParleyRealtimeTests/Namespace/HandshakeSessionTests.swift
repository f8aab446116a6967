import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP
@testable import ParleyRealtime

@Suite("HTTP sessions and realtime")
struct HandshakeSessionTests {
    @Test("the session of the page is the handshake's, and what is saved there the page sees")
    func session() async throws {
        let application = Application()
        application.use(Sessions())
        let realtime = Realtime()
        application.mount(realtime, at: "/socket.io")
        application.get("/login") { request in
            try request.session["user"] = "ada"
            return "welcome"
        }
        application.get("/seen") { request in try request.session["seen", as: String.self] ?? "nothing" }
        realtime.root.use { handshake in
            let session = try handshake.request.session
            guard let user = session["user", as: String.self] else { throw ConnectError("who are you?") }
            session["seen"] = "\(user) on \(handshake[Session.self]?.id == session.id)"
            try await session.save()
        }
        func get(
            _ target: String, cookie: String? = nil, body: String = ""
        ) async throws -> (Response, String) {
            let headers: HTTPFields = cookie.map { [.cookie: $0] } ?? [:]
            let request = Request(
                method: body.isEmpty ? .get : .post, target: target, headers: headers, body: Array(body.utf8),
                loop: testLoop)
            let response = await application.respond(to: request)
            guard let bytes = response.body.wholeBytes else { return (response, "") }
            return (response, String(decoding: bytes, as: UTF8.self))
        }
        let login = try await get("/login").0
        let cookie = try #require(login.headers[.setCookie]?.split(separator: ";").first.map(String.init))
        for (cookie, answer) in [(cookie, "40{"), (nil, "44{\"message\":\"who are you?\"}")] {
            let open = try await get("/socket.io/?EIO=4&transport=polling", cookie: cookie).1
            let sid = try #require(open.firstMatch(of: /"sid":"([^"]+)"/)?.1)
            let path = "/socket.io/?EIO=4&transport=polling&sid=\(sid)"
            #expect(try await get(path, cookie: cookie, body: "40").1 == "ok")
            #expect(try await get(path, cookie: cookie).1.hasPrefix(answer))
        }
        #expect(try await get("/seen", cookie: cookie).1 == "ada on true")
    }
}
