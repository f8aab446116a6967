import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP
@testable import ParleyRealtime

@Suite("Hooks of the Engine.IO layer, and its options")
struct EngineHooksTests {
    private func answer(
        _ realtime: Realtime, _ query: String = "EIO=4&transport=polling", headers: HTTPFields = [:]
    ) async throws -> Response {
        try await realtime.respond(
            to: Request(target: "/socket.io/?\(query)", headers: headers, loop: testLoop))
    }

    @Test("fields are added to the first response and to every one, and not to refusals")
    func headers() async throws {
        let realtime = Realtime()
        realtime.onInitialHeaders { fields, request in fields[.setCookie] = "first=\(request.path)" }
        realtime.onHeaders { fields, _ in fields[.server] = "every" }
        let client = try await PollingClient(realtime)
        let first = try await answer(realtime)
        #expect(first.headers[.setCookie] == "first=/socket.io/" && first.headers[.server] == "every")
        try await client.send("40")
        let poll = try await answer(realtime, "EIO=4&transport=polling&sid=\(client.sid)")
        #expect(poll.headers[.setCookie] == nil && poll.headers[.server] == "every")
        let refused = try await answer(realtime, "EIO=4&transport=tcp")
        #expect(refused.headers[.setCookie] == nil && refused.headers[.server] == nil)
        let upgrade: HTTPFields = [
            .upgrade: "websocket", .connection: "Upgrade", .secWebSocketVersion: "13",
            .secWebSocketKey: "AAAAAAAAAAAAAAAAAAAAAA==",
        ]
        let opened = try await answer(realtime, "EIO=4&transport=websocket", headers: upgrade)
        #expect(opened.headers[.setCookie] == "first=/socket.io/" && opened.headers[.server] == "every")
    }

    @Test(
        "each refusal is told with its code, message, context and request",
        arguments: [
            ("EIO=4&transport=tcp", 0, "Transport unknown", ["transport": "tcp"]),
            ("EIO=4&transport=polling&sid=x", 1, "Session ID unknown", ["sid": "x"]),
            ("EIO=4&transport=websocket", 3, "Bad request", ["name": "TRANSPORT_HANDSHAKE_ERROR"]),
            ("EIO=4&transport=polling&refuse", 4, "too late", ["name": "ALLOW_REQUEST"]),
            ("EIO=3&transport=polling", 5, "Unsupported protocol version", ["protocol": "3"]),
        ])
    func connectionErrors(
        _ query: String, _ code: Int, _ message: String, _ context: [String: String]
    ) async throws {
        var options = RealtimeOptions()
        options.engine.allowRequest = { request in
            guard request.query("refuse") == nil else { throw ConnectError("too late") }
            return true
        }
        let realtime = Realtime(options: options)
        let errors = Lock<[EngineConnectionError]>([])
        realtime.onConnectionError { error in errors.withLock { $0.append(error) } }
        let response = try await answer(realtime, query)
        #expect(response.status.code == (code == 4 ? 403 : 400))
        guard let body = response.body.wholeBytes else { return #expect(Bool(false)) }
        #expect(String(decoding: body, as: UTF8.self) == #"{"code":\#(code),"message":"\#(message)"}"#)
        let told = errors.withLock { $0 }
        #expect(told.count == 1)
        #expect(told.first?.code.rawValue == code && told.first?.message == message)
        #expect(told.first?.context == context && told.first?.request.target == "/socket.io/?\(query)")
    }

    @Test("ids are made asynchronously; a throw, a bad id and one that is taken are answered with code 3")
    func generateID() async throws {
        var options = RealtimeOptions()
        options.engine.generateID = { request in
            await Task.yield()
            guard let id = request.query("id") else { throw MissingValueError(type: "id") }
            return id
        }
        let realtime = Realtime(options: options)
        #expect(try await PollingClient(realtime, query: "&id=mine").sid == "mine")
        for query in ["", "&id=mine", "&id=", "&id=a%22b", "&id=a%3Bb", "&id=a%0Ab", "&id=%C3%A9"] {
            #expect(try await answer(realtime, "EIO=4&transport=polling\(query)").status == .badRequest)
        }
    }

    @Test("a cookie may be for a domain, and partitioned")
    func cookie() throws {
        var cookie = EngineCookie()
        cookie.domain = "example.com"
        cookie.isPartitioned = true
        cookie.isSecure = true
        cookie.sameSite = .none
        #expect(
            try cookie.cookie(for: "x").fieldValue()
                == "io=x; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=None; Partitioned")
    }

    @Test("transports that are not allowed, and upgrades, are neither offered nor taken")
    func transports() async throws {
        var options = RealtimeOptions()
        options.engine.transports = [.polling]
        let pollingOnly = Realtime(options: options)
        #expect(try await text(answer(pollingOnly)).contains(#""upgrades":[]"#))
        #expect(try await answer(pollingOnly, "EIO=4&transport=websocket").status == .badRequest)
        options.engine.transports = [.polling, .webSocket]
        options.engine.allowUpgrades = false
        let noUpgrades = Realtime(options: options)
        #expect(try await text(answer(noUpgrades)).contains(#""upgrades":[]"#))
        let client = try await PollingClient(noUpgrades)
        await #expect(throws: WebSocketClient.Refused.self) {
            try await WebSocketClient.open(noUpgrades, sid: client.sid)
        }
        let opened = try await WebSocketClient.open(noUpgrades)
        #expect(try await opened.next().hasPrefix("0{"))
    }

    @Test("a session that joins no namespace in time is closed; an old client's does by itself")
    func connectTimeout() async throws {
        let realtime = EngineIO3Client.server { $0.engine.connectTimeout = .milliseconds(150) }
        let idle = try await PollingClient(realtime)
        let old = try await EngineIO3Client.join(realtime)
        #expect(try await idle.next() == "1")
        #expect(try await old.send("2") == 200)
        #expect(realtime.sessionCount == 1)
    }

    @Test("answers to polls are compressed from the threshold on, for clients that accept it")
    func compression() async throws {
        let realtime = Realtime()
        let client = try await PollingClient.join(realtime)
        let query = "EIO=4&transport=polling&sid=\(client.sid)"
        for (length, accepted, coding) in [
            (900, "gzip", nil), (2000, "gzip, br", "gzip"), (2000, "identity", nil),
        ] {
            realtime.root.emit("x", String(repeating: "y", count: length))
            let poll = try await answer(realtime, query, headers: [.acceptEncoding: accepted])
            #expect(poll.headers[.contentEncoding] == coding)
            #expect(poll.headers[.vary]?.contains("Accept-Encoding") ?? false == (length > 1024))
        }
        var options = RealtimeOptions()
        options.engine.pollingCompression = nil
        let plain = Realtime(options: options)
        let other = try await PollingClient.join(plain)
        plain.root.emit("x", String(repeating: "y", count: 2000))
        let poll = try await answer(
            plain, "EIO=4&transport=polling&sid=\(other.sid)", headers: [.acceptEncoding: "gzip"])
        #expect(poll.headers[.contentEncoding] == nil)
    }

    private func text(_ response: Response) -> String {
        guard let bytes = response.body.wholeBytes else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
