import Foundation
import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyRealtime

@Suite("Sockets of all servers")
struct ClusterTests {
    struct Profile: Codable, Sendable, Equatable { var name: String }

    private struct Pair {
        let servers: [Realtime]
        let clients: [PollingClient]
        let sockets: [Socket]
    }

    /// Two servers of one cluster, with a client each.
    private func pair() async throws -> Pair {
        let cluster = InMemoryCluster()
        var options = RealtimeOptions()
        options.adapter = cluster.adapter
        let servers = [Realtime(options: options), Realtime(options: options)]
        var clients: [PollingClient] = []
        for server in servers { clients.append(try await PollingClient.join(server)) }
        return Pair(
            servers: servers, clients: clients,
            sockets: try servers.map { try #require($0.root.sockets.first) })
    }

    @Test("broadcasts reach every server, local ones stay")
    func broadcasts() async throws {
        let pair = try await pair()
        for socket in pair.sockets { socket.join("room") }
        pair.servers[0].to("room").emit("all")
        pair.servers[0].local.emit("here")
        pair.sockets[1].broadcast.emit("but me")
        pair.servers[1].to(pair.sockets[0].id).emit("to one")
        pair.servers[1].except(pair.sockets[0].id).emit("end")
        for event in ["all", "here", "but me", "to one"] {
            #expect(try await pair.clients[0].next() == #"42["\#(event)"]"#)
        }
        for event in ["all", "end"] { #expect(try await pair.clients[1].next() == #"42["\#(event)"]"#) }
    }

    @Test("fetchSockets describes all; join, leave, disconnect and count act on all")
    func remoteSockets() async throws {
        let pair = try await pair()
        pair.sockets[1][Profile.self] = Profile(name: "ada")
        pair.servers[0].socketsJoin("a", "b")
        pair.servers[0].to("a").except(pair.sockets[0].id).socketsLeave("b")
        let found = try await pair.servers[0].fetchSockets()
        #expect(Set(found.map(\.id)) == Set(pair.sockets.map(\.id)))
        let remote = try #require(found.first { $0.id == pair.sockets[1].id })
        #expect(remote.rooms == ["a", remote.id])
        #expect(remote[Profile.self] == Profile(name: "ada"))
        #expect(remote.handshake.url == "/socket.io/?EIO=4&transport=polling")
        #expect(remote.handshake.query["EIO"] == "4")
        #expect(try await pair.servers[1].count() == 2)
        #expect(try await pair.servers[1].in("b").count() == 1)
        #expect(try await pair.servers[1].local.fetchSockets().map(\.id) == [pair.sockets[1].id])
        remote.emit("hello")
        #expect(try await pair.clients[1].next() == #"42["hello"]"#)
        remote.join("c")
        #expect(pair.sockets[1].rooms.contains("c"))
        pair.servers[0].to("c").disconnectSockets()
        #expect(try await pair.clients[1].next() == "41")
        #expect(try await pair.servers[0].count() == 1)
    }

    @Test("with recovery each server numbers what came, whatever it is made of")
    func numberedElsewhere() async throws {
        let cluster = InMemoryCluster()
        var options = RealtimeOptions()
        options.adapter = cluster.adapter
        options.recovery = RecoveryOptions()
        let servers = [Realtime(options: options), Realtime(options: options)]
        let client = try await RecoveringClient(servers[1])
        servers[0].emit("lookalike", ["_placeholder": true, "num": 0] as JSONValue)
        #expect(try await client.event().hasPrefix(#""lookalike",{"#))
        servers[0].emit("many", Array(repeating: Data([1]), count: 11))
        #expect(try await client.webSocket.next().hasPrefix(#"4511-["many",[{"#))
    }

    @Test("acknowledgements come from all servers")
    func acknowledgements() async throws {
        let pair = try await pair()
        async let replies = pair.servers[0].root.timeout(.milliseconds(300)).emitWithAck("q", as: Int.self)
        for (index, client) in pair.clients.enumerated() {
            let number = try #require(try await client.next().firstMatch(of: /^42(\d+)\["q"\]$/)?.1)
            if index == 1 { try await client.send("43\(number)[\(index)]") }
        }
        #expect(try await replies.values == [1])
        #expect(try await replies.missing == [pair.sockets[0].id])
    }

    @Test(
        "serverSideEmit reaches the other servers only, and brings their answers; alone there are none")
    func serverSide() async throws {
        let pair = try await pair()
        let journal = Journal()
        for (index, server) in pair.servers.enumerated() {
            server.root.onServerSide("note") { (text: String) in await journal.add("\(index) \(text)") }
            server.root.onServerSide("sum") { (a: Int, b: Int) -> Int in index * 100 + a + b }
        }
        try pair.servers[0].root.serverSideEmit("note", "hi")
        #expect(try await journal.wait(for: 1) == ["1 hi"])
        let sum = try await pair.servers[0].root.serverSideEmitWithAck("sum", 1, 2, as: Int.self)
        #expect(sum.values == [103] && sum.missing == 0)
        let silent = try await pair.servers[0].root.serverSideEmitWithAck(
            "nobody", as: Int.self, timeout: .milliseconds(10))
        #expect(silent.values.isEmpty && silent.missing == 1)
        pair.servers[1].root.onServerSide("hangs") { () -> Int in
            await withCheckedContinuation { continuation in
                testLoop.execute { testLoop.schedule(after: .seconds(3)) { continuation.resume() } }
            }
            return 1
        }
        let begin = ContinuousClock.now
        let hung = try await pair.servers[0].root.serverSideEmitWithAck(
            "hangs", as: Int.self, timeout: .milliseconds(10))
        #expect(hung.missing == 1 && begin.duration(to: .now) < .seconds(2))
        let alone = Realtime()
        alone.root.onServerSide("sum") { (_: Int, _: Int) -> Int in 0 }
        let none = try await alone.root.serverSideEmitWithAck("sum", 1, 2, as: Int.self)
        #expect(none.values.isEmpty && none.missing == 0)
    }

    @Test("a collector counts each once: early, unnamed and second replies, and servers that are awaited")
    func collector() {
        let log = Lock<[String]>([])
        let collector = AcknowledgementCollector(
            timeout: .seconds(1),
            decode: { socket, cursor, json in
                let value = (try? cursor.next(Int.self, in: json)) ?? -1
                log.withLock { $0.append("\(socket ?? "?") \(value)") }
            },
            onFailure: { socket, error in log.withLock { $0.append("\(socket ?? "?") failed") } },
            onEnd: { log.withLock { $0.append("end") } })
        collector.expectServers(2)
        collector.expect(["a", "b"])
        collector.reply(from: "a", [1])
        collector.reply(from: "c", [3])
        collector.reply(from: "c", [33])
        collector.reply(from: nil, [4])
        collector.fail("b", .disconnected)
        collector.reply(from: "b", [2])
        #expect(log.withLock { $0 } == ["a 1", "c 3", "? 4", "b failed"])
        collector.expect(["c"], unnamed: 2)
        collector.reply(from: "d", [5])
        collector.reply(from: nil, [6])
        collector.reply(from: nil, [7])
        collector.expire()
        #expect(log.withLock { $0 } == ["a 1", "c 3", "? 4", "b failed", "? 6", "end"])
    }
}

@Suite("Room events")
struct RoomEventTests {
    @Test("created, joined, left and deleted, in their order, without own rooms")
    func order() async throws {
        let realtime = Realtime()
        let events = Lock<[RoomEvent]>([])
        let client = try await PollingClient.join(realtime)
        let socket = try #require(realtime.root.sockets.first)
        socket.join("before")
        let token = realtime.root.onRoomEvent { event in events.withLock { $0.append(event) } }
        socket.join("a", "a")
        socket.leave("a", "nowhere")
        try await client.send("1")
        let id = socket.id
        #expect(
            events.withLock { $0 } == [
                .created(room: "a"), .joined(room: "a", socketID: id), .left(room: "a", socketID: id),
                .deleted(room: "a"), .left(room: "before", socketID: id), .deleted(room: "before"),
            ])
        realtime.root.off(token)
        _ = try await PollingClient.join(realtime)
        realtime.socketsJoin("x")
        #expect(events.withLock { $0.count } == 6)
    }

    @Test("a handler may change rooms itself; what it causes comes after")
    func reentrance() async throws {
        let realtime = Realtime()
        _ = try await PollingClient.join(realtime)
        let socket = try #require(realtime.root.sockets.first)
        let rooms = Lock<[String]>([])
        realtime.root.onRoomEvent { event in
            guard case .joined(let room, _) = event else { return }
            rooms.withLock { $0.append(room) }
            if room.count < 5 { socket.join(room + "x") }
        }
        socket.join("x")
        #expect(rooms.withLock { $0 } == ["x", "xx", "xxx", "xxxx", "xxxxx"])
    }

    @Test("under concurrency, the events played back give the rooms as they are")
    func concurrency() async throws {
        let realtime = Realtime()
        for _ in 0..<8 { _ = try await PollingClient.join(realtime) }
        let model = Lock<[String: Set<String>]>([:])
        realtime.root.onRoomEvent { event in
            model.withLock { model in
                switch event {
                case .created(let room):
                    #expect(model[room] == nil)
                    model[room] = []
                case .joined(let room, let id): #expect(model[room]?.insert(id).inserted == true)
                case .left(let room, let id): #expect(model[room]?.remove(id) != nil)
                case .deleted(let room):
                    #expect(model[room]?.isEmpty == true)
                    model[room] = nil
                }
            }
        }
        await withTaskGroup(of: Void.self) { group in
            for socket in realtime.root.sockets {
                group.addTask {
                    for step in 0..<300 {
                        let room = "room\(Int.random(in: 0..<4))"
                        step % 3 == 0 ? socket.leave(room) : socket.join(room)
                    }
                }
            }
        }
        #expect(model.withLock { $0 } == realtime.root.rooms.mapValues { Set($0) })
    }

    @Test("the stream has the events, and ends the listening when it is let go")
    func stream() async throws {
        let realtime = Realtime()
        _ = try await PollingClient.join(realtime)
        let socket = try #require(realtime.root.sockets.first)
        let events = realtime.root.roomEvents()
        socket.join("a")
        var iterator = events.makeAsyncIterator()
        #expect(await iterator.next() == .created(room: "a"))
        #expect(await iterator.next() == .joined(room: "a", socketID: socket.id))
    }
}
