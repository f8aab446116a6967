import ParleyHTTP
import ParleyRealtime
import ParleyTesting
import ParleyTransport
import ParleyWire
import Testing

/// What applications do that are no chat.
@Suite("Socket.IO clients of applications that make it hard for them")
struct AwkwardApplicationTests {
    private func application(
        _ change: (inout RealtimeOptions) -> Void = { _ in }, _ configure: (Realtime) -> Void
    ) -> (Application, Realtime) {
        var options = RealtimeOptions()
        change(&options)
        let realtime = Realtime(options: options)
        realtime.root.on("echo") { (_, value: JSONValue) in value }
        configure(realtime)
        let app = Application()
        app.mount(realtime)
        return (app, realtime)
    }

    private func wait(until condition: () -> Bool) async throws {
        for _ in 0..<5000 where !condition() { try await Task.sleep(for: .milliseconds(1)) }
        #expect(condition())
    }

    @Test("a server that disconnects at once: the socket was there, and what came is too")
    func disconnectedAtOnce() async throws {
        let (app, _) = application { realtime in
            realtime.root.onConnection { socket in
                socket.emit("bye")
                socket.disconnect()
            }
        }
        try await app.test { client in
            for _ in 0..<100 {
                let socket = try await client.socket()
                #expect(try await socket.next("bye").arguments == [])
                #expect(try await socket.waitForDisconnection() == .byServer)
            }
        }
    }

    @Test("who leaves amid a stream of events keeps the connection, and may come back")
    func leavingAmidEvents() async throws {
        let (app, realtime) = application { realtime in _ = realtime.namespace("/ticks") }
        try await app.test { client in
            let ticks = realtime.namespace("/ticks")
            let root = try await client.socket()
            let ticker = Task.detached {
                while !Task.isCancelled {
                    ticks.emit("tick", 1)
                    await Task.yield()
                }
            }
            for _ in 0..<50 {
                let socket = try await root.join("/ticks")
                _ = try await socket.next("tick")
                socket.disconnect()
            }
            ticker.cancel()
            #expect(root.disconnection == nil)
            #expect(try await root.request("echo", 1) == 1)
        }
    }

