import Foundation
import ParleyWire
import Testing

@testable import ParleyRealtime

@Suite("Events")
struct EventTests {
    struct Point: Codable, Sendable, Equatable { var x: Int, y: Int }

    @Test("arguments are decoded as the handler's types; its value is the acknowledgement")
    func typed() async throws {
        let realtime = Realtime()
        realtime.root.on("add") { (_, left: Point, right: Point, note: String?) -> [String: Int] in
            ["x": left.x + right.x, "note": note == nil ? 0 : 1]
        }
        realtime.root.on("void") { (_, _: Int) in }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"427["add",{"x":1,"y":2},{"x":3,"y":4}]"#)
        let reply = try await client.next()
        #expect(reply == #"437[{"x":4,"note":0}]"# || reply == #"437[{"note":0,"x":4}]"#)
        try await client.send(#"428["void",1]"#)
        #expect(try await client.next() == "438[]")
    }

    @Test(
        "an event whose arguments do not fit reaches the error hook, not the handler; the socket lives")
    func mismatch() async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.on("move") { (_, _: Point) in await journal.add("handled") }
        realtime.root.onError { _, error in
            guard case DecodingError.typeMismatch(_, let context)? = error.underlying else { return }
            let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(
                separator: ".")
            Task { await journal.add("\(error.event) \(error.stage) \(path)") }
        }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"42["move",{"x":1,"y":"two"}]"#)
        let entries = try await journal.wait(for: 1)
        #expect(entries[0].hasPrefix("move arguments") && entries[0].hasSuffix(".y"))
        try await client.send(#"42["move",{"x":1,"y":2}]"#)
        #expect(try await journal.wait(for: 2).last == "handled")
    }

    @Test("what a handler throws reaches the error hook; other listeners are called all the same")
    func throwing() async throws {
        struct Broken: Error {}
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.on("go") { _ in throw Broken() }
        realtime.root.on("go") { _ in await journal.add("second") }
        realtime.root.onError { _, error in
            #expect(error.stage == .handler && error.underlying is Broken)
            Task { await journal.add("error") }
        }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"42["go"]"#)
        #expect(Set(try await journal.wait(for: 2)) == ["error", "second"])
    }

    @Test("handlers of one socket run in the order of its events, asynchronous ones too")
    func order() async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.onConnection { _ in
            try await Task.sleep(for: .milliseconds(30))
            await journal.add("connection")
        }
        realtime.root.on("slow") { (_, n: Int) in
            try await Task.sleep(for: .milliseconds(n % 3 * 5))
            await journal.add("slow \(n)")
        }
        realtime.root.on("fast") { (socket, n: Int) in socket.emit("fast", n) }
        realtime.root.on("quick") { (_, n: Int) async in await journal.add("quick \(n)") }
        realtime.root.onDisconnect { _, reason in await journal.add("\(reason)") }
        let client = try await PollingClient.join(realtime)
        for n in 0..<20 {
            try await client.send(n.isMultiple(of: 2) ? #"42["slow",\#(n)]"# : #"42["quick",\#(n)]"#)
        }
        try await client.send("41")
        let expected =
            ["connection"] + (0..<20).map { $0.isMultiple(of: 2) ? "slow \($0)" : "quick \($0)" }
            + ["client namespace disconnect"]
        #expect(try await journal.wait(for: 22) == expected)
    }

    @Test("on, once, off, several listeners, catch-all and unmatched")
    func registration() async throws {
        let realtime = Realtime()
        let journal = Journal()
        let root = realtime.root
        let token = root.on("a") { _ in await journal.add("a1") }
        root.on("a") { _ in await journal.add("a2") }
        root.onConnection { socket in
            socket.once.on("a") { (socket: Socket) in await journal.add("once") }
            socket.onAnyOutgoing { event, arguments in #expect(event == "out" && arguments == [1]) }
        }
        root.onUnmatched { _, event, arguments in
            Task { await journal.add("unmatched \(event) \(arguments.count)") }
        }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"42["a"]"#)
        #expect(try await journal.wait(for: 3) == ["a1", "a2", "once"])
        root.off(token)
        try await client.send(#"42["a"]"#)
        #expect(try await journal.wait(for: 4) == ["a1", "a2", "once", "a2"])
        root.off("a")
        try await client.send(#"42["a",1,2]"#)
        #expect(try await journal.wait(for: 5).last == "unmatched a 2")
        root.emit("out", 1)
        #expect(try await client.next() == #"42["out",1]"#)
    }

    @Test(
        "reserved names are neither emitted nor accepted",
        arguments: ["connect", "disconnect", "newListener"])
    func reserved(_ name: String) async throws {
        let realtime = Realtime()
        guard case .failed = realtime.root.emit(name) else {
            Issue.record("\(name) was emitted")
            return
        }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"42["\#(name)"]"#)
        await #expect(throws: PollingClient.SessionGone.self) { try await client.next() }
    }

    @Test("Data travels as attachments both ways, in events and acknowledgements")
    func binary() async throws {
        let realtime = Realtime()
        realtime.root.on("echo") { (socket, name: String, data: Data) -> [Data] in
            socket.emit("got", name, data)
            return [data, Data([9])]
        }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"451-5["echo","x",{"_placeholder":true,"num":0}]"#, "bAQID")
        #expect(try await client.next() == #"451-["got","x",{"_placeholder":true,"num":0}]"#)
        #expect(try await client.next() == "bAQID")
        #expect(
            try await client.next()
                == #"462-5[[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]"#)
        #expect(try await client.next() == "bAQID")
        #expect(try await client.next() == "bCQ==")
    }

    @Test("a slow handler's queue is bounded: the POST that fills it is answered only when there is room")
    func backpressure() async throws {
        let realtime = Realtime()
        let gate = Gate()
        realtime.root.on("wait") { _ in await gate.wait() }
        let client = try await PollingClient.join(realtime)
        let events = [String](repeating: #"42["wait"]"#, count: 999).joined(separator: "\u{1E}")
        #expect(try await client.send(events) == 200)
        async let second = client.send(events)
        try await Task.sleep(for: .milliseconds(50))
        await gate.open()
        #expect(try await second == 200)
        #expect(await gate.passed > 400)
    }

    @Test("an event is acknowledged once, however many handlers it has")
    func oneAcknowledgement() async throws {
        let realtime = Realtime()
        realtime.root.on("sum") { (_: Socket, a: Int, b: Int) -> Int in a + b }
        realtime.root.on("sum") { (_: Socket, a: Int) in }
        realtime.root.on("sum") { (_: Socket) async -> String in "late" }
        realtime.root.onConnection { socket in socket.on("sum") { (_: Socket) -> String in "own" } }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"427["sum",1,2]"#, #"428["sum",3,4]"#)
        #expect(try await client.next() == "437[3]")
        #expect(try await client.next() == "438[7]")
    }
}

@Suite("Acknowledgements from clients")
struct AcknowledgementTests {
    @Test("request returns the reply; a second acknowledgement is ignored")
    func reply() async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.on("ask") { (socket: Socket) in
            let answer = try await socket.request("question", "why?", as: String.self)
            await journal.add(answer)
        }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"42["ask"]"#)
        #expect(try await client.next() == #"420["question","why?"]"#)
        try await client.send(#"430["because"]"#, #"430["again"]"#, #"4399["nobody asked"]"#)
        #expect(try await journal.wait(for: 1) == ["because"])
        #expect(await journal.entries.count == 1)
    }

    @Test("request throws when no reply comes in time, when it is of another type, and when the socket goes")
    func failures() async throws {
        let realtime = Realtime()
        let client = try await PollingClient.join(realtime)
        let socket = try #require(realtime.root.sockets.first)
        await #expect(throws: AcknowledgementError.timeout(.milliseconds(10))) {
            try await socket.request("q", as: Int.self, timeout: .milliseconds(10))
        }
        #expect(try await client.next() == #"420["q"]"#)
        let mistyped = Task { try await socket.request("q", as: Int.self) }
        #expect(try await client.next() == #"421["q"]"#)
        try await client.send(#"431["text"]"#)
        await #expect(throws: DecodingError.self) { try await mistyped.value }
        let pending = Task { try await socket.request("q", as: Int.self) }
        #expect(try await client.next() == #"422["q"]"#)
        try await client.send("1")
        await #expect(throws: AcknowledgementError.disconnected) { try await pending.value }
        await #expect(throws: AcknowledgementError.disconnected) {
            try await socket.request("q", as: Int.self)
        }
    }

    @Test("a request ends with its task, before and after it was sent, and a late reply is ignored")
    func cancelledRequests() async throws {
        let realtime = Realtime()
        let client = try await PollingClient.join(realtime)
        let socket = try #require(realtime.root.sockets.first)
        let begin = ContinuousClock.now
        let single = Task { try await socket.request("q", as: Int.self) }
        #expect(try await client.next() == #"420["q"]"#)
        let several = Task { try await socket.request("q", as: (Int, Int).self) }
        #expect(try await client.next() == #"421["q"]"#)
        single.cancel()
        several.cancel()
        await #expect(throws: CancellationError.self) { try await single.value }
        await #expect(throws: CancellationError.self) { _ = try await several.value }
        #expect(!socket.cancelAcknowledgement(0) && !socket.cancelAcknowledgement(1))
        try await client.send("430[1]", "431[1,2]")
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await socket.timeout(.seconds(10)).emitWithAck("q", as: Int.self)
        }
        late.cancel()
        await #expect(throws: CancellationError.self) { try await late.value }
        #expect(begin.duration(to: .now) < .seconds(5))
        #expect(socket.isConnected)
    }

    @Test(
        "an asynchronous handler begins behind what came with its event; a socket's events keep their order")
    func oneRead() async throws {
        let realtime = Realtime()
        let journal = SynchronousJournal()
        realtime.root.on("later") { (_, number: Int) async in
            journal.add("\(number)")
            return number
        }
        realtime.root.on("now") { (_, number: Int) in journal.add("\(number)") }
        realtime.namespace("/other").on("now") { (_, text: String) in journal.add(text) }
        let client = try await WebSocketClient.open(realtime)
        await client.send("40", "40/other,")
        for _ in 0..<3 { _ = try await client.next() }
        await client.send(
            #"421["later",1]"#, #"42["now",2]"#, #"42/other,["now","other"]"#, #"423["later",3]"#,
            #"424["now",4]"#)
        #expect(try await client.next() == "431[1]")
        #expect(try await client.next() == "433[3]")
        #expect(try await client.next() == "434[]")
        #expect(journal.entries == ["other", "1", "2", "3", "4"])
    }
}
