import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyHTTP
@testable import ParleyRealtime

@Suite("Dynamic namespaces")
struct DynamicNamespaceTests {
    @Test(
        "patterns match whole names, segment by segment",
        arguments: [
            ("/rooms/:id", "/rooms/42", ["id": "42"]), ("/rooms/:id", "/rooms/", nil),
            ("/rooms/:id", "/rooms/4/2", nil), ("/rooms/:id", "/Rooms/4", nil),
            (":a/:b", "/x/y", ["a": "x", "b": "y"]),
            ("/a/*/b", "/a/x/b", [:]), ("/a/*/b", "/a//b", nil), ("/f/**", "/f/a/b", ["**": "a/b"]),
            ("/f/**", "/f", nil), ("/", "/", [:]), ("/caf%C3%A9/:x", "/caf%C3%A9/%41", ["x": "%41"]),
            ("/rooms/:id", "rooms/1", nil),
        ] as [(String, String, [String: String]?)])
    func patterns(_ pattern: String, _ name: String, _ expected: [String: String]?) {
        let match = NamespacePattern(pattern).match(name)
        #expect((match == nil) == (expected == nil))
        for (key, value) in expected ?? [:] { #expect(match?[key] == value) }
    }

    @Test(
        "a child is made on demand, with parameters, and shares what its parent has, also what comes later"
    )
    func children() async throws {
        let realtime = Realtime()
        let rooms = realtime.namespace(matching: "/rooms/:id") { rooms in
            rooms.use { handshake in
                let id: Int = try handshake.parameters.require("id")
                if id == 13 { throw ConnectError("unlucky") }
            }
            rooms.onConnection { socket in
                socket.emit("room", try socket.namespace.parameters.require("id", as: Int.self))
            }
        }
        let client = try await PollingClient(realtime)
        try await client.send("40/rooms/7,")
        #expect(try await client.next().hasPrefix(#"40/rooms/7,{"sid":""#))
        #expect(try await client.next() == #"42/rooms/7,["room",7]"#)
        rooms.on("late") { (_: Socket) in "late" }
        try await client.send(#"42/rooms/7,1["late"]"#, "40/rooms/13,", "40/rooms/x,", "40/other/1,")
        #expect(try await client.next() == #"43/rooms/7,1["late"]"#)
        var refusals: Set<String> = []
        for _ in 0..<3 { refusals.insert(try await client.next()) }
        #expect(
            refusals == [
                #"44/rooms/13,{"message":"unlucky"}"#,
                #"44/rooms/x,{"message":"invalid path parameter: id"}"#,
                #"44/other/1,{"message":"Invalid namespace"}"#,
            ])
        #expect(rooms.children?.map(\.name) == ["/rooms/7"])
        #expect(realtime.namespace("/rooms/7") === rooms.children?.first)
    }

    @Test("what the parent emits reaches all children, each by its name; so do its operators")
    func parentBroadcast() async throws {
        let realtime = Realtime()
        let rooms = realtime.namespace(matching: "/rooms/:id")
        let client = try await PollingClient(realtime)
        try await client.send("40/rooms/1,", "40/rooms/2,")
        for _ in 0..<2 { _ = try await client.next() }
        rooms.emit("news", 1)
        #expect(
            Set([try await client.next(), try await client.next()])
                == [#"42/rooms/1,["news",1]"#, #"42/rooms/2,["news",1]"#])
        rooms.socketsJoin("all")
        #expect(rooms.rooms["all"]?.count == 2)
        #expect(try await rooms.to("all").count() == 2)
        async let replies = rooms.to("all").timeout(.seconds(5)).emitWithAck("q", as: String.self)
        for _ in 0..<2 {
            let packet = try await client.next()
            let match = try #require(packet.firstMatch(of: /^42(.rooms.\d),(\d+)\["q"\]$/))
            try await client.send(#"43\#(match.1),\#(match.2)["\#(match.1)"]"#)
        }
        #expect(Set(try await replies.values) == ["/rooms/1", "/rooms/2"])
        guard case .failed = rooms.emit("disconnect") else {
            Issue.record("a reserved name was emitted")
            return
        }
    }

    @Test(
        "namespaces made by name go first, then parents in their order; a regular expression captures by name"
    )
    func precedence() async throws {
        let realtime = Realtime()
        realtime.namespace("/rooms/static").onConnection { $0.emit("static") }
        realtime.namespace(matching: /\/rooms\/(?<letter>[a-z])\d/) { parent in
            parent.onConnection { $0.emit("regex", $0.namespace.parameters["letter"] ?? "") }
        }
        realtime.namespace(matching: "/rooms/:id").onConnection { $0.emit("pattern") }
        let client = try await PollingClient(realtime)
        for (name, event) in [("static", #""static""#), ("x1", #""regex","x""#), ("xx", #""pattern""#)] {
            try await client.send("40/rooms/\(name),")
            #expect(try await client.next().hasPrefix("40"))
            #expect(try await client.next() == "42/rooms/\(name),[\(event)]")
        }
    }

    @Test("a predicate is asked for each client, with what it sent")
    func predicate() async throws {
        let realtime = Realtime()
        let parent = realtime.namespace(where: { name, handshake in
            await Task.yield()
            if name == "/throws" { throw ConnectError("told why") }
            return try name.hasPrefix("/secret") && handshake.auth("key", as: Int.self) == 7
        })
        let client = try await PollingClient(realtime)
        try await client.send(#"40/secret,{"key":7}"#)
        #expect(try await client.next().hasPrefix("40/secret,"))
        let other = try await PollingClient(realtime)
        try await other.send(#"40/secret,{"key":8}"#, #"40/open,{"key":7}"#, "40/throws,")
        var answers: Set<String> = []
        for _ in 0..<3 { answers.insert(try await other.next()) }
        #expect(
            answers == [
                #"44/secret,{"message":"Invalid namespace"}"#, #"44/open,{"message":"Invalid namespace"}"#,
                #"44/throws,{"message":"told why"}"#,
            ])
        #expect(parent.children?.count == 1)
    }

    @Test("clients that ask for one new child at once get one; it goes with its last socket, on request")
    func oneChild() async throws {
        let realtime = Realtime()
        let made = Lock(0)
        realtime.onNewNamespace { _ in made.withLock { $0 += 1 } }
        let rooms = realtime.namespace(matching: "/rooms/:id", removesEmpty: true)
        rooms.use { _ in await Task.yield() }
        for round in 1...20 {
            let clients = try await withThrowingTaskGroup(of: PollingClient.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await PollingClient.join(realtime, "/rooms/1") }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(rooms.children?.count == 1 && rooms.sockets.count == 8)
            #expect(made.withLock { $0 } == round)
            await withThrowingTaskGroup(of: Void.self) { group in
                for client in clients { group.addTask { try await client.send("41/rooms/1,") } }
            }
            #expect(rooms.children?.isEmpty == true)
        }
    }

    @Test("a child is never removed under a socket that comes")
    func comingAndGoing() async throws {
        let realtime = Realtime()
        let rooms = realtime.namespace(matching: "/rooms/:id", removesEmpty: true)
        rooms.use { _ in await Task.yield() }
        rooms.on("who") { socket in socket.namespace.sockets.contains { $0 === socket } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    for _ in 0..<30 {
                        let client = try await PollingClient.join(realtime, "/rooms/1")
                        try await client.send(#"42/rooms/1,1["who"]"#)
                        #expect(try await client.next() == "43/rooms/1,1[true]")
                        let child = realtime.namespace(matchingForTest: "/rooms/1", of: rooms)
                        #expect(child?.sockets.isEmpty == false)
                        try await client.send(number % 2 == 0 ? "41/rooms/1," : "1")
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(rooms.children?.isEmpty == true)
    }

    @Test(
        "the number of children is bounded, those that middleware refuses don't count, and the limit is named"
    )
    func limit() async throws {
        let realtime = Realtime()
        let rooms = realtime.namespace(matching: "/rooms/:id", limit: 2)
        rooms.use { if $0.parameters["id"] == "no" { throw ConnectError("no") } }
        let client = try await PollingClient(realtime)
        try await client.send("40/rooms/no,", "40/rooms/1,", "40/rooms/2,", "40/rooms/3,")
        #expect(try await client.next() == #"44/rooms/no,{"message":"no"}"#)
        for _ in 0..<2 { #expect(try await client.next().hasPrefix("40")) }
        #expect(
            try await client.next()
                == #"44/rooms/3,{"message":"Too many namespaces","data":{"limit":"maxChildNamespaces"}}"#)
    }

    @Test("a server that is let go leaves no children behind")
    func lifetime() async throws {
        weak var child: Namespace?
        do {
            let realtime = Realtime()
            realtime.namespace(matching: "/rooms/:id")
            child = realtime.namespace("/rooms/1")
            #expect(child?.parameters["id"] == "1")
        }
        #expect(child == nil)
    }
}

extension Realtime {
    fileprivate func namespace(matchingForTest name: String, of parent: Namespace) -> Namespace? {
        parent.family?.find(name)
    }
}