    @Test("a socket that is over sends nothing, and leaves once; the connection's others stay")
    func overIsOver() async throws {
        let (app, _) = application { realtime in _ = realtime.namespace("/other") }
        try await app.test { client in
            let root = try await client.socket()
            let former = try await root.join("other")
            former.disconnect()
            former.disconnect()
            try former.emit("echo", 1)
            await #expect(throws: TestSocketError.disconnected(.byClient)) {
                try await former.request("echo", 1, as: Int.self)
            }
            let other = try await root.join("/other")
            former.disconnect()
            #expect(other.namespace == "/other" && other.isConnected)
            #expect(try await root.request("echo", 1) == 1)
            root.reset()
            _ = try await root.waitForDisconnection()
            await #expect(throws: TestSocketError.disconnected(.connection(closeCode: 1006))) {
                try await root.join("/more")
            }
        }
    }

    @Test("a client that was refused, or cancelled, leaves no session")
    func noSessionIsLeft() async throws {
        let (app, realtime) = application { realtime in
            realtime.namespace("/closed").use { _ in throw ConnectError("closed") }
            realtime.namespace("/slow").use { _ in try await Task.sleep(for: .seconds(60)) }
        }
        try await app.test { client in
            await #expect(throws: TestSocketError.self) { try await client.socket("/closed") }
            await #expect(throws: TestSocketError.violation("auth is an object")) {
                try await client.socket(auth: "token")
            }
            try await wait { realtime.sessionCount == 0 }
            let waiting = Task { try await client.socket("/slow") }
            try await wait { realtime.sessionCount == 1 }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            try await wait { realtime.sessionCount == 0 }
            let root = try await client.socket()
            let join = Task { try await root.join("/closed") }
            await #expect(throws: TestSocketError.self) { try await join.value }
            await #expect(throws: TestSocketError.self) { try await root.join("/closed") }
            #expect(try await root.request("echo", 1) == 1)
        }
    }

    @Test("a cancelled test doesn't wait for its timeout")
    func cancelled() async throws {
        let (app, _) = application { _ in }
        try await app.test { client in
            let socket = try await client.socket()
            let start = ContinuousClock.now
            let waiting = Task { try await socket.next("never") }
            try await Task.sleep(for: .milliseconds(10))
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            #expect(start.duration(to: .now) < .seconds(5))
            #expect(try await socket.request("echo", 1) == 1)
        }
    }

    @Test("a hundred clients at once, in memory and live", arguments: [TestServing.memory, .live])
    func hundredClients(serving: TestServing) async throws {
        let (app, realtime) = application { realtime in
            realtime.root.on("all") { (socket: Socket, number: Int) in socket.broadcast.emit("said", number) }
        }
        try await app.test(serving) { client in
            let sockets = try await withThrowingTaskGroup(of: TestSocket.self) { group in
                for _ in 0..<100 { group.addTask { try await client.socket() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(sockets.map(\.id)).count == 100 && realtime.sessionCount == 100)
            for (number, socket) in sockets.enumerated() { try socket.emit("all", number) }
            for (number, socket) in sockets.enumerated() {
                var heard: Set<Int> = []
                while heard.count < 99 { heard.insert(try await socket.next("said").decode(Int.self)) }
                #expect(!heard.contains(number))
            }
        }
    }

    @Test("events of megabytes, and acknowledgements as deep as may be")
    func largeAndDeep() async throws {
        var deep = JSONValue.array([])
        for _ in 0..<400 { deep = .array([deep]) }
        let (app, _) = application { [deep] realtime in
            realtime.root.on("deep") { (_: Socket) in deep }
            realtime.root.on("large") { (socket: Socket, count: Int) in
                socket.emit(
                    "large", String(repeating: "x", count: count),
                    JSONValue.binary(.init(repeating: 1, count: count)))
            }
        }
        try await app.test { client in
            let socket = try await client.socket()
            #expect(try await socket.request("deep") == deep)
            try socket.emit("large", 3_000_000)
            let large = try await socket.next("large")
            #expect(large.arguments.first?.stringValue?.utf8.count == 3_000_000)
            #expect(large.arguments.last?.binaryValue?.count == 3_000_000)
        }
    }

    @Test("a client that reads nothing for a while gets the latest, under a policy that drops")
    func slowClient() async throws {
        let (app, realtime) = application {
            $0.slowClients = .dropOldest(maxBytes: 10_000)
        } _: { _ in
        }
        try await app.test { client in
            let socket = try await client.socket()
            try await socket.pauseReading()
            for number in 0..<3000 { realtime.root.emit("n", number, String(repeating: "x", count: 1000)) }
            #expect(realtime.metrics.droppedOldest > 0)
            try await socket.resumeReading()
            realtime.root.emit("end")
            _ = try await socket.next("end")
            let numbers = try socket.received.map { try $0.decode(Int.self) }
            #expect(numbers.last == 2999 && numbers.count < 3000 && numbers == numbers.sorted())
        }
    }

    @Test("a flood ends the connection, and the test is told how")
    func flood() async throws {
        let (app, _) = application {
            $0.flood = FloodLimit(packetsPerSecond: 10, action: .disconnect)
        } _: { _ in
        }
        try await app.test { client in
            let socket = try await client.socket()
            for _ in 0..<1000 { try socket.emit("echo", 1) }
            #expect(try await socket.waitForDisconnection() == .connection(closeCode: 1006))
        }
    }

    @Test("an identity that expires is asked for anew, by the test's clock")
    func identity() async throws {
        let (app, _) = application { realtime in
            realtime.root.use { handshake in
                let token: String = try handshake.auth("token")
                guard token == "good" else { throw ConnectError("bad") }
                handshake.expires(after: .seconds(300))
            }
        }
        let clock = ManualClock()
        try await app.test(.memory(clock: clock)) { client in
            let socket = try await client.socket(auth: ["token": "good"])
            await clock.advance(by: .seconds(240))
            let question = try await socket.next("refresh")
            #expect(question.arguments == [60_000])
            try question.acknowledge(["token": "good"])
            #expect(try await socket.request("echo", 1) == 1)
            await clock.advance(by: .seconds(299))
            #expect(socket.isConnected)
            await clock.advance(by: .seconds(2))
            #expect(try await socket.waitForDisconnection() == .byServer)
        }
    }

    @Test("namespaces by pattern, with recovery: each client comes back to its own")
    func patterns() async throws {
        let (app, realtime) = application {
            $0.recovery = RecoveryOptions()
        } _: { realtime in
            realtime.namespace(matching: "/doc/:id", removesEmpty: true)
        }
        try await app.test { client in
            let first = try await client.socket("/doc/1")
            let second = try await client.socket("doc/2")
            realtime.namespace("/doc/1").emit("edit", "a")
            #expect(try await first.next("edit").arguments == ["a"])
            first.reset()
            second.reset()
            try await wait { realtime.sessionCount == 0 }
            realtime.namespace("/doc/1").emit("edit", "b")
            realtime.namespace("/doc/2").emit("edit", "c")
            let back = try await client.socket("/doc/1", recovering: first)
            let other = try await client.socket("/doc/2", recovering: second)
            #expect(back.id == first.id && other.id == second.id)
            #expect(try await back.next("edit").arguments == ["b"])
            #expect(try await other.next("edit").arguments == ["c"])
            await #expect(throws: TestSocketError.refused(message: "Invalid namespace", data: nil)) {
                try await client.socket("/doc")
            }
        }
    }

    /// An application whose events are never handled, and heartbeats come soon.
    private func stuck(_ gate: AsyncStream<Void>) -> (Application, Realtime) {
        application {
            $0.engine.pingInterval = .milliseconds(50)
            $0.engine.pingTimeout = .milliseconds(50)
        } _: { realtime in
            realtime.root.on("stuck") { _ in for await _ in gate {} }
        }
    }

    @Test("a client that goes while its events are stuck, and nobody reads from it, is gone")
    func vanishing() async throws {
        let (gate, opener) = AsyncStream<Void>.makeStream()
        let (app, realtime) = stuck(gate)
        try await app.test(.live) { client in
            let socket = try await client.socket()
            for _ in 0..<1002 { try socket.emit("stuck") }
            try await Task.sleep(for: .milliseconds(500))
            #expect(realtime.sessionCount == 1)
            socket.reset()
            try await wait { realtime.sessionCount == 0 }
            opener.finish()
        }
    }

    @Test("so is one by polling, whose POST is held up")
    func vanishingPoll() async throws {
        let (gate, opener) = AsyncStream<Void>.makeStream()
        let (app, realtime) = stuck(gate)
        try await app.test(.live) { client in
            let opening = try await client.get("/socket.io/?EIO=4&transport=polling").text
            let sid = try #require(opening.firstMatch(of: /"sid":"([^"]+)"/)?.1)
            let target = "/socket.io/?EIO=4&transport=polling&sid=\(sid)"
            func post(_ packets: [String]) -> String {
                let body = packets.joined(separator: "\u{1E}")
                return
                    "POST \(target) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            let connection = try await client.connect()
            connection.send(post(["40"]))
            #expect(try await connection.read() != nil)
            #expect(try await client.get(target).text.hasPrefix("40"))
            connection.send(post([String](repeating: #"42["stuck"]"#, count: 1000)))
            #expect(try await connection.read() != nil)
            connection.send(post([#"42["stuck"]"#, #"42["stuck"]"#]))
            try await Task.sleep(for: .milliseconds(300))
            #expect(realtime.sessionCount == 1)
            connection.reset()
            try await wait { realtime.sessionCount == 0 }
            opener.finish()
        }
    }
}
