import Foundation
import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyRealtime

@Suite("Clients of both revisions in dynamic namespaces, with and without recovery")
struct MixedAudienceTests {
    private func server(
        recovers: Bool = false, _ change: (inout RealtimeOptions) -> Void = { _ in }
    ) -> (Realtime, Namespace) {
        let realtime = EngineIO3Client.server {
            if recovers { $0.recovery = RecoveryOptions() }
            change(&$0)
        }
        return (realtime, realtime.namespace(matching: "/rooms/:id", removesEmpty: true))
    }

    /// A client of today in `/rooms/1`, and an old one in `/rooms/2`.
    private func join(
        _ realtime: Realtime, loop: EventLoop = testLoop
    ) async throws -> (RecoveringClient, EngineIO3Client) {
        let new = try await RecoveringClient(realtime, "/rooms/1", loop: loop)
        let old = try await EngineIO3Client.join(realtime)
        try await old.send("40/rooms/2?a=b,")
        #expect(try await old.get().text == "11:40/rooms/2,")
        return (new, old)
    }

    @Test(
        "a parent's broadcast reaches both, in their framing, and both acknowledge it",
        arguments: [false, true])
    func acknowledged(recovers: Bool) async throws {
        let (realtime, rooms) = server(recovers: recovers)
        let (new, old) = try await join(realtime)
        #expect((new.pid != nil) == recovers)
        #expect(Set(rooms.sockets.map(\.id)) == [new.id, "/rooms/2#\(old.sid)"])
        async let result = rooms.emitWithAck("q", Data([1, 2]), as: Int.self)
        let event = #"["q",{"_placeholder":true,"num":0}]"#
        let head = try await new.webSocket.next()
        let number = try #require(head.firstMatch(of: /^451-\/rooms\/1,(\d+)\["q"/)?.1)
        #expect(head == "451-/rooms/1,\(number)\(event)")
        let answer = try await old.get()
        #expect(answer.text.contains("451-/rooms/2,\(number)\(event)"))
        #expect(answer.bytes.suffix(6) == [1, 3, 0xFF, 4, 1, 2])
        await new.webSocket.send("43/rooms/1,\(number)[4]")
        try await old.send("43/rooms/2,\(number)[3]")
        let replies = try await result
        #expect(Set(replies.values) == [3, 4] && replies.isComplete)
    }

    @Test("offsets are for those who can come back; handlers of what is emitted see none")
    func offsets() async throws {
        let (realtime, rooms) = server(recovers: true)
        let emitted = SynchronousJournal()
        rooms.onAnyOutgoing { socket, event, arguments in
            emitted.add("\(socket.namespace.name) \(event) \(arguments.count)")
        }
        let (new, old) = try await join(realtime)
        rooms.emit("news", 1)
        #expect(try await new.event() == #""news",1"#)
        #expect(try await old.get().text == #"21:42/rooms/2,["news",1]"#)
        rooms.sockets.first { $0.client.session.revision == .three }?.emit("one", "text")
        #expect(try await old.get().text == #"25:42/rooms/2,["one","text"]"#)
        #expect(emitted.entries.sorted() == ["/rooms/1 news 1", "/rooms/2 news 1", "/rooms/2 one 1"])
    }

    @Test("a namespace that goes with its last socket waits for those that may come back")
    func recovery() async throws {
        let manual = try await ManualLoop()
        let (realtime, rooms) = server(recovers: true)
        let expired = SynchronousJournal()
        rooms.onRecoveryExpired { expired.add("\($0.id) \($0.reason)") }
        rooms.onConnection { $0.join("r") }
        let (new, old) = try await join(realtime, loop: manual.loop)
        try await old.send("41/rooms/2")
        #expect(rooms.children?.map(\.name) == ["/rooms/1"])
        await new.cut()
        rooms.to("r").emit("news", 1)
        let back = try await RecoveringClient.back(new, to: realtime, loop: manual.loop)
        #expect(back.id == new.id && rooms.sockets.first?.isRecovered == true)
        #expect(try await back.event() == #""news",1"#)
        await back.cut()
        #expect(rooms.children?.map(\.name) == ["/rooms/1"])
        try await manual.advance(by: .seconds(121))
        #expect(expired.entries == ["\(new.id) timeout"])
        #expect(rooms.children?.isEmpty == true)
        await manual.end()
    }

    @Test("who comes back passes no middleware again, but predicates; refused, it frees the namespace")
    func predicate() async throws {
        let realtime = EngineIO3Client.server { $0.recovery = RecoveryOptions() }
        let asked = SynchronousJournal()
        let isOpen = Lock(true)
        let rooms = realtime.namespace(
            where: { name, handshake in
                asked.add("predicate \(handshake.isRecovered)")
                return isOpen.withLock { $0 }
            }, removesEmpty: true)
        rooms.use { _ in asked.add("middleware") }
        let first = try await RecoveringClient(realtime, "/x")
        await first.cut()
        let second = try await RecoveringClient.back(first, to: realtime)
        #expect(second.id == first.id)
        #expect(asked.entries == ["predicate false", "middleware", "predicate true"])
        await second.cut()
        isOpen.withLock { $0 = false }
        let third = try await WebSocketClient.open(realtime)
        _ = try await third.next()
        await third.send(#"40/x,{"pid":"\#(second.pid ?? "")"}"#)
        #expect(try await third.next() == #"44/x,{"message":"Invalid namespace"}"#)
        #expect(rooms.children?.isEmpty == true)
    }

    @Test("a new proof of identity is for the socket's own namespace, and finds its parameters")
    func reauthenticate() async throws {
        let (realtime, rooms) = server()
        let seen = SynchronousJournal()
        rooms.use { handshake in
            let id: Int = try handshake.parameters.require("id")
            let isRenewed = handshake.previous != nil
            seen.add("\(id) \(handshake.namespace) \(handshake.query("a") ?? "-") \(isRenewed)")
        }
        _ = try await join(realtime)
        for socket in rooms.sockets.sorted(by: { $0.namespace.name < $1.namespace.name }) {
            try await socket.reauthenticate(.object([:]))
        }
        #expect(
            seen.entries == [
                "1 /rooms/1 - false", "2 /rooms/2 b false", "1 /rooms/1 - true", "2 /rooms/2 b true",
            ])
    }

