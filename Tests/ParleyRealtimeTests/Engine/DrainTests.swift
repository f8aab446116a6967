import ParleyTransport
import Testing

@testable import ParleyHTTP
@testable import ParleyRealtime

@Suite("A server that takes leave of its clients")
struct DrainTests {
    @Test("sessions end at random moments within the time, none before it began and none after it")
    func spread() async throws {
        let manual = try await ManualLoop()
        let realtime = Realtime()
        let journal = SynchronousJournal()
        realtime.root.onDisconnect { _, reason in journal.add(reason.rawValue) }
        var clients: [WebSocketClient] = []
        for _ in 0..<200 {
            let client = try await WebSocketClient.open(realtime, loop: manual.loop)
            await client.send("40")
            clients.append(client)
        }
        let drain = Task { await realtime.drain(over: .seconds(10)) }
        for _ in 0..<100 { try await manual.settle() }
        var counts: [Int] = []
        for _ in 0..<10 {
            try await manual.advance(by: .seconds(1))
            counts.append(200 - realtime.sessionCount)
        }
        await drain.value
        #expect(counts[0] > 4 && counts[0] < 50, "\(counts)")
        #expect(counts[4] > 60 && counts[4] < 140, "\(counts)")
        #expect(counts[9] == 200)
        #expect(journal.entries == Array(repeating: "server shutting down", count: 200))
        await manual.end()
    }

    @Test("new sessions are refused, those that there are go on until their moment")
    func goesOn() async throws {
        let manual = try await ManualLoop()
        var options = RealtimeOptions()
        options.engine.pingInterval = .seconds(3600)
        let realtime = Realtime(options: options)
        realtime.root.on("ask") { (_: Socket) -> String in "answer" }
        let client = try await PollingClient(realtime, loop: manual.loop)
        try await client.send("40")
        _ = try await client.next()
        let drain = Task { await realtime.drain(over: .seconds(1000)) }
        for _ in 0..<100 { try await manual.settle() }
        try await client.send(#"421["ask"]"#)
        #expect(try await client.next() == #"431["answer"]"#)
        let request = Request(target: "/socket.io/?EIO=4&transport=polling", loop: manual.loop)
        #expect(try await PollingClient.call(realtime, request).0 == 503)
        let loop = manual.loop
        let poll = Task(executorPreference: loop) { try await client.get() }
        for _ in 0..<100 { try await manual.settle() }
        try await manual.advance(by: .seconds(1000))
        #expect(try await poll.value == (200, "1"))
        await drain.value
        await manual.end()
    }

    @Test(
        "a session whose event is being handled is closed behind its acknowledgement",
        arguments: [HandlerOrder.inOrder, .concurrent])
    func busy(order: HandlerOrder) async throws {
        let realtime = Realtime()
        let gate = Gate()
        realtime.root.on("ask", order: order) { (_: Socket) async -> String in
            await gate.wait()
            return "answer"
        }
        let client = try await WebSocketClient.open(realtime)
        await client.send("40", #"421["ask"]"#)
        _ = try await client.next()
        _ = try await client.next()
        let drain = Task { await realtime.drain(over: .milliseconds(800)) }
        try await Task.sleep(for: .milliseconds(50))
        await gate.open()
        #expect(try await client.next() == #"431["answer"]"#)
        await drain.value
        #expect(try await client.next() == "closed")
        #expect(realtime.sessionCount == 0)
    }

    @Test("a handler that does not end in time is not waited for")
    func hangs() async throws {
        let realtime = Realtime()
        let gate = Gate()
        realtime.root.on("hang") { _ async in await gate.wait() }
        let client = try await WebSocketClient.open(realtime)
        await client.send("40", #"42["hang"]"#)
        await realtime.drain(over: .milliseconds(50))
        #expect(realtime.sessionCount == 0)
        await gate.open()
    }

    @Test("without sessions there is nothing to wait for")
    func empty() async {
        await Realtime().drain(over: .seconds(100))
    }

    private actor Gate {
        private var isOpen = false
        private var waiting: [CheckedContinuation<Void, Never>] = []

        func wait() async {
            if isOpen { return }
            await withCheckedContinuation { waiting.append($0) }
        }

        func open() {
            isOpen = true
            for continuation in waiting { continuation.resume() }
        }
    }
}
