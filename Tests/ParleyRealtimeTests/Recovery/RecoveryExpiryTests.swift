import ParleyTransport
import Testing

@testable import ParleyRealtime

@Suite("What is kept for clients that are away is bounded")
struct RecoveryExpiryTests {
    private struct User: Sendable { var name: String }

    private func makeRealtime(_ change: (inout RecoveryOptions) -> Void = { _ in }) -> Realtime {
        var options = RealtimeOptions()
        var recovery = RecoveryOptions()
        change(&recovery)
        options.recovery = recovery
        let realtime = Realtime(options: options)
        realtime.root.onConnection { socket in
            socket.join("red")
            socket[User.self] = User(name: "ada")
        }
        return realtime
    }

    private func journalExpiries(of realtime: Realtime) -> SynchronousJournal {
        let expired = SynchronousJournal()
        realtime.root.onRecoveryExpired { session in
            let entry = "\(session.id) \(session[User.self]?.name ?? "-") \(session.rooms) \(session.reason)"
            expired.add(entry)
        }
        return expired
    }

    @Test("by time: the session is given up, with its rooms and data at hand, and its events with it")
    func time() async throws {
        let manual = try await ManualLoop()
        let realtime = makeRealtime()
        let expired = journalExpiries(of: realtime)
        let client = try await RecoveringClient(realtime, loop: manual.loop)
        await client.cut()
        realtime.root.emit("news", 1)
        try await manual.advance(by: .seconds(119))
        #expect(expired.entries.isEmpty)
        try await manual.advance(by: .seconds(2))
        #expect(expired.entries == [#"\#(client.id) ada ["red"] timeout"#])
        #expect(realtime.root.recovery?.state.withLock { $0.saved.count } == 0)
        try await manual.advance(by: .seconds(200))
        #expect(realtime.root.recovery?.state.withLock { $0.log.count } == 0)
        #expect(realtime.root.recovery?.state.withLock { $0.isArmed } == false)
        let back = try await RecoveringClient.back(client, to: realtime, loop: manual.loop)
        #expect(back.id != client.id)
        #expect(realtime.metrics.recoveryExpired == 1)
        await manual.end()
    }

    @Test("a client that was idle for hours, and away for a minute, comes back")
    func idle() async throws {
        let manual = try await ManualLoop()
        let realtime = makeRealtime()
        let client = try await RecoveringClient(realtime, loop: manual.loop)
        realtime.root.emit("news", 1)
        _ = try await client.event()
        for _ in 0..<200 {
            realtime.root.to("elsewhere").emit("news", "for others")
            try await manual.advance(by: .seconds(30))
            await client.webSocket.send(client.webSocket.take().contains("2") ? ["3"] : [])
        }
        #expect((realtime.root.recovery?.state.withLock { $0.log.count } ?? 99) < 10)
        await client.cut()
        try await manual.advance(by: .seconds(60))
        realtime.root.emit("news", 2)
        let back = try await RecoveringClient.back(client, to: realtime, loop: manual.loop)
        #expect(back.id == client.id)
        #expect(try await back.event() == #""news",2"#)
        await manual.end()
    }

