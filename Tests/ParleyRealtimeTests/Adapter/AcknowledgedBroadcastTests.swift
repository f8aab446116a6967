import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyRealtime

@Suite("Broadcasts with acknowledgements")
struct AcknowledgedBroadcastTests {
    /// Clients in a room, by the ids of their sockets.
    private func clients(_ count: Int, _ realtime: Realtime) async throws -> [String: PollingClient] {
        var clients: [String: PollingClient] = [:]
        for _ in 0..<count {
            let client = try await PollingClient.join(realtime)
            let id = try #require(realtime.root.sockets.map(\.id).first { clients[$0] == nil })
            clients[id] = client
        }
        realtime.socketsJoin("room")
        return clients
    }

    private func question(_ client: PollingClient) async throws -> String {
        let packet = try await client.next()
        return String(try #require(packet.firstMatch(of: /^42(\d+)\["q",1\]$/)?.1))
    }

    @Test("the value has the replies and the missing: late, gone and unfitting ones")
    func collected() async throws {
        let realtime = Realtime()
        let clients = try await clients(5, realtime)
        async let result = realtime.to("room").timeout(.milliseconds(300)).emitWithAck("q", 1, as: Int.self)
        let ids = Array(clients.keys)
        var numbers: Set<String> = []
        for (index, id) in ids.enumerated() {
            let client = try #require(clients[id])
            let number = try await question(client)
            numbers.insert(number)
            switch index {
            case 0, 1: try await client.send("43\(number)[\(index)]", "43\(number)[99]")
            case 2: try await client.send(#"43\#(number)["text"]"#)
            case 3: try await client.send("41")
            default: break
            }
        }
        let replies = try await result
        #expect(numbers.count == 1)
        #expect(Set(replies.values) == [0, 1])
        #expect(Set(replies.replies.map(\.socketID)) == [ids[0], ids[1]])
        #expect(Set(replies.missing) == [ids[3], ids[4]] && replies.missingCount == 2)
        #expect(replies.invalid.map(\.socketID) == [ids[2]])
        #expect(!replies.isComplete)
        // An answer that is too late is nobody's.
        try await #require(clients[ids[4]]).send("43\(numbers.first ?? "")[1]")
        #expect(realtime.root.sockets.count == 4)
    }

    @Test("nobody to ask is an answer too; a reserved name is an error")
    func nobody() async throws {
        let realtime = Realtime()
        let replies = try await realtime.to("nowhere").emitWithAck("q", as: Int.self)
        #expect(replies.isComplete && replies.values.isEmpty)
        await #expect(throws: EventError.self) {
            try await realtime.root.emitWithAck("connect", as: Int.self)
        }
    }

    @Test("a volatile event that is dropped is not waited for")
    func volatile() async throws {
        let realtime = Realtime()
        let clients = try await clients(1, realtime)
        let replies = try await realtime.volatile.timeout(.seconds(60)).emitWithAck("q", 1, as: Int.self)
        #expect(replies.missing == Array(clients.keys))
    }

    @Test("replies come one by one, before all are there")
    func sequence() async throws {
        let realtime = Realtime()
        let clients = try await clients(3, realtime)
        let sequence = try realtime.root.timeout(.seconds(5)).acknowledgements("q", 1, as: String.self)
        var iterator = sequence.makeAsyncIterator()
        for (id, client) in clients {
            let number = try await question(client)
            try await client.send(#"43\#(number)["from \#(id)"]"#)
            let reply = try #require(await iterator.next())
            #expect(reply.socketID == id)
            #expect(try reply.result.get() == "from \(id)")
        }
        #expect(await iterator.next() == nil)
    }

    @Test("the acknowledgements of a broadcast and of the socket's own events are told apart")
    func ids() async throws {
        let realtime = Realtime()
        let clients = try await clients(1, realtime)
        let client = try #require(clients.values.first)
        let socket = try #require(realtime.root.sockets.first)
        async let broadcast = realtime.root.emitWithAck("q", 1, as: String.self)
        let number = try await question(client)
        async let own = socket.request("own", as: String.self)
        #expect(try await client.next() == #"420["own"]"#)
        try await client.send(#"430["own"]"#, #"43\#(number)["all"]"#)
        #expect(try await own == "own")
        #expect(try await broadcast.values == ["all"])
        #expect(UInt64(number).map { $0 >= 1 << 30 && $0 < 1 << 31 } == true)
    }

    @Test("a task that is cancelled stops waiting, and nothing is kept")
    func cancellation() async throws {
        let realtime = Realtime()
        let clients = try await clients(1, realtime)
        let task = Task { try await realtime.root.timeout(.seconds(60)).emitWithAck("q", 1, as: Int.self) }
        let client = try #require(clients.values.first)
        _ = try await question(client)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("timeouts pass by the loop's clock, which a test may put forward")
    func stoppedClock() async throws {
        let group = try EventLoopGroup(count: 1)
        let loop = group.loops[0]
        try await loop.run { loop.stopClock() }
        let realtime = Realtime()
        let client = try await PollingClient(realtime, loop: loop)
        try await client.send("40")
        #expect(try await client.next().hasPrefix("40"))
        let socket = try #require(realtime.root.sockets.first)
        let own = Task { try await socket.request("own", as: Int.self, timeout: .seconds(20)) }
        async let all = realtime.root.timeout(.seconds(20)).emitWithAck("q", as: Int.self)
        for _ in 0..<2 { _ = try await client.next() }
        for _ in 0..<5 { try await loop.run {} }
        try await loop.run { loop.setClock(loop.now.advanced(by: .seconds(21))) }
        await #expect(throws: AcknowledgementError.timeout(.seconds(20))) { try await own.value }
        #expect(try await all.missing == [socket.id])
        await group.shutdown()
    }

    @Test("who leaves while it is asked counts once, whatever the order", .timeLimit(.minutes(1)))
    func races() async throws {
        let realtime = Realtime()
        for _ in 0..<40 {
            let clients = try await clients(4, realtime)
            async let result = realtime.root.timeout(.seconds(10)).emitWithAck("q", 1, as: Int.self)
            await withThrowingTaskGroup(of: Void.self) { group in
                for (index, client) in clients.values.enumerated() {
                    group.addTask {
                        if index == 0 { return _ = try await client.send("1") }
                        let number = try await question(client)
                        try await client.send("43\(number)[1]", "1")
                    }
                }
            }
            let replies = try await result
            #expect(replies.values.count == 3 && replies.missingCount <= 1)
        }
    }
}
