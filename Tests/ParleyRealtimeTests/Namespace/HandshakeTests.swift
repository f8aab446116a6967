import HTTPTypes
import Testing

@testable import ParleyHTTP
@testable import ParleyRealtime

@Suite("Handshake and authorization")
struct HandshakeTests {
    @Test("CONNECT is written before the connection handler's first emit")
    func connectFirst() async throws {
        let realtime = Realtime()
        realtime.root.onConnection { socket in socket.emit("hello", socket.id) }
        let client = try await PollingClient(realtime)
        try await client.send("40")
        let connect = try await client.next()
        let sid = try #require(connect.firstMatch(of: /^40\{"sid":"([^"]{20})"\}$/)?.1)
        #expect(sid != client.sid)
        #expect(try await client.next() == #"42["hello","\#(sid)"]"#)
    }

    @Test("an unknown namespace is refused")
    func unknownNamespace() async throws {
        let client = try await PollingClient(Realtime())
        try await client.send("40/nowhere,")
        #expect(try await client.next() == #"44/nowhere,{"message":"Invalid namespace"}"#)
    }

    @Test("a middleware's ConnectError becomes CONNECT_ERROR with data, and no connection handler fires")
    func refused() async throws {
        let realtime = Realtime()
        let chat = realtime.namespace("/chat")
        let journal = Journal()
        chat.use { handshake in
            let token: String = try handshake.auth("token")
            guard token == "secret" else { throw ConnectError("not authorized", data: ["code": 4401]) }
            handshake[Int.self] = 42
        }
        chat.onConnection { socket in await journal.add("connected \(socket[Int.self] ?? 0)") }
        let client = try await PollingClient(realtime)
        try await client.send(#"40/chat,{"token":"wrong"}"#)
        #expect(try await client.next() == #"44/chat,{"message":"not authorized","data":{"code":4401}}"#)
        try await client.send("40/chat,")
        #expect(try await client.next().hasPrefix(#"44/chat,{"message":"missing or invalid credentials""#))
        #expect(await journal.entries.isEmpty)
        try await client.send(#"40/chat,{"token":"secret"}"#)
        #expect(try await client.next().hasPrefix(#"40/chat,{"sid":""#))
        #expect(try await journal.wait(for: 1) == ["connected 42"])
    }

    @Test("other errors are not told to the client")
    func hidden() async throws {
        struct Secret: Error { let password = "hunter2" }
        let realtime = Realtime()
        realtime.root.use { _ in throw Secret() }
        let client = try await PollingClient(realtime)
        try await client.send("40")
        #expect(try await client.next() == #"44{"message":"Internal server error"}"#)
    }

    @Test("middleware runs in the order of use, and a refusal stops it")
    func order() async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.use { _ in
            await Task.yield()
            await journal.add("first")
        }
        realtime.root.use { _ in
            await journal.add("second")
            throw ConnectError("no")
        }
        realtime.root.use { _ in await journal.add("third") }
        let client = try await PollingClient(realtime)
        try await client.send("40")
        #expect(try await client.next() == #"44{"message":"no"}"#)
        #expect(await journal.entries == ["first", "second"])
    }

    @Test("a client that goes away during the handshake cancels it; it is in no room, and no handler fires")
    func goneDuringHandshake() async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.use { handshake in
            handshake.join("early")
            do { try await Task.sleep(for: .seconds(30)) } catch { await journal.add("cancelled") }
        }
        realtime.root.onConnection { _ in await journal.add("connected") }
        let client = try await PollingClient(realtime)
        try await client.send("40")
        try await client.send("1")
        #expect(try await journal.wait(for: 1) == ["cancelled"])
        try await Task.sleep(for: .milliseconds(20))
        #expect(await journal.entries == ["cancelled"])
        #expect(realtime.root.rooms.isEmpty)
        #expect(realtime.root.sockets.isEmpty)
    }

    @Test("rooms that a middleware asked for are joined by admitted sockets only")
    func rooms() async throws {
        let realtime = Realtime()
        realtime.root.use { handshake in
            handshake.join("members")
            if handshake.query("no") == "1" { throw ConnectError("no") }
        }
        let refused = try await PollingClient(realtime, query: "&no=1")
        try await refused.send("40")
        #expect(try await refused.next().hasPrefix("44"))
        #expect(realtime.root.rooms.isEmpty)
        _ = try await PollingClient.join(realtime)
        #expect(realtime.root.rooms["members"]?.count == 1)
    }

    @Test("the handshake has what the request had, and what HTTP middleware stored on it")
    func contents() async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.onConnection { socket in
            let handshake = socket.handshake
            await journal.add(handshake.query("room") ?? "")
            await journal.add(handshake.headers[.userAgent] ?? "")
            await journal.add(handshake[String.self] ?? "")
            await journal.add("\(handshake.isCrossDomain) \(handshake.isSecure)")
            await journal.add(try handshake.auth("n", as: Int.self).description)
            await journal.add(handshake.url)
            await journal.add("\(handshake.namespace) \(abs(handshake.issued.timeIntervalSinceNow) < 5)")
        }
        let client = try await PollingClient(
            realtime, query: "&room=a%20b", headers: [.userAgent: "test"], storing: "ada")
        try await client.send(#"40{"n":7}"#)
        let url = "/socket.io/?EIO=4&transport=polling&room=a%20b"
        #expect(try await journal.wait(for: 7) == ["a b", "test", "ada", "false false", "7", url, "/ true"])
    }

    @Test(
        "who HTTP authentication found out a client to be is in the handshake and on the socket; others get no session"
    )
    func identity() async throws {
        struct User: Sendable { var name: String }
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.use { handshake in
            guard handshake[User.self]?.name == handshake.request[User.self]?.name else {
                throw ConnectError("no")
            }
        }
        realtime.root.onConnection { socket in await journal.add(socket[User.self]?.name ?? "nobody") }
        let app = Application()
        app.group("/closed")
            .use(BearerAuth(from: [.header, .query("token")]) { $0 == "good" ? User(name: "ada") : nil })
            .mount(realtime)
        func call(_ method: HTTPRequest.Method, _ query: String, _ body: String = "") async -> Response {
            let target = "/closed/socket.io/?EIO=4&transport=polling" + query
            return await app.respond(
                to: Request(method: method, target: target, body: Array(body.utf8), loop: testLoop))
        }
        #expect(await call(.get, "").status == .unauthorized)
        #expect(await call(.get, "&token=bad").status == .unauthorized)
        #expect(realtime.sessionCount == 0)
        let opened = await call(.get, "&token=good")
        guard let bytes = opened.body.wholeBytes else { return }
        let text = String(decoding: bytes, as: UTF8.self)
        let sid = try #require(text.firstMatch(of: /"sid":"([^"]+)"/)?.1)
        #expect(await call(.post, "&token=good&sid=\(sid)", "40").status == .ok)
        #expect(try await journal.wait(for: 1) == ["ada"])
    }

    @Test("a client that joins nothing in time is closed (E17)")
    func connectTimeout() async throws {
        var options = RealtimeOptions()
        options.engine.connectTimeout = .milliseconds(30)
        let realtime = Realtime(options: options)
        let idle = try await PollingClient(realtime)
        let busy = try await PollingClient.join(realtime)
        #expect(try await idle.next() == "1")
        #expect(realtime.sessionCount == 1)
        _ = busy
    }
}
