import ParleyHTTP
import ParleyRealtime
import ParleyTesting
import ParleyTransport
import ParleyWire
import Testing

@Suite("Socket.IO clients of a tested application")
struct TestSocketTests {
    struct Receipt: Codable, Equatable { var number: Int }

    /// A chat at `/socket.io`, whose namespace `/admin` wants a token.
    private func application(_ change: (inout RealtimeOptions) -> Void = { _ in }) -> Application {
        var options = RealtimeOptions()
        change(&options)
        let realtime = Realtime(options: options)
        realtime.root.on("join") { (socket, room: String) in socket.join(room) }
        realtime.root.on("say") { (socket, room: String, text: String) in
            socket.to(room).emit("said", socket.id, text)
            return Receipt(number: text.count)
        }
        realtime.root.on("echo") { (socket, value: JSONValue) in
            socket.emit("echo", value, 1)
            return value
        }
        realtime.root.on("ask") { socket in
            let answer = try await socket.request("question", 7, as: String.self)
            socket.emit("answered", answer)
        }
        realtime.root.on("out") { socket in socket.disconnect() }
        realtime.root.on("out at once") { socket in socket.disconnect(close: true) }
        realtime.namespace("/admin").use { handshake in
            let token: String? = try? handshake.auth("token")
            guard token == "secret" else { throw ConnectError("not authorized", data: ["code": 4401]) }
        }
        let app = Application()
        app.mount(realtime)
        let group = app.group("/private")
        group.use { request, next in
            guard request.query("key") == "open" else { throw HTTPError(.unauthorized) }
            return try await next(request)
        }
        group.mount(realtime)
        return app
    }

    @Test("events, acknowledgements and rooms, in memory and live", arguments: [TestServing.memory, .live])
    func conversation(serving: TestServing) async throws {
        try await application().test(serving) { client in
            let (ada, bob) = (try await client.socket(), try await client.socket())
            #expect(ada.isConnected && !ada.id.isEmpty && ada.id != bob.id)
            for socket in [ada, bob] { try socket.emit("join", "lobby") }
            #expect(try await bob.request("echo", true) == true)
            let receipt = try await ada.request("say", "lobby", "hello", as: Receipt.self)
            #expect(receipt == Receipt(number: 5))
            let said = try await bob.next("said")
            #expect(try said.decode(String.self, String.self) == (ada.id, "hello"))
            #expect(said.arguments == [.string(ada.id), "hello"] && !said.expectsAcknowledgement)
            #expect(ada.received.isEmpty && bob.received.map(\.name) == ["echo"])
            try ada.emit("ask")
            let question = try await ada.next("question")
            #expect(question.expectsAcknowledgement && question.arguments == [7])
            try question.acknowledge("an answer")
            let answered = try #require(try await ada.next())
            #expect(try answered.decode(String.self) == "an answer")
        }
    }

    @Test("binary travels both ways, with either parser", arguments: [PacketParser.json, .messagePack])
    func binary(parser: PacketParser) async throws {
        try await application { $0.parser = parser }.test { client in
            let socket = try await client.socket(parser: parser)
            let value = JSONValue.object(["a": .array([.binary([0, 255]), "text"]), "b": .binary([])])
            #expect(try await socket.request("echo", value) == value)
            let echo = try await socket.next("echo")
            #expect(echo.arguments == [value, 1])
            #expect(try echo.decode(JSONValue.self, Int.self) == (value, 1))
            #expect(throws: DecodingError.self) { try echo.decode(String.self) }
        }
    }