    @Test("what is set at a parent holds for the children that there are, and for later ones")
    func inherited() async throws {
        let (realtime, rooms) = server { $0.flood = FloodLimit(packetsPerSecond: 1, burst: .seconds(1)) }
        let floods = SynchronousJournal()
        let (new, _) = try await join(realtime)
        rooms.onFlood { socket, _ in floods.add(socket.namespace.name) }
        rooms.slowClients = .dropOldest(maxBytes: 1000)
        for name in ["/rooms/1", "/rooms/2", "/rooms/3"] {
            let child = realtime.namespace(name)
            #expect(child.slowClients == .dropOldest(maxBytes: 1000))
            let hasPolicy = child.hasSlowClientPolicy.load(ordering: .relaxed)
            #expect(hasPolicy)
            #expect(child.floodHandlers.count == 1)
        }
        await new.webSocket.send(Array(repeating: #"42/rooms/1,["x"]"#, count: 3))
        #expect(try await floods.wait(for: 1) == ["/rooms/1"])
    }

    @Test("rooms report an old client that comes and goes")
    func roomEvents() async throws {
        let (realtime, rooms) = server(recovers: true)
        let events = Lock<[RoomEvent]>([])
        rooms.onRoomEvent { event in events.withLock { $0.append(event) } }
        rooms.onConnection { if $0.namespace.name == "/rooms/2" { $0.join("r") } }
        let (_, old) = try await join(realtime)
        try await old.send("41/rooms/2")
        let id = "/rooms/2#\(old.sid)"
        #expect(
            events.withLock { $0 } == [
                .created(room: "r"), .joined(room: "r", socketID: id), .left(room: "r", socketID: id),
                .deleted(room: "r"),
            ])
    }

    @Test(
        "what is not to be compressed is not, for either revision, and not when it is sent again",
        arguments: [false, true])
    func uncompressed(recovers: Bool) async throws {
        let (realtime, _) = server(recovers: recovers) { $0.engine.webSocketCompression = .init() }
        let child = realtime.namespace("/rooms/1")
        for isCompressible in [true, false] {
            let delivery = Delivery(isCompressible: isCompressible)
            var writer = try PacketWriter.event("x", in: child, Data([1]))
            let packet = child.prepared(writer.finishArray(), delivery)
            let old = try #require(packet.engineIO3).frames(of: packet.attachments)
            for frame in [packet.frame] + packet.attachments + old + old.map({ $0.base64EngineIO3() }) {
                #expect(frame.isCompressible == isCompressible)
            }
            #expect((packet.frame.shared != nil) == isCompressible)
        }
        guard recovers else { return }
        let client = try await RecoveringClient(realtime, "/rooms/1")
        let socket = try #require(child.sockets.first)
        child.compress(false).emit("all")
        socket.compress(false).emit("one")
        _ = (try await client.event(), try await client.event())
        let kept = child.recovery?.state.withLock { $0.log.events(after: 0, id: socket.id, rooms: []) }
        #expect(kept?.packets.map(\.frame.isCompressible) == [false, false])
    }
}

@Suite("Recovery on several servers")
struct ClusterRecoveryTests {
    @Test("each server numbers what comes from the others, in its order, and sends it again")
    func renumbered() async throws {
        let cluster = InMemoryCluster()
        var options = RealtimeOptions()
        options.adapter = cluster.adapter
        options.recovery = RecoveryOptions()
        let servers = [Realtime(options: options), Realtime(options: options)]
        let here = try await RecoveringClient(servers[0])
        let there = try await RecoveringClient(servers[1])
        servers[1].local.emit("local")
        #expect(try await there.event() == #""local""#)
        for number in 0..<50 { servers[0].emit("news", number) }
        for number in 0..<50 {
            #expect(try await here.event() == #""news",\#(number)"#)
            #expect(try await there.event() == #""news",\#(number)"#)
        }
        #expect(here.offset?.prefix(6) != there.offset?.prefix(6))
        await there.cut()
        servers[0].emit("missed", Data([7]))
        while servers[1].root.recovery?.position != 52 { await Task.yield() }
        let back = try await RecoveringClient.back(there, to: servers[1])
        #expect(back.id == there.id)
        #expect(try await back.webSocket.next().hasPrefix(#"451-["missed",{"_placeholder":true,"num":0},""#))
    }

    @Test("two servers that broadcast at the same time do not wait for each other")
    func noDeadlock() async throws {
        let cluster = InMemoryCluster()
        var options = RealtimeOptions()
        options.adapter = cluster.adapter
        options.recovery = RecoveryOptions()
        let servers = [Realtime(options: options), Realtime(options: options)]
        var clients: [RecoveringClient] = []
        for server in servers { clients.append(try await RecoveringClient(server)) }
        await withTaskGroup { group in
            for server in servers { group.addTask { for _ in 0..<500 { server.emit("x") } } }
        }
        for client in clients {
            for _ in 0..<1000 { #expect(try await client.event() == #""x""#) }
        }
    }
}
