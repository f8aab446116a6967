import ParleyTransport
import Synchronization
import Testing

@testable import ParleyRealtime

@Suite("Clients that take events more slowly than they are emitted")
struct SlowClientTests {
    private static let text = String(repeating: "x", count: 1000)

    /// Emits until the client is behind: what comes next waits in the session.
    private func fill(_ realtime: Realtime) throws -> Int {
        for number in 0..<1000 {
            let socket = try #require(realtime.root.sockets.first)
            guard case .sent = socket.emit("fill", number, Self.text) else { return number }
        }
        throw WebSocketClient.Silence()
    }

    private func numbers(_ messages: [String], _ event: String) -> [Int] {
        messages.compactMap { message in
            guard message.hasPrefix(#"42["\#(event)","#) else { return nil }
            return Int(message.dropFirst(event.count + 6).prefix { $0.isNumber })
        }
    }

    @Test("the oldest make room, what may not be dropped stays, and the order is kept")
    func dropOldest() async throws {
        let realtime = Realtime()
        realtime.root.slowClients = .dropOldest(maxBytes: 20_000)
        realtime.root.on("ask") { (_: Socket) -> String in "acknowledged" }
        let client = try await SlowClient(realtime)
        try await client.stopReading()
        let held = try fill(realtime)
        #expect(held >= 60 && held < 80)
        try await client.send(#"421["ask"]"#)
        for number in 0..<5000 { realtime.root.emit("n", number, Self.text) }
        #expect(realtime.metrics.droppedOldest > 4900)
        try await client.readOn()
        realtime.root.emit("end")
        let messages = try await client.take(through: #"42["end"]"#)
        #expect(numbers(messages, "fill").prefix(held).elementsEqual(0..<held))
        let received = numbers(messages, "n")
        #expect(received.last == 4999 && received.count < 20)
        #expect(received == Array((5000 - received.count)..<5000))
        #expect(messages.contains(#"431["acknowledged"]"#))
    }

    @Test("the newest are dropped, and emit says so")
    func dropNewest() async throws {
        let realtime = Realtime()
        realtime.root.slowClients = .dropNewest(maxBytes: 20_000)
        let client = try await SlowClient(realtime)
        try await client.stopReading()
        _ = try fill(realtime)
        let socket = try #require(realtime.root.sockets.first)
        var dropped = 0
        for number in 0..<1000 {
            if case .dropped = socket.emit("n", number, Self.text) { dropped += 1 }
        }
        #expect(dropped > 970 && realtime.metrics.droppedNewest == dropped)
        try await client.readOn()
        while await socket.drained() == false {}
        realtime.root.emit("end")
        let received = numbers(try await client.take(through: #"42["end"]"#), "n")
        #expect(received == Array(0..<(1000 - dropped)))
    }

    @Test("a later event replaces the one that waits under its key, and comes in its own place")
    func coalescing() async throws {
        let realtime = Realtime()
        let client = try await SlowClient(realtime)
        realtime.root.emit("cursor", -1, coalescing: "cursor:7")
        #expect(try await client.next() == #"42["cursor",-1]"#)
        try await client.stopReading()
        realtime.root.slowClients = .dropNewest(maxBytes: 100_000)
        _ = try fill(realtime)
        for number in 0..<1000 {
            realtime.root.emit("cursor", number, coalescing: "cursor:7")
            if number == 500 { realtime.root.emit("between") }
        }
        realtime.root.emit("other", 1, coalescing: "cursor:8")
        #expect(realtime.metrics.coalesced == 999)
        try await client.readOn()
        let messages = try await client.take(through: #"42["other",1]"#)
        #expect(messages.suffix(3) == [#"42["between"]"#, #"42["cursor",999]"#, #"42["other",1]"#])
    }

    @Test("an event of a key that does not fit leaves the one that it would have replaced")
    func coalescingBeyondTheLimit() async throws {
        let realtime = Realtime()
        realtime.root.slowClients = .dropNewest(maxBytes: 3000)
        let client = try await PollingClient.join(realtime)
        realtime.root.emit("fill", Self.text)
        realtime.root.emit("state", 1, coalescing: "k")
        realtime.root.emit("state", String(repeating: "x", count: 5000), coalescing: "k")
        realtime.root.emit("end")
        #expect(try await client.next().hasPrefix(#"42["fill""#))
        #expect(try await client.next() == #"42["state",1]"#)
        #expect(try await client.next() == #"42["end"]"#)
        #expect(realtime.metrics.droppedNewest == 1 && realtime.metrics.coalesced == 0)
    }

    @Test("an event that can't fit makes nothing go")
    func largerThanTheLimit() async throws {
        let realtime = Realtime()
        realtime.root.slowClients = .dropOldest(maxBytes: 3000)
        let client = try await PollingClient.join(realtime)
        realtime.root.emit("fill", Self.text)
        realtime.root.emit("big", String(repeating: "x", count: 5000))
        #expect(realtime.metrics.droppedOldest == 0 && realtime.metrics.droppedNewest == 1)
        #expect(try await client.next().hasPrefix(#"42["fill""#))
    }

    @Test(
        "a polling client that is not behind gets an event of any size, as one with a WebSocket does",
        arguments: [
            SlowClientPolicy.dropNewest(maxBytes: 500), .dropOldest(maxBytes: 500),
            .disconnect(maxBytes: 500),
        ])
    func notBehind(policy: SlowClientPolicy) async throws {
        let realtime = Realtime()
        realtime.root.slowClients = policy
        let client = try await PollingClient.join(realtime)
        let socket = try #require(realtime.root.sockets.first)
        for _ in 0..<2 {
            #expect(socket.emit("big", Self.text).isSent)
            #expect(try await client.next().hasPrefix(#"42["big""#))
        }
    }

    @Test("a client may be disconnected, which leaves its session to be recovered")
    func disconnect() async throws {
        var options = RealtimeOptions()
        options.slowClients = .disconnect(maxBytes: 20_000)
        let realtime = Realtime(options: options)
        let journal = SynchronousJournal()
        realtime.root.onDisconnect { _, reason in journal.add(reason.rawValue) }
        let client = try await SlowClient(realtime)
        try await client.stopReading()
        for number in 0..<200 { realtime.root.emit("n", number, Self.text) }
        #expect(try await journal.wait(for: 1) == ["transport error"])
        #expect(realtime.metrics.slowClientsDisconnected == 1)
        #expect(realtime.sessionCount == 0)
    }

    @Test("a client that was disconnected for being slow comes back to everything, in order")
    func disconnectAndRecover() async throws {
        var options = RealtimeOptions()
        options.slowClients = .disconnect(maxBytes: 3000)
        options.recovery = RecoveryOptions()
        let realtime = Realtime(options: options)
        let slow = try await PollingClient(realtime)
        try await slow.send("40")
        let connect = try await slow.next()
        let pid = try #require(connect.firstMatch(of: /"pid":"([^"]+)"/)?.1)
        for number in 0..<6 { realtime.root.emit("n", number, Self.text) }
        #expect(realtime.metrics.slowClientsDisconnected == 1)
        while realtime.sessionCount > 0 { try await Task.sleep(for: .milliseconds(1)) }
        for number in 6..<8 { realtime.root.emit("n", number, Self.text) }
        let webSocket = try await WebSocketClient.open(realtime)
        _ = try await webSocket.next()
        await webSocket.send(#"40{"pid":"\#(pid)"}"#)
        #expect(try await webSocket.next() == connect)
        var received: [String] = []
        while received.count < 8 { received.append(try await webSocket.next()) }
        #expect(numbers(received, "n") == Array(0..<8))
    }

    @Test("without a policy, the connection's own limit ends a client that reads nothing")
    func connectionLimit() async throws {
        let realtime = Realtime()
        let client = try await SlowClient(realtime)
        try await client.stopReading()
        for number in 0..<2000 where !realtime.root.sockets.isEmpty {
            for _ in 0..<10 { realtime.root.emit("n", number, Self.text) }
            try await Task.sleep(for: .microseconds(100))
        }
        for _ in 0..<1000 where realtime.sessionCount > 0 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(realtime.sessionCount == 0)
    }

    @Test("who waits for drained() sends everything, and never holds more than the mark")
    func drained() async throws {
        let realtime = Realtime()
        let client = try await SlowClient(realtime)
        let most = Atomic(0)
        realtime.root.on("rows") { (socket: Socket, count: Int) async in
            for number in 0..<count {
                guard await socket.drained() else { return }
                socket.emit("n", number, Self.text)
                let pending = socket.client.session.pendingBytes
                if pending > most.load(ordering: .relaxed) { most.store(pending, ordering: .relaxed) }
            }
            socket.emit("end")
        }
        try await client.stopReading()
        try await client.send(#"42["rows",2000]"#)
        try await Task.sleep(for: .milliseconds(50))
        try await client.readOn()
        #expect(numbers(try await client.take(through: #"42["end"]"#), "n") == Array(0..<2000))
        #expect(most.load(ordering: .relaxed) < 70_000)
    }

    @Test("waiting ends with the session, and with the task")
    func waitingEnds() async throws {
        let realtime = Realtime()
        let client = try await SlowClient(realtime)
        try await client.stopReading()
        realtime.root.slowClients = .dropNewest()
        _ = try fill(realtime)
        let socket = try #require(realtime.root.sockets.first)
        let cancelled = Task { await socket.emitWhenWritable("late") }
        let waiting = Task { await socket.drained() }
        try await Task.sleep(for: .milliseconds(20))
        cancelled.cancel()
        guard case .dropped = await cancelled.value else {
            Issue.record("not cancelled")
            return
        }
        socket.client.session.close(.transportClose)
        #expect(await waiting.value == false)
        #expect(await socket.drained() == false)
    }

    @Test("for polling, too: what waits for the next poll is bounded, and who waits is woken by it")
    func polling() async throws {
        let realtime = Realtime()
        realtime.root.slowClients = .dropOldest(maxBytes: 20_000)
        let client = try await PollingClient.join(realtime)
        let socket = try #require(realtime.root.sockets.first)
        for number in 0..<1000 { socket.emit("n", number, Self.text) }
        let woken = Task { await socket.drained() }
        try await Task.sleep(for: .milliseconds(10))
        let (_, body) = try await client.get()
        let received = numbers(body.split(separator: "\u{1E}").map(String.init), "n")
        #expect(received.last == 999 && received.count > 10 && received.count < 20)
        #expect(await woken.value)
        #expect(realtime.metrics.droppedOldest == 1000 - received.count)
    }

    @Test("what is volatile, and what a neighbour gets, is not held up by a client that is behind")
    func neighbours() async throws {
        let realtime = Realtime()
        realtime.root.slowClients = .dropOldest(maxBytes: 20_000)
        let slow = try await SlowClient(realtime)
        try await slow.stopReading()
        _ = try fill(realtime)
        let quick = try await SlowClient(realtime)
        for number in 0..<500 {
            realtime.root.emit("n", number, Self.text)
            #expect(try await quick.next() == #"42["n",\#(number),"\#(Self.text)"]"#)
        }
        realtime.root.volatile.emit("gauge")
        #expect(try await quick.next() == #"42["gauge"]"#)
        #expect(realtime.metrics.volatileDropped == 1)
    }

    @Test("a session that upgrades takes along what waits, and those who wait")
    func upgrade() async throws {
        let realtime = Realtime()
        realtime.root.slowClients = .dropNewest()
        let client = try await PollingClient.join(realtime)
        let webSocket = try await WebSocketClient.open(realtime, sid: client.sid)
        await webSocket.send("2probe")
        #expect(try await webSocket.next() == "3probe")
        realtime.root.emit("n", 1)
        let socket = try #require(realtime.root.sockets.first)
        let woken = Task { await socket.drained() }
        try await Task.sleep(for: .milliseconds(10))
        await webSocket.send("5")
        #expect(try await webSocket.next() == #"42["n",1]"#)
        #expect(await woken.value)
    }

    @Test(
        "whatever the policy, no more than maxPendingBytes waits for a WebSocket: beyond it the client is gone"
    )
    func pendingBytes() async throws {
        for policy in [SlowClientPolicy.dropNewest(maxBytes: 1 << 20), .dropOldest(maxBytes: 1 << 20)] {
            var options = RealtimeOptions()
            options.slowClients = policy
            options.engine.maxPendingBytes = 30_000
            let realtime = Realtime(options: options)
            let journal = SynchronousJournal()
            realtime.root.onDisconnect { _, reason in journal.add(reason.rawValue) }
            let client = try await SlowClient(realtime)
            try await client.stopReading()
            _ = try fill(realtime)
            let socket = try #require(realtime.root.sockets.first)
            var waiting = 1
            while socket.emit("n", Self.text).isSent, waiting < 100 { waiting += 1 }
            #expect(waiting >= 25 && waiting <= 30)
            #expect(try await journal.wait(for: 1) == ["transport error"])
            #expect(
                realtime.sessionCount == 0 && socket.client.session.state.withLock { $0.queue.bytes } == 0)
        }
    }

    @Test(
        "acknowledgements may not be dropped: a client that asks and never reads is gone at maxPendingBytes")
    func pendingAcknowledgements() async throws {
        var options = RealtimeOptions()
        options.slowClients = .dropOldest(maxBytes: 5000)
        options.engine.maxPendingBytes = 30_000
        let realtime = Realtime(options: options)
        let journal = SynchronousJournal()
        realtime.root.on("ask") { (_: Socket) -> String in Self.text }
        realtime.root.onDisconnect { _, reason in journal.add(reason.rawValue) }
        let client = try await SlowClient(realtime)
        try await client.stopReading()
        _ = try fill(realtime)
        for id in 0..<20 { try await client.send(#"42\#(id)["ask"]"#) }
        try await Task.sleep(for: .milliseconds(50))
        #expect(realtime.sessionCount == 1 && journal.entries == [])
        for id in 20..<200 where realtime.sessionCount > 0 { try await client.send(#"42\#(id)["ask"]"#) }
        #expect(try await journal.wait(for: 1) == ["transport error"])
        #expect(realtime.sessionCount == 0)
    }
}
