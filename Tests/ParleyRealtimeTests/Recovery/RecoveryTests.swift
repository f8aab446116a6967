import Foundation
import ParleyTransport
import Synchronization
import Testing

@testable import ParleyHTTP
@testable import ParleyRealtime

@Suite("Connection state recovery")
struct RecoveryTests {
    private struct User: Sendable, Equatable { var name: String }

    private func makeRealtime(_ change: (inout RecoveryOptions) -> Void = { _ in }) -> Realtime {
        var options = RealtimeOptions()
        var recovery = RecoveryOptions()
        change(&recovery)
        options.recovery = recovery
        return Realtime(options: options)
    }

    @Test("without the option there is neither a private id nor an offset")
    func off() async throws {
        let realtime = Realtime()
        let client = try await RecoveringClient(realtime)
        #expect(client.pid == nil)
        realtime.root.emit("news", 1)
        #expect(try await client.webSocket.next() == #"42["news",1]"#)
    }

    @Test("a client comes back to its id, rooms and data, and gets what it missed, in order")
    func recovers() async throws {
        let realtime = makeRealtime()
        let journal = Journal()
        realtime.root.onConnection { socket in
            if !socket.isRecovered {
                socket.join("red", "blue")
                socket[User.self] = User(name: "ada")
            }
            let (name, rooms) = (socket[User.self]?.name ?? "?", socket.rooms.count)
            Task { await journal.add("\(socket.isRecovered) \(name) \(rooms)") }
        }
        let client = try await RecoveringClient(realtime)
        _ = try await journal.wait(for: 1)
        realtime.root.emit("news", 1)
        #expect(try await client.event() == #""news",1"#)
        await client.cut()
        #expect(realtime.root.sockets.isEmpty && realtime.root.rooms.isEmpty)
        realtime.root.to("red").emit("news", 2)
        realtime.root.to("green").emit("news", "not for it")
        realtime.root.to(client.id).emit("news", [3])
        realtime.root.to("blue").except("red").emit("news", "nor this")
        realtime.root.volatile.emit("news", "nor this")
        realtime.root.emit("news", [1, 2])
        let back = try await RecoveringClient.back(client, to: realtime)
        #expect(back.id == client.id && back.pid == client.pid)
        #expect(try await back.event() == #""news",2"#)
        #expect(try await back.event() == #""news",[3]"#)
        #expect(try await back.event() == #""news",[1,2]"#)
        #expect(try await journal.wait(for: 2) == ["false ada 3", "true ada 3"])
        realtime.root.to("blue").emit("news", 4)
        #expect(try await back.event() == #""news",4"#)
        #expect(realtime.metrics.recovered == 1)
    }

    @Test("every recipient gets the same bytes, those of one socket alone have a number of their own")
    func sameBytes() async throws {
        let realtime = makeRealtime()
        let first = try await RecoveringClient(realtime)
        let second = try await RecoveringClient(realtime)
        realtime.root.emit("news", 1)
        #expect(try await first.webSocket.next() == second.webSocket.next())
        realtime.root.sockets.first { $0.id == first.id }?.emit("own")
        _ = try await first.event()
        realtime.root.emit("news")
        #expect(try await first.event() == #""news""#)
        _ = try await second.event()
        #expect(first.offset == second.offset && first.offset?.hasSuffix(".3") == true)
    }

    @Test("a client that never received an event comes back too, to all since it came")
    func withoutOffset() async throws {
        let realtime = makeRealtime()
        let other = try await RecoveringClient(realtime)
        realtime.root.emit("news", "before it came")
        _ = try await other.event()
        let client = try await RecoveringClient(realtime)
        await client.cut()
        let again = try await RecoveringClient.back(client, to: realtime)
        #expect(again.id == client.id)
        await again.cut()
        realtime.root.emit("news", 1)
        let back = try await RecoveringClient.back(client, to: realtime)
        #expect(back.id == client.id)
        #expect(try await back.event() == #""news",1"#)
    }

    @Test(
        "the offset of a former session, which the official client keeps, brings nothing from before the session"
    )
    func staleOffset() async throws {
        let realtime = makeRealtime()
        let former = try await RecoveringClient(realtime)
        realtime.root.emit("news", 1)
        _ = try await former.event()
        realtime.root.emit("news", 2)
        let client = try await RecoveringClient(realtime)
        await client.cut()
        realtime.root.emit("news", 3)
        let back = try await RecoveringClient.back(client, to: realtime, offset: former.offset)
        #expect(back.id == client.id)
        #expect(try await back.event() == #""news",3"#)
        await back.cut()
        let foreign = try await RecoveringClient.back(client, to: realtime, offset: "zzzzzz.1")
        #expect(foreign.id == client.id)
        #expect(try await foreign.event() == #""news",3"#)
    }

