import ParleyWire
import Testing

@testable import ParleyRealtime

@Suite("Events are found by the bytes of their names")
struct EventIndexTests {
    @Test("each of many names has its own handlers, other names have none")
    func manyNames() async throws {
        let realtime = Realtime()
        let names = (0..<300).map { "event-\($0)" } + ["", "é", "🎉", "a\"b", "a\\b", "tab\t", "nul\u{0}"]
        for name in names { realtime.root.on(name) { (_: Socket) in name } }
        let journal = SynchronousJournal()
        realtime.root.onUnmatched { _, name, _ in journal.add(name) }
        let client = try await PollingClient.join(realtime)
        for (id, name) in names.enumerated() {
            var json: [UInt8] = []
            try JSON.encode(name, into: &json)
            let text = String(decoding: json, as: UTF8.self)
            try await client.send("42\(id)[\(text)]")
            #expect(try await client.next() == "43\(id)[\(text)]")
        }
        try await client.send(#"42["event-300"]"#, #"42["event"]"#, #"42["event-1 "]"#)
        #expect(try await journal.wait(for: 3) == ["event-300", "event", "event-1 "])
    }

    @Test("a name with escapes is the name that it stands for")
    func escapes() async throws {
        let realtime = Realtime()
        realtime.root.on("café/1") { (_: Socket) in 1 }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"420["caf\u00e9\/1"]"#, #"421["\u0063afé/1"]"#)
        #expect(try await client.next() == "430[1]")
        #expect(try await client.next() == "431[1]")
    }

    @Test("names that only look the same are different names, as they are to clients")
    func equivalentNames() async throws {
        let realtime = Realtime()
        let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
        realtime.root.on(composed) { (_: Socket) in 1 }
        realtime.root.on(decomposed) { (_: Socket) in 2 }
        let client = try await PollingClient.join(realtime)
        try await client.send("420[\"\(composed)\"]", "421[\"\(decomposed)\"]")
        #expect(try await client.next() == "430[1]")
        #expect(try await client.next() == "431[2]")
        realtime.root.off(decomposed)
        try await client.send("422[\"\(decomposed)\"]", "423[\"\(composed)\"]")
        #expect(try await client.next() == "433[1]")
    }

    @Test("a handler that is registered while events come is called from the next one on")
    func registeredLater() async throws {
        let realtime = Realtime()
        realtime.root.on("first") { (_: Socket) in
            realtime.root.on("second") { (_: Socket) in "late" }
            return "early"
        }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"420["first"]"#, #"421["second"]"#)
        #expect(try await client.next() == #"430["early"]"#)
        #expect(try await client.next() == #"431["late"]"#)
        realtime.root.off("second")
        try await client.send(#"422["second"]"#, #"423["first"]"#)
        #expect(try await client.next() == #"433["early"]"#)
    }

    @Test("handlers of the namespace and of the socket, and several of one event, are all called")
    func tables() async throws {
        let realtime = Realtime()
        let journal = SynchronousJournal()
        realtime.root.on("e") { (_: Socket) in journal.add("first") }
        realtime.root.on("e") { (_: Socket) in journal.add("second") }
        realtime.root.onConnection { socket in
            socket.on("e") { (_: Socket) in journal.add("own") }
            socket.once.on("e") { (_: Socket) in journal.add("once") }
        }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"42["e"]"#, #"42["e"]"#)
        #expect(
            try await journal.wait(for: 7)
                == ["first", "second", "own", "once", "first", "second", "own"])
    }
}