    @Test("a refusal has its message and data; one by HTTP middleware its response")
    func refusals() async throws {
        try await application().test { client in
            await #expect(throws: TestSocketError.refused(message: "not authorized", data: ["code": 4401])) {
                try await client.socket("/admin", auth: ["token": "wrong"])
            }
            await #expect(throws: TestSocketError.refused(message: "Invalid namespace", data: nil)) {
                try await client.socket("/nowhere")
            }
            #expect(try await client.socket("/admin", auth: ["token": "secret"]).isConnected)
            do {
                _ = try await client.socket(at: "/private/socket.io", query: "key=shut")
                Issue.record("the middleware let it in")
            } catch TestClientError.refused(let response) {
                #expect(response.status == .unauthorized)
            }
            #expect(try await client.socket(at: "/private/socket.io", query: "key=open").isConnected)
        }
    }

    @Test("several namespaces share a connection, and each is left by itself")
    func namespaces() async throws {
        try await application().test { client in
            let root = try await client.socket()
            let admin = try await root.join("/admin", auth: ["token": "secret"])
            #expect(admin.id != root.id)
            await #expect(throws: TestSocketError.violation("in /admin already")) {
                try await root.join("/admin", auth: ["token": "secret"])
            }
            admin.disconnect()
            #expect(admin.disconnection == .byClient && root.isConnected)
            #expect(try await root.request("echo", 1) == 1)
            #expect(try await root.join("/admin", auth: ["token": "secret"]).isConnected)
        }
    }

    @Test("it is told how a socket ended, and what came before is still there")
    func endings() async throws {
        try await application().test { client in
            let (first, second) = (try await client.socket(), try await client.socket())
            let (third, fourth) = (try await client.socket(), try await client.socket())
            try first.emit("echo", "last")
            try first.emit("out")
            #expect(try await first.waitForDisconnection() == .byServer)
            #expect(try await first.next()?.name == "echo")
            #expect(try await first.next() == nil)
            await #expect(throws: TestSocketError.disconnected(.byServer)) { try await first.next("more") }
            try second.emit("out at once")
            #expect(try await second.waitForDisconnection() == .byServer)
            third.close()
            #expect(try await third.waitForDisconnection() == .connection(closeCode: 1000))
            fourth.reset()
            #expect(try await fourth.waitForDisconnection() == .connection(closeCode: 1006))
        }
    }

    @Test("a client that answers no ping is put out, in less than 10 ms of real time")
    func heartbeatTimeout() async throws {
        var fastest = Duration.seconds(60)
        for _ in 0..<5 {
            let clock = ManualClock()
            let start = ContinuousClock.now
            try await application().test(.memory(clock: clock)) { client in
                let socket = try await client.socket()
                socket.answersPings = false
                await clock.advance(by: .milliseconds(44_999))
                #expect(socket.isConnected)
                await clock.advance(by: .milliseconds(1))
                #expect(socket.disconnection == .connection(closeCode: 1000))
            }
            fastest = min(fastest, start.duration(to: .now))
        }
        #if PARLEY_THREAD_SANITIZER
            let limit = Duration.milliseconds(100)
        #else
            let limit = Duration.milliseconds(10)
        #endif
        #expect(fastest < limit)
    }

    @Test("a client that answers stays for an hour")
    func heartbeat() async throws {
        let clock = ManualClock()
        try await application().test(.memory(clock: clock)) { client in
            let socket = try await client.socket()
            await clock.advance(by: .seconds(3600))
            #expect(socket.isConnected)
            #expect(try await socket.request("echo", 1) == 1)
        }
    }

    @Test("a session is recovered with what the client missed, until its time is over")
    func recovery() async throws {
        let clock = ManualClock()
        let app = application { $0.recovery = RecoveryOptions() }
        try await app.test(.memory(clock: clock)) { client in
            let (ada, bob) = (try await client.socket(), try await client.socket())
            try ada.emit("join", "lobby")
            #expect(try await ada.request("echo", 1) == 1)
            #expect(try await ada.next("echo").arguments == [1, 1])
            ada.reset()
            #expect(try await bob.request("say", "lobby", "missed", as: Receipt.self).number == 6)
            let back = try await client.socket(recovering: ada)
            #expect(back.id == ada.id)
            #expect(try await back.next()?.arguments == [.string(bob.id), "missed"])
            back.reset()
            await clock.advance(by: .seconds(121))
            #expect(try await client.socket(recovering: back).id != ada.id)
        }
    }

    @Test("what doesn't come in time is named")
    func timeouts() async throws {
        try await application().test { client in
            var client = client
            client.timeout = .milliseconds(50)
            let socket = try await client.socket()
            await expectError("no event nothing in / after 0.05 seconds") {
                try await socket.next("nothing")
            }
            await expectError("no acknowledgement of unknown in / after 0.05 seconds") {
                try await socket.request("unknown", as: Int.self)
            }
        }
    }

    private func expectError<Value>(_ description: String, _ body: () async throws -> Value) async {
        do {
            _ = try await body()
            Issue.record("no error")
        } catch {
            #expect("\(error)" == description)
        }
    }
}