    @Test(
        "an offset that can't be is not believed, and the session is over",
        arguments: ["nonsense", "future"])
    func lies(_ kind: String) async throws {
        let realtime = makeRealtime()
        let journal = Journal()
        realtime.root.onRecoveryExpired { session in
            Task { await journal.add("\(session.id) \(session.reason)") }
        }
        let client = try await RecoveringClient(realtime)
        realtime.root.emit("news", 1)
        _ = try await client.event()
        await client.cut()
        let offset = kind == "future" ? "\(client.offset?.prefix(7) ?? "")99" : kind
        let back = try await RecoveringClient.back(client, to: realtime, offset: offset)
        #expect(back.id != client.id && back.pid != client.pid)
        #expect(try await journal.wait(for: 1) == ["\(client.id) eventsDropped"])
    }

    @Test("a private id works once, and says nothing of the others")
    func once() async throws {
        let realtime = makeRealtime()
        let client = try await RecoveringClient(realtime)
        await client.cut()
        let back = try await RecoveringClient.back(client, to: realtime)
        #expect(back.id == client.id)
        let thief = try await RecoveringClient.back(client, to: realtime)
        #expect(thief.id != client.id && thief.pid != client.pid)
        #expect(!back.webSocket.isClosed)
        let stranger = try await RecoveringClient(realtime, auth: #"{"pid":"\#(client.id)"}"#)
        #expect(stranger.id != client.id)
        #expect(client.pid?.count == 20 && client.pid != client.id)
    }

    @Test("a client that comes back before the server knows that it went goes on at once")
    func takeover() async throws {
        let realtime = makeRealtime()
        let journal = Journal()
        realtime.root.onDisconnect { _, reason in await journal.add(reason.rawValue) }
        let client = try await RecoveringClient(realtime)
        realtime.root.emit("news", 1)
        _ = try await client.event()
        let back = try await RecoveringClient.back(client, to: realtime)
        #expect(back.id == client.id)
        #expect(try await journal.wait(for: 1) == ["transport close"])
        #expect(realtime.root.sockets.count == 1)
        realtime.root.emit("news", 2)
        #expect(try await back.event() == #""news",2"#)
    }

    @Test("who was made to leave, or left, is a new client when it comes again")
    func notRecoverable() async throws {
        let realtime = makeRealtime()
        let left = try await RecoveringClient(realtime)
        await left.webSocket.send("41")
        let expelled = try await RecoveringClient(realtime, "/")
        while realtime.root.sockets.count > 1 { try await Task.sleep(for: .milliseconds(1)) }
        realtime.root.sockets.first?.disconnect()
        #expect(try await expelled.webSocket.next() == "41")
        for former in [left, expelled] {
            let back = try await RecoveringClient.back(former, to: realtime)
            #expect(back.id != former.id)
        }
    }

    @Test("an event to a socket whose client is away waits for it; one with an acknowledgement does not")
    func away() async throws {
        let realtime = makeRealtime()
        let client = try await RecoveringClient(realtime)
        let socket = try #require(realtime.root.sockets.first)
        await client.cut()
        guard case .awaitsRecovery = socket.emit("news", 1) else {
            Issue.record("not kept")
            return
        }
        guard case .disconnected = socket.volatile.emit("news", 2) else {
            Issue.record("volatile event kept")
            return
        }
        await #expect(throws: AcknowledgementError.disconnected) {
            try await socket.request("news", 3, as: Int.self)
        }
        let back = try await RecoveringClient.back(client, to: realtime)
        #expect(try await back.event() == #""news",1"#)
        guard case .disconnected = socket.emit("news", 4) else {
            Issue.record("sent by a socket of the past")
            return
        }
        let live = try #require(realtime.root.sockets.first)
        async let answer = live.request("question", as: Int.self)
        #expect(try await back.webSocket.next() == #"420["question"]"#)
        await back.webSocket.send("430[5]")
        #expect(try await answer == 5)
    }