    @Test("by count of events: a client that missed more than there are is a new one")
    func events() async throws {
        let realtime = makeRealtime { $0.maxPackets = 10 }
        let expired = journalExpiries(of: realtime)
        let lucky = try await RecoveringClient(realtime)
        let unlucky = try await RecoveringClient(realtime)
        await unlucky.cut()
        realtime.root.emit("news", 0)
        await lucky.cut()
        for number in 1...10 { realtime.root.emit("news", number) }
        let back = try await RecoveringClient.back(unlucky, to: realtime)
        #expect(back.id != unlucky.id)
        #expect(expired.entries.count == 1 && expired.entries[0].hasSuffix("eventsDropped"))
        #expect(try await lucky.event() == #""news",0"#)
        let again = try await RecoveringClient.back(lucky, to: realtime)
        #expect(again.id == lucky.id)
        for number in 1...10 { #expect(try await again.event() == #""news",\#(number)"#) }
    }

    @Test("by the bytes that one client missed: no more than half of what may wait for a slow one")
    func missedBytes() async throws {
        var options = RealtimeOptions()
        options.recovery = RecoveryOptions()
        options.engine.maxPendingBytes = 4000
        let realtime = Realtime(options: options)
        let expired = journalExpiries(of: realtime)
        for (count, isSame) in [(1, true), (3, false)] {
            let client = try await RecoveringClient(realtime)
            await client.cut()
            for _ in 0..<count { realtime.root.emit("news", String(repeating: "x", count: 800)) }
            let back = try await RecoveringClient.back(client, to: realtime)
            #expect((back.id == client.id) == isSame)
            await back.cut()
        }
        #expect(expired.entries.map { $0.hasSuffix("eventsDropped") } == [true])
    }

    @Test("by count of sessions: the one that has been away longest goes")
    func sessions() async throws {
        let realtime = makeRealtime { $0.maxSessions = 2 }
        let expired = journalExpiries(of: realtime)
        var clients: [RecoveringClient] = []
        for _ in 0..<3 { clients.append(try await RecoveringClient(realtime)) }
        for client in clients { await client.cut() }
        #expect(expired.entries == [#"\#(clients[0].id) ada ["red"] tooManySessions"#])
        for (client, comesBack) in zip(clients, [false, true, true]) {
            let back = try await RecoveringClient.back(client, to: realtime)
            #expect((back.id == client.id) == comesBack)
        }
    }

    @Test(
        "by count of sessions when many go at once, from several loops: each that is too many is given up once"
    )
    func burstOfSessions() async throws {
        let realtime = makeRealtime { $0.maxSessions = 50 }
        let expired = journalExpiries(of: realtime)
        let group = try EventLoopGroup(count: 2)
        var clients: [RecoveringClient] = []
        for index in 0..<200 {
            clients.append(try await RecoveringClient(realtime, loop: group.loops[index % 2]))
        }
        let (webSockets, ids) = (clients.map(\.webSocket), Set(clients.map(\.id)))
        await withTaskGroup(of: Void.self) { tasks in
            for webSocket in webSockets { tasks.addTask { await webSocket.disconnect() } }
        }
        let gone = try await expired.wait(for: 150)
        #expect(gone.count == 150 && gone.allSatisfy { $0.hasSuffix("tooManySessions") })
        #expect(realtime.root.recovery?.state.withLock { $0.saved.count } == 50)
        let goneIDs = Set(gone.map { String($0.prefix { $0 != " " }) })
        #expect(goneIDs.count == 150 && goneIDs.isSubset(of: ids))
        var recovered = 0
        for client in clients {
            let back = try await RecoveringClient.back(client, to: realtime, loop: group.loops[0])
            if back.id == client.id { recovered += 1 }
        }
        #expect(recovered == 50)
        await group.shutdown()
    }

    @Test("while nobody can come back, nothing is kept")
    func nobody() async throws {
        let realtime = makeRealtime()
        for _ in 0..<100 { realtime.root.emit("news", 1) }
        #expect(realtime.root.recovery?.state.withLock { $0.log.count } == 0)
        let client = try await RecoveringClient(realtime)
        realtime.root.emit("news", 1)
        #expect(try await client.event() == #""news",1"#)
        #expect(realtime.root.recovery?.state.withLock { $0.log.count } == 1)
    }

    @Test("clients that come and go while events are emitted on all sides get each event once, in order")
    func concurrency() async throws {
        let realtime = makeRealtime()
        let group = try EventLoopGroup(count: 2)
        let emitter = Task.detached {
            for number in 0..<3000 {
                realtime.root.emit("n", number)
                if number % 20 == 0 { try await Task.sleep(for: .milliseconds(1)) }
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for index in 0..<4 {
                tasks.addTask {
                    var client = try await RecoveringClient(realtime, loop: group.loops[index % 2])
                    var numbers: [Int] = []
                    while numbers.last != 2999 {
                        numbers.append(Int(try await client.event().dropFirst(4)) ?? -1)
                        guard numbers.count % 100 == 0 else { continue }
                        await client.cut()
                        let back = try await RecoveringClient.back(
                            client, to: realtime, loop: group.loops[numbers.count / 100 % 2])
                        #expect(back.id == client.id)
                        client = back
                    }
                    #expect(numbers == Array((numbers.first ?? 0)...2999))
                }
            }
            try await tasks.waitForAll()
        }
        try await emitter.value
        await group.shutdown()
    }
}
