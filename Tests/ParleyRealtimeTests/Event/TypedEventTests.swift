import Foundation
import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyRealtime

@Suite("Typed events, several values, order")
struct TypedEventTests {
    struct Joined: Event {
        static let name = "joined"
        var user: String
    }

    struct Ping: Event {
        static let name = "ping!"
    }

    @Test("an event type is one object argument, both ways, with acknowledgement")
    func typed() async throws {
        let realtime = Realtime()
        realtime.root.on(Joined.self) { socket, event in
            socket.emit(Joined(user: event.user + "!"))
            socket.namespace.emit(Joined(user: "all"))
        }
        realtime.root.on(Ping.self) { _, _ async -> String in "pong" }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"42["joined",{"user":"ada"}]"#)
        #expect(try await client.next() == #"42["joined",{"user":"ada!"}]"#)
        #expect(try await client.next() == #"42["joined",{"user":"all"}]"#)
        try await client.send(#"421["ping!",{}]"#)
        #expect(try await client.next() == #"431["pong"]"#)
        realtime.root.off(Ping.self)
        try await client.send(#"422["ping!",{}]"#, #"42["joined",{"user":"x"}]"#)
        #expect(try await client.next() == #"42["joined",{"user":"x!"}]"#)
    }

    @Test("a typed request returns the reply")
    func request() async throws {
        let realtime = Realtime()
        let client = try await PollingClient.join(realtime)
        let socket = try #require(realtime.root.sockets.first)
        async let answer = socket.request(Joined(user: "ada"), as: Int.self)
        #expect(try await client.next() == #"420["joined",{"user":"ada"}]"#)
        try await client.send("430[7]")
        #expect(try await answer == 7)
    }

    @Test("a tuple is the several arguments of the client's callback, and of ours")
    func severalValues() async throws {
        let realtime = Realtime()
        realtime.root.on("both") { (_: Socket, n: Int) in (n, "two") }
        realtime.root.on("three") { (_: Socket) async in (1, nil as String?, [3]) }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"421["both",1]"#, #"422["three"]"#)
        #expect(try await client.next() == #"431[1,"two"]"#)
        #expect(try await client.next() == #"432[1,null,[3]]"#)
        let socket = try #require(realtime.root.sockets.first)
        async let answer = socket.request("q", as: (String, Int, Bool?).self)
        #expect(try await client.next() == #"420["q"]"#)
        try await client.send(#"430["a",2]"#)
        let (text, number, flag) = try await answer
        #expect(text == "a" && number == 2 && flag == nil)
    }

    struct Address: Codable, Sendable { var lines: [String] }
    struct Person: Codable, Sendable { var address: Address }

    @Test(
        "the path of what does not fit names argument, members and positions",
        arguments: [
            (#"["p",1,{"address":{"lines":["a",2]}}]"#, "[1].address.lines[1]"),
            (#"["p",1,{"address":{}}]"#, "[1].address.lines"), (#"["p","x",{}]"#, "[0]"),
            (#"["p",1]"#, "[1]"),
        ])
    func path(_ json: String, _ expected: String) async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.on("p") { (_: Socket, _: Int, _: Person) in }
        realtime.root.onError { _, error in
            Task {
                await journal.add(error.path ?? "none")
                await journal.add(error.description)
            }
        }
        let client = try await PollingClient.join(realtime)
        try await client.send("42" + json)
        let entries = try await journal.wait(for: 2)
        #expect(entries[0] == expected)
        #expect(entries[1].hasPrefix(#"event "p": argument\#(expected): "#))
    }

    @Test("a concurrent handler does not hold up the socket's next event, until too many run")
    func concurrent() async throws {
        var options = RealtimeOptions()
        options.maxConcurrentHandlers = 2
        let realtime = Realtime(options: options)
        let gate = Gate()
        realtime.root.on("slow", order: .concurrent) { (_: Socket, n: Int) -> Int in
            await gate.wait()
            return n
        }
        realtime.root.on("quick") { (_: Socket) in "quick" }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"421["slow",1]"#, #"422["slow",2]"#, #"423["quick"]"#)
        #expect(try await client.next() == #"433["quick"]"#)
        try await client.send(#"424["slow",3]"#, #"425["quick"]"#)
        let socket = try #require(realtime.root.sockets.first)
        socket.emit("mark")
        #expect(try await client.next() == #"42["mark"]"#)
        await gate.open()
        var acknowledged: [String] = []
        for _ in 0..<4 { acknowledged.append(try await client.next()) }
        #expect(Set(acknowledged) == ["431[1]", "432[2]", "434[3]", #"435["quick"]"#])
    }

    @Test("operators of one socket: volatile, compress, timeout, and its broadcasts")
    func socketOperator() async throws {
        let realtime = Realtime()
        let client = try await PollingClient.join(realtime)
        let socket = try #require(realtime.root.sockets.first)
        let other = try await PollingClient.join(realtime)
        socket.compress(false).emit("plain")
        socket.compress(false).broadcast.emit("to others")
        realtime.compress(false).send("to all")
        await #expect(throws: AcknowledgementError.timeout(.milliseconds(20))) {
            try await socket.timeout(.milliseconds(20)).emitWithAck("q", as: Int.self)
        }
        await #expect(throws: AcknowledgementError.dropped) {
            try await socket.volatile.timeout(.seconds(60)).emitWithAck("q", as: Int.self)
        }
        #expect(try await client.next() == #"42["plain"]"#)
        #expect(try await other.next() == #"42["to others"]"#)
        #expect(try await client.next() == #"42["message","to all"]"#)
        #expect(try await other.next() == #"42["message","to all"]"#)
    }
}

@Suite("Event middleware")
struct EventMiddlewareTests {
    @Test(
        "an event that comes with the client's end is handled before it, behind its steps too",
        arguments: [false, true], ["41", "1"])
    func lastEvent(hasSteps: Bool, end: String) async throws {
        let realtime = Realtime()
        let journal = SynchronousJournal()
        let root = realtime.root
        if hasSteps { root.use { _, event in journal.add("step \(event.name)") } }
        root.on("bye") { (socket, text: String) async in journal.add("\(text) \(socket.isConnected)") }
        root.onDisconnect { _, _ in journal.add("disconnect") }
        let client = try await WebSocketClient.open(realtime)
        await client.send("40")
        for _ in 0..<2 { _ = try await client.next() }
        await client.send(#"42["bye","one"]"#, #"42["bye","two"]"#, end)
        for _ in 0..<1000 where !journal.entries.contains("disconnect") {
            try await Task.sleep(for: .milliseconds(1))
        }
        let step = hasSteps ? ["step bye"] : []
        #expect(journal.entries == step + ["one true"] + step + ["two true", "disconnect"])
    }

    struct Refused: Error {}

    @Test(
        "every event passes the steps of the namespace, then of the socket; a throw keeps it from handlers"
    )
    func steps() async throws {
        let realtime = Realtime()
        let journal = Journal()
        let root = realtime.root
        root.use { _, event in
            await Task.yield()
            await journal.add("namespace \(event.name) \(event.expectsAcknowledgement)")
        }
        root.onConnection { socket in
            socket.use { event in
                await journal.add("socket \(event.arguments.count)")
                if try event.argument(as: Int.self) < 0 { throw Refused() }
            }
            socket.onError { error in Task { await journal.add("refused \(error.stage)") } }
        }
        root.on("n") { (_: Socket, n: Int) -> Int in n * 2 }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"421["n",4]"#, #"422["n",-1]"#, #"42["n",1]"#)
        #expect(try await client.next() == "431[8]")
        let entries = try await journal.wait(for: 7)
        #expect(
            entries.filter { $0.hasPrefix("namespace") } == [
                "namespace n true", "namespace n true", "namespace n false",
            ])
        #expect(entries.filter { $0.hasPrefix("socket") } == ["socket 1", "socket 1", "socket 1"])
        #expect(entries.filter { $0.hasPrefix("refused") } == ["refused middleware"])
    }

    @Test("a step that disconnects the socket lets nothing through, without a throw too")
    func disconnecting() async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.use { socket, _ in socket.disconnect() }
        realtime.root.on("n") { _ in await journal.add("handled") }
        realtime.root.onDisconnect { _, reason in await journal.add("\(reason)") }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"42["n"]"#, #"42["n"]"#)
        #expect(try await journal.wait(for: 1) == ["server namespace disconnect"])
        try await Task.sleep(for: .milliseconds(20))
        #expect(await journal.entries.count == 1)
    }

    @Test("events keep their order through asynchronous steps")
    func order() async throws {
        let realtime = Realtime()
        realtime.root.use { _, event in
            if try event.argument(as: Int.self) % 2 == 0 { try await Task.sleep(for: .milliseconds(3)) }
        }
        realtime.root.on("n") { (_: Socket, n: Int) -> Int in n }
        let client = try await PollingClient.join(realtime)
        try await client.send((0..<10).map { #"42\#($0)["n",\#($0)]"# }.joined(separator: "\u{1E}"))
        for n in 0..<10 { #expect(try await client.next() == "43\(n)[\(n)]") }
    }
}

@Suite("Registration of handlers")
struct RegistrationTests {
    @Test("once on a namespace is the next event of any socket; prepended catch-alls go first")
    func onceAndPrepend() async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.once.on("a") { (_: Socket) async in await journal.add("once") }
        let seen = Lock<[String]>([])
        realtime.root.onAny { _, name, _ in seen.withLock { $0.append("any \(name)") } }
        realtime.root.prependAny { _, name, _ in seen.withLock { $0.append("first \(name)") } }
        let first = try await PollingClient.join(realtime)
        let second = try await PollingClient.join(realtime)
        try await first.send(#"42["a"]"#)
        try await second.send(#"42["a"]"#)
        #expect(try await journal.wait(for: 1) == ["once"])
        #expect(seen.withLock { $0 } == ["first a", "any a", "first a", "any a"])
    }

    @Test("a namespace's outgoing handlers see each recipient's events; off ends that")
    func outgoing() async throws {
        let realtime = Realtime()
        let seen = Lock<[String]>([])
        let token = realtime.root.onAnyOutgoing { socket, name, arguments in
            seen.withLock { $0.append("\(socket.id) \(name) \(arguments.count)") }
        }
        let clients = [try await PollingClient.join(realtime), try await PollingClient.join(realtime)]
        realtime.emit("x", 1, 2)
        #expect(Set(seen.withLock { $0 }) == Set(realtime.root.sockets.map { "\($0.id) x 2" }))
        realtime.root.off(token)
        realtime.emit("y")
        #expect(seen.withLock { $0.count } == 2)
        _ = clients
    }

    @Test("outgoing handlers see events that no client might send: many attachments, deep values")
    func outgoingBeyondLimits() async throws {
        let realtime = Realtime()
        let seen = Lock<[String]>([])
        realtime.root.onAnyOutgoing { _, name, arguments in
            seen.withLock { $0.append("\(name) \(arguments.count)") }
        }
        let client = try await PollingClient.join(realtime)
        realtime.emit("many", Array(repeating: Data([1]), count: 11))
        var deep = JSONValue.int(1)
        for _ in 0..<200 { deep = [deep] }
        realtime.emit("deep", deep)
        realtime.emit("lookalike", ["_placeholder": true, "num": 0] as JSONValue)
        #expect(seen.withLock { $0 } == ["many 1", "deep 1", "lookalike 1"])
        _ = client
    }

    @Test("stored values are changed in place; a missing one is an error or begins with the default")
    func update() async throws {
        let realtime = Realtime()
        let client = try await PollingClient.join(realtime)
        let socket = try #require(realtime.root.sockets.first)
        #expect(throws: MissingValueError.self) { try socket.update(Int.self) { $0 += 1 } }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 { group.addTask { socket.update(Int.self, default: 0) { $0 += 1 } } }
        }
        #expect(try socket.update(Int.self) { $0 } == 100)
        #expect(socket[Int.self] == 100)
        _ = client
    }
}