    @Test("an event emitted while the client that comes back is being asked about reaches it")
    func claimed() async throws {
        let realtime = makeRealtime { $0.skipMiddlewares = false }
        let journal = SynchronousJournal()
        realtime.root.use { handshake in
            guard handshake.isRecovered else { return }
            journal.add("asked")
            _ = try await journal.wait(for: 2)
        }
        let client = try await RecoveringClient(realtime)
        let socket = try #require(realtime.root.sockets.first)
        await client.cut()
        let webSocket = try await WebSocketClient.open(realtime)
        _ = try await webSocket.next()
        await webSocket.send(#"40{"pid":"\#(client.pid ?? "")"}"#)
        _ = try await journal.wait(for: 1)
        guard case .awaitsRecovery = socket.emit("news", 1) else {
            Issue.record("not kept")
            return
        }
        journal.add("let in")
        #expect(try await webSocket.next().contains(client.id))
        #expect(try await webSocket.next().hasPrefix(#"42["news",1,"#))
    }

    @Test(
        "an event emitted amid a socket's end waits for its client where that may come back, and only there")
    func leaving() async throws {
        let realtime = makeRealtime()
        let results = SynchronousJournal()
        for isExpelled in [false, true] {
            let client = try await RecoveringClient(realtime)
            let socket = try #require(realtime.root.sockets.first)
            socket.join("room")
            let token = realtime.root.onRoomEvent { event in
                if case .left = event { results.add("\(socket.emit("bye"))") }
            }
            if isExpelled { socket.disconnect() } else { await client.cut() }
            realtime.root.off(token)
        }
        #expect(results.entries == ["awaitsRecovery", "disconnected"])
    }

    @Test("a client gets nothing of a room from before it joined it")
    func beforeJoining() async throws {
        let realtime = makeRealtime()
        let client = try await RecoveringClient(realtime)
        realtime.root.emit("news")
        #expect(try await client.event() == #""news""#)
        realtime.to("board").emit("secret", "before")
        realtime.root.sockets.first?.join("board")
        await client.cut()
        realtime.to("board").emit("secret", "after")
        let back = try await RecoveringClient.back(client, to: realtime)
        #expect(back.id == client.id)
        #expect(try await back.event() == #""secret","after""#)
    }

    @Test("an event that a connection refuses as it ends is among those that were missed")
    func refusedByConnection() async throws {
        let realtime = makeRealtime()
        let chat = realtime.namespace("/chat")
        let client = try await RecoveringClient(realtime, "/chat")
        await client.webSocket.send("40")
        _ = try await client.webSocket.next()
        // The socket of the root namespace ends first: the connection is closed, and the other does not know yet.
        realtime.root.onDisconnect { _, _ in chat.emit("news", 1) }
        await client.cut()
        let back = try await RecoveringClient.back(client, to: realtime)
        #expect(back.id == client.id)
        #expect(try await back.event() == #""news",1"#)
    }

    @Test(
        "who comes and goes amid the traffic of several threads misses nothing, and gets nothing twice",
        .timeLimit(.minutes(1)))
    func crowd() async throws {
        let realtime = makeRealtime { ($0.maxPackets, $0.maxBytes) = (1_000_000, 1 << 30) }
        let group = try EventLoopGroup(count: 2)
        let emitters = (0..<2).map { emitter in
            Task.detached {
                var number = 0
                while !Task.isCancelled {
                    for _ in 0..<20 {
                        realtime.root.emit("n", emitter, number)
                        number += 1
                    }
                    try? await Task.sleep(for: .milliseconds(1))
                }
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { clients in
            for number in 0..<4 {
                clients.addTask {
                    try await self.comeAndGo(realtime, group, isLate: number.isMultiple(of: 2))
                }
            }
            try await clients.waitForAll()
        }
        for emitter in emitters { emitter.cancel() }
        for emitter in emitters { await emitter.value }
        await group.shutdown()
    }

    /// Reads some events, and comes back on another loop: the first time perhaps before the server knows that it went.
    private func comeAndGo(_ realtime: Realtime, _ group: EventLoopGroup, isLate: Bool) async throws {
        var client = try await RecoveringClient(realtime, loop: group.next())
        var next: [Substring: Int] = [:]
        for round in 0..<15 {
            for _ in 0..<Int.random(in: 0..<100) {
                let event = try await client.event()
                let match = try #require(event.wholeMatch(of: /"n",(\d),(\d+)/))
                let number = try #require(Int(match.2))
                try #require(next[match.1] ?? number == number)
                next[match.1] = number + 1
            }
            if isLate || round > 0 { await client.cut() }
            let back = try await RecoveringClient.back(client, to: realtime, loop: group.next())
            try #require(back.id == client.id)
            client = back
        }
    }

    @Test("binary events come again with their attachments")
    func binary() async throws {
        let realtime = makeRealtime()
        let client = try await RecoveringClient(realtime)
        await client.cut()
        realtime.root.emit("picture", Data([65, 66]))
        let back = try await RecoveringClient.back(client, to: realtime)
        let text = try await back.webSocket.next()
        #expect(text.hasPrefix(#"451-["picture",{"_placeholder":true,"num":0},""#), "\(text)")
        #expect(try await back.webSocket.next() == "AB")
    }

    @Test("middleware is skipped, or not, and may refuse")
    func middleware() async throws {
        for skips in [true, false] {
            let realtime = makeRealtime { $0.skipMiddlewares = skips }
            let calls = Atomic(0)
            let journal = Journal()
            realtime.root.use { handshake in
                calls.add(1, ordering: .relaxed)
                await journal.add("\(handshake.isRecovered) \(handshake[User.self]?.name ?? "-")")
                if !handshake.isRecovered { handshake[User.self] = User(name: "ada") }
            }
            let client = try await RecoveringClient(realtime)
            await client.cut()
            let back = try await RecoveringClient.back(client, to: realtime)
            #expect(back.id == client.id)
            #expect(calls.load(ordering: .relaxed) == (skips ? 1 : 2))
            #expect(realtime.root.sockets.first?[User.self] == User(name: "ada"))
            #expect(await journal.entries == (skips ? ["false -"] : ["false -", "true ada"]))
        }
    }

    @Test("a client that middleware refuses when it comes back has lost its session")
    func refused() async throws {
        let realtime = makeRealtime { $0.skipMiddlewares = false }
        let journal = Journal()
        realtime.root.onRecoveryExpired { session in Task { await journal.add("\(session.reason)") } }
        realtime.root.use { if $0.isRecovered { throw ConnectError("no more") } }
        let client = try await RecoveringClient(realtime)
        await client.cut()
        let webSocket = try await WebSocketClient.open(realtime)
        _ = try await webSocket.next()
        await webSocket.send(#"40{"pid":"\#(client.pid ?? "")"}"#)
        #expect(try await webSocket.next() == #"44{"message":"no more"}"#)
        #expect(try await journal.wait(for: 1) == ["refused"])
    }

    @Test("a client that begins anew, as its events are gone, and goes amid that cancels the middleware")
    func beginsAnew() async throws {
        let realtime = makeRealtime { ($0.skipMiddlewares, $0.maxPackets) = (false, 10) }
        let journal = SynchronousJournal()
        realtime.root.use { [weak realtime] handshake in
            if handshake.isRecovered {
                for number in 0..<20 { realtime?.root.emit("news", number) }
            } else if realtime?.sessionCount == 2 {
                journal.add("anew")
                defer { journal.add(Task.isCancelled ? "cancelled" : "over") }
                try await Task.sleep(for: .seconds(20))
            }
        }
        let client = try await RecoveringClient(realtime)
        await client.cut()
        let other = try await RecoveringClient(realtime)
        let webSocket = try await WebSocketClient.open(realtime)
        _ = try await webSocket.next()
        await webSocket.send(#"40{"pid":"\#(client.pid ?? "")"}"#)
        #expect(try await journal.wait(for: 1) == ["anew"])
        await webSocket.disconnect()
        #expect(try await journal.wait(for: 2) == ["anew", "cancelled"])
        _ = other
    }

    @Test("namespaces are recovered each by itself, and polling clients too")
    func namespaces() async throws {
        let realtime = makeRealtime()
        let chat = realtime.namespace("/chat")
        let client = try await PollingClient(realtime)
        try await client.send("40", "40/chat,")
        let root = try await client.next()
        let other = try await client.next()
        let pid = try #require(other.firstMatch(of: /"pid":"([^"]+)"/)?.1)
        try #require(root.firstMatch(of: /"pid":"([^"]+)"/)?.1 != pid)
        let parked = Task { try await client.get() }
        try await Task.sleep(for: .milliseconds(20))
        parked.cancel()
        _ = try await parked.value
        chat.emit("news", 1)
        realtime.root.emit("news", "of the other namespace")
        let back = try await PollingClient(realtime)
        try await back.send(#"40/chat,{"pid":"\#(pid)"}"#)
        #expect(try await back.next() == other)
        #expect(try await back.next().hasPrefix(#"42/chat,["news",1,"#))
    }

    @Test("what HTTP middleware finds out about the new request goes before what was stored for the client")
    func storage() async throws {
        let realtime = makeRealtime()
        realtime.root.onConnection { socket in
            if !socket.isRecovered { socket[User.self] = User(name: "ada") }
        }
        let client = try await PollingClient(realtime, storing: "first")
        try await client.send("40")
        let connected = try await client.next()
        let pid = try #require(connected.firstMatch(of: /"pid":"([^"]+)"/)?.1)
        #expect(realtime.root.sockets.first?[String.self] == "first")
        realtime.root.sockets.first?.client.session.close(.pingTimeout)
        let back = try await PollingClient(realtime, storing: "second")
        try await back.send(#"40{"pid":"\#(pid)"}"#)
        #expect(try await back.next() == connected)
        let socket = try #require(realtime.root.sockets.first)
        #expect(socket[String.self] == "second" && socket[User.self] == User(name: "ada"))
    }
}
