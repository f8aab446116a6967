import ParleyTransport
import Testing

@testable import ParleyRealtime

/// By a clock that the test puts forward: 25 s to a ping, 20 s for the pong.
@Suite("Heartbeat")
struct HeartbeatTests {
    /// A client whose socket's handler of `wait` suspends until the gate opens, as many as it likes.
    private struct Session {
        let manual: ManualLoop
        let client: WebSocketClient
        let journal = SynchronousJournal()
        let gate = Gate()

        init(revision: Int = 4) async throws {
            var options = RealtimeOptions()
            options.engine.allowsEngineIO3 = true
            let realtime = Realtime(options: options)
            let (journal, gate) = (journal, gate)
            realtime.root.onDisconnect { _, reason in journal.add(reason.rawValue) }
            realtime.root.on("wait") { _ in await gate.wait() }
            manual = try await ManualLoop()
            client = try await WebSocketClient.open(realtime, revision: revision, loop: manual.loop)
            if revision == 4 { await client.send("40") }
            try await manual.settle()
            _ = client.take()
        }

        /// More events than a mailbox takes: the client is not read from.
        func fill() async throws {
            await client.send([String](repeating: #"42["wait"]"#, count: 1001))
            try await manual.settle()
            #expect(client.isPaused)
        }

        func open() async throws {
            await gate.open()
            for _ in 0..<1000 where client.isPaused { try await Task.sleep(for: .milliseconds(2)) }
            #expect(!client.isPaused)
        }

        /// Lets time pass; returns what came meanwhile.
        func pass(_ duration: Duration) async throws -> [String] {
            try await manual.advance(by: duration)
            return client.take()
        }
    }

    @Test("a ping comes 25 s after the last pong; a client that is silent for 20 s behind it is gone")
    func silence() async throws {
        let session = try await Session()
        #expect(try await session.pass(.milliseconds(24_999)) == [])
        #expect(try await session.pass(.milliseconds(1)) == ["2"])
        #expect(try await session.pass(.seconds(19)) == [])
        await session.client.send("3")
        #expect(try await session.pass(.milliseconds(24_999)) == [])
        #expect(try await session.pass(.milliseconds(1)) == ["2"])
        #expect(try await session.pass(.milliseconds(19_999)) == [])
        #expect(session.journal.entries == [])
        #expect(try await session.pass(.milliseconds(1)) == ["closed"])
        #expect(session.journal.entries == ["ping timeout"])
        await session.manual.end()
    }

    @Test("a client that the server does not read from is not gone: its pong waits behind its events")
    func pausedClient() async throws {
        let session = try await Session()
        try await session.fill()
        #expect(try await session.pass(.seconds(25)) == ["2"])
        #expect(try await session.pass(.seconds(300)).allSatisfy { $0 == "WebSocket ping" })
        try await session.open()
        #expect(try await session.pass(.seconds(15)) == [])
        await session.client.send("3")
        #expect(try await session.pass(.seconds(25)) == ["2"])
        #expect(session.journal.entries == [])
        await session.manual.end()
    }

    @Test("a client that is silent once it is read from again is gone")
    func pausedAndSilent() async throws {
        let session = try await Session()
        #expect(try await session.pass(.seconds(25)) == ["2"])
        try await session.fill()
        #expect(try await session.pass(.seconds(30)) == ["WebSocket ping"])
        try await session.open()
        #expect(try await session.pass(.seconds(40)) == ["closed"])
        #expect(session.journal.entries == ["ping timeout"])
        await session.manual.end()
    }

    @Test(
        "a client of Engine.IO 3, which pings by itself, has 45 s, and time anew when it is read from again")
    func oldClient() async throws {
        let session = try await Session(revision: 3)
        #expect(try await session.pass(.seconds(44)) == [])
        await session.client.send("2")
        #expect(try await session.pass(.seconds(44)) == ["3"])
        try await session.fill()
        #expect(try await session.pass(.seconds(300)).allSatisfy { $0 == "WebSocket ping" })
        try await session.open()
        #expect(try await session.pass(.seconds(40)) == [])
        await session.client.send("2")
        #expect(try await session.pass(.milliseconds(44_999)) == ["3"])
        #expect(session.journal.entries == [])
        #expect(try await session.pass(.milliseconds(1)) == ["closed"])
        await session.manual.end()
    }

    @Test("a client of Engine.IO 3 that was not read from long ago is not excused for it")
    func longAgo() async throws {
        let session = try await Session(revision: 3)
        try await session.fill()
        try await session.open()
        await session.client.send("2")
        #expect(try await session.pass(.milliseconds(44_999)) == ["3"])
        #expect(try await session.pass(.milliseconds(1)) == ["closed"])
        #expect(session.journal.entries == ["ping timeout"])
        await session.manual.end()
    }

    /// Sessions by polling, on a loop whose clock the test puts forward.
    private func poll(
        _ body: (PollingClient, ManualLoop, Gate, SynchronousJournal) async throws -> Void
    ) async throws {
        let (journal, gate) = (SynchronousJournal(), Gate())
        let realtime = Realtime()
        realtime.root.onDisconnect { _, reason in journal.add(reason.rawValue) }
        realtime.root.on("wait") { _ in await gate.wait() }
        let manual = try await ManualLoop()
        let client = try await PollingClient(realtime, loop: manual.loop)
        #expect(try await client.send("40") == 200)
        #expect(try await client.next().hasPrefix("40"))
        try await body(client, manual, gate, journal)
        await manual.end()
    }

    @Test("by polling: the ping answers the poll that waits, and silence behind it ends the session")
    func polling() async throws {
        try await poll { client, manual, _, journal in
            for _ in 0..<3 {
                let waiting = Task { try await client.next() }
                try await manual.advance(by: .seconds(25))
                #expect(try await waiting.value == "2")
                try await manual.advance(by: .seconds(19))
                #expect(try await client.send("3") == 200)
            }
            let waiting = Task { try await client.next() }
            try await manual.advance(by: .milliseconds(44_999))
            #expect(try await waiting.value == "2" && journal.entries == [])
            try await manual.advance(by: .milliseconds(1))
            #expect(journal.entries == ["ping timeout"])
            #expect(try await client.send("3") == 400)
        }
    }

    @Test(
        "by polling: whose POST is held up, for its events, can't answer, and is not gone; who then stays silent is"
    )
    func pausedPolling() async throws {
        try await poll { client, manual, gate, journal in
            let events = [String](repeating: #"42["wait"]"#, count: 1000).joined(separator: "\u{1E}")
            #expect(try await client.send(events) == 200)
            let held = Task { try await client.send(#"42["wait"]"#, #"42["wait"]"#) }
            let session = try #require(client.realtime.root.sockets.first?.client.session)
            for _ in 0..<1000 where !session.state.withLock({ $0.isInboundPaused }) {
                try await Task.sleep(for: .milliseconds(1))
            }
            let waiting = Task { try await client.next() }
            try await manual.advance(by: .seconds(25))
            #expect(try await waiting.value == "2")
            try await manual.advance(by: .seconds(300))
            #expect(journal.entries == [])
            await gate.open()
            #expect(try await held.value == 200)
            try await manual.advance(by: .seconds(15))
            #expect(try await client.send("3") == 200)
            try await manual.advance(by: .milliseconds(44_999))
            #expect(journal.entries == [])
            try await manual.advance(by: .milliseconds(1))
            #expect(journal.entries == ["ping timeout"])
        }
    }
}
