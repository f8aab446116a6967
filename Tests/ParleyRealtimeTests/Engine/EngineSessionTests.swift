import HTTPTypes
import ParleyHTTP
import Testing

@testable import ParleyRealtime

@Suite("Engine.IO 4 sessions by polling")
struct EngineSessionTests {
    @Test("the open packet names the session and the settings")
    func openPacket() async throws {
        let request = Request(target: "/socket.io/?EIO=4&transport=polling", loop: testLoop)
        let (_, body) = try await PollingClient.call(Realtime(), request)
        let expected =
            /0\{"sid":"[\w-]{20}","upgrades":\["websocket"\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\}/
        #expect(body.wholeMatch(of: expected) != nil)
    }

    @Test(
        "requests that belong to no session are refused with Engine.IO's codes",
        arguments: [
            ("EIO=4&transport=tcp", HTTPRequest.Method.get, 0), ("EIO=4", .get, 0),
            ("EIO=4&transport=polling&sid=x", .get, 1),
            ("EIO=4&transport=polling", .post, 2), ("EIO=4&transport=websocket", .get, 3),
            ("EIO=4&EIO=4&transport=polling", .get, 3), ("transport=polling", .get, 5),
            ("EIO=2&transport=polling", .get, 5),
        ])
    func refused(_ query: String, _ method: HTTPRequest.Method, _ code: Int) async throws {
        let request = Request(method: method, target: "/socket.io/?\(query)", loop: testLoop)
        let (status, body) = try await PollingClient.call(Realtime(), request)
        #expect(status == 400)
        #expect(body.hasPrefix(#"{"code":\#(code),"message":""#))
    }

    @Test("a new session's id is in a cookie with its attributes, where one is asked for (E15)")
    func cookie() async throws {
        var options = RealtimeOptions()
        var cookie = EngineCookie()
        cookie.maxAge = .seconds(60)
        cookie.isSecure = true
        cookie.sameSite = .strict
        options.engine.cookie = cookie
        options.engine.generateID = { _ in "chosen" }
        let request = Request(target: "/socket.io/?EIO=4&transport=polling", loop: testLoop)
        let response = try await Realtime(options: options).respond(to: request)
        #expect(
            response.headers[.setCookie] == "io=chosen; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Strict"
        )
        #expect(try await Realtime().respond(to: request).headers[.setCookie] == nil)
    }

    @Test("allowRequest refuses before a session exists (E11)")
    func allowRequest() async throws {
        var options = RealtimeOptions()
        options.engine.allowRequest = { $0.query("token") == "1" }
        let realtime = Realtime(options: options)
        let request = Request(target: "/socket.io/?EIO=4&transport=polling", loop: testLoop)
        let (status, body) = try await PollingClient.call(realtime, request)
        #expect(status == 403 && body == #"{"code":4,"message":"Forbidden"}"#)
        #expect(realtime.sessionCount == 0)
        _ = try await PollingClient(realtime, query: "&token=1")
    }

    @Test("allowRequest refuses by a throw too")
    func allowRequestThrows() async throws {
        struct Denied: Error {}
        var options = RealtimeOptions()
        options.engine.allowRequest = { _ in throw Denied() }
        let request = Request(target: "/socket.io/?EIO=4&transport=polling", loop: testLoop)
        let (status, body) = try await PollingClient.call(Realtime(options: options), request)
        #expect(status == 403 && body == #"{"code":4,"message":"Forbidden"}"#)
    }

    @Test("a page of another origin is refused by default, and its preflight gets no permission")
    func crossOrigin() async throws {
        let realtime = Realtime()
        let request = Request(
            target: "/socket.io/?EIO=4&transport=polling", headers: [.origin: "https://evil.example"],
            loop: testLoop)
        #expect(try await PollingClient.call(realtime, request).0 == 403)
        #expect(realtime.sessionCount == 0)
    }

    @Test("a second GET while one waits is refused, and ends the session (E2)")
    func overlappingPolls() async throws {
        let realtime = Realtime()
        let client = try await PollingClient.join(realtime)
        async let first = client.get()
        while realtime.sessionCount == 1 {
            try await Task.sleep(for: .milliseconds(5))
            let (status, body) = try await client.get()
            #expect(status == 400)
            #expect(body.contains(#""code":"#))
        }
        #expect(try await first.0 == 400)
    }

    @Test("a ping comes at the interval; without a pong the session ends (E6)")
    func heartbeat() async throws {
        var options = RealtimeOptions()
        options.engine.pingInterval = .milliseconds(30)
        options.engine.pingTimeout = .milliseconds(40)
        let realtime = Realtime(options: options)
        let journal = Journal()
        realtime.root.onDisconnect { _, reason in await journal.add(reason.rawValue) }
        let client = try await PollingClient.join(realtime)
        for _ in 0..<3 {
            #expect(try await client.next() == "2")
            try await client.send("3")
        }
        #expect(try await client.next() == "2")
        #expect(try await journal.wait(for: 1) == ["ping timeout"])
        #expect(realtime.sessionCount == 0)
    }

    @Test(
        "a client that breaks the protocol is closed, and the server goes on",
        arguments: [
            "2", "3", "9", "", "x", "bad!", "5", "0", "7", "42", "42[]", "42{}", "42[{}]", "42[null]",
            #"42["a""#, "42[1,]",
            #"42["connect"]"#, "48", "43[]", "40/x", #"40[1]"#, "42/nowhere,[\"a\"]",
            #"450-["x"]\#u{1E}bAQID"#,
            #"451-["a",{"_placeholder":true,"num":5}]\#u{1E}bAQID"#,
            #"451-["a",{"_placeholder":true,"num":-1}]\#u{1E}bAQID"#,
            #"451-["a",{"_placeholder":true,"num":"splice"}]\#u{1E}bAQID"#, #"451-["a"]\#u{1E}42["a"]"#,
            "bAQID", #"5199-["a"]"#,
            #"42["\#\ud800"]"#, "44{}",
        ])
    func violations(_ payload: String) async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.onDisconnect { _, reason in await journal.add(reason.rawValue) }
        _ = realtime.namespace("/x")
        let client = try await PollingClient.join(realtime)
        if payload == "40/x" {
            try await client.send("40/x,")
            _ = try await client.next()
        }
        try await client.send(payload)
        let reasons = try await journal.wait(for: 1)
        #expect(reasons == ["parse error"] || reasons == ["transport error"])
        #expect(realtime.sessionCount == 0)
        _ = try await PollingClient.join(realtime)
    }

    @Test("JSON that is nested 100,000 deep ends the session, not the process")
    func deepNesting() async throws {
        try await violations("42" + String(repeating: "[", count: 100_000))
    }

    @Test("the packets of a payload are limited by a setting", arguments: [(3, 200, 1), (4, 400, 0)])
    func maxPackets(count: Int, status: Int, sessions: Int) async throws {
        var options = RealtimeOptions()
        options.engine.maxPacketsPerPayload = 3
        let realtime = Realtime(options: options)
        let client = try await PollingClient.join(realtime)
        let payload = [String](repeating: #"42["x"]"#, count: count).joined(separator: "\u{1E}")
        #expect(try await client.send(payload) == status)
        #expect(realtime.sessionCount == sessions)
    }

    @Test("a payload beyond maxPayload is 413, and the session lives (E10)")
    func maxPayload() async throws {
        let client = try await PollingClient.join(Realtime())
        let status = try await client.send("4" + String(repeating: "2", count: 1_000_001))
        #expect(status == 413)
        #expect(try await client.send(#"42["x"]"#) == 200)
    }
}
