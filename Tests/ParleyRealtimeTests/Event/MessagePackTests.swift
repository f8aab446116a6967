import ParleyWire
import Testing

@testable import ParleyRealtime

@Suite("Packets in MessagePack")
struct MessagePackTests {
    private static let placeholder = #"{"_placeholder":true,"num":0}"#

    @Test(
        "events, acknowledgements and binary travel both ways, in namespaces too", arguments: ["/", "/chat"])
    func bothWays(namespace: String) async throws {
        let realtime = MessagePackClient.server()
        realtime.namespace(namespace).on("echo") { (_, text: String, data: JSONValue) in
            #expect(text == "é" && data == .object(["bytes": .binary([0, 255])]))
            return data
        }
        realtime.namespace(namespace).onConnection { socket in
            let size = try await socket.request("size", JSONValue.binary([1, 2, 3]), as: Int.self)
            socket.emit("answer", size)
        }
        let (client, _) = try await MessagePackClient.join(realtime, namespace)
        let question = try await client.next()
        #expect(question.text == #"["size",\#(Self.placeholder)]"# && question.attachments == [[1, 2, 3]])
        try await client.send(.ack, namespace, id: question.id, json: "[3]")
        let answer = try await client.next()
        #expect(answer.text == #"["answer",3]"# && answer.type == .event && answer.namespace == namespace)
        try await client.send(
            .event, namespace, id: 7, json: #"["echo","é",{"bytes":\#(Self.placeholder)}]"#,
            attachments: [[0, 255]])
        let echo = try await client.next()
        #expect(echo.type == .ack && echo.id == 7 && echo.namespace == namespace)
        #expect(echo.text == #"[{"bytes":\#(Self.placeholder)}]"# && echo.attachments == [[0, 255]])
    }

    @Test("a refusal has its message and data, a server's disconnect its packet")
    func endings() async throws {
        let realtime = MessagePackClient.server()
        realtime.namespace("/admin").use { handshake in
            throw ConnectError("not \(handshake.auth["user"]?.stringValue ?? "")", data: ["code": 1])
        }
        realtime.root.on("leave") { socket in socket.disconnect() }
        let (client, connected) = try await MessagePackClient.join(realtime)
        #expect(connected.text.hasPrefix(#"{"sid":""#))
        try await client.send(.connect, "/admin", json: #"{"user":"ada"}"#)
        let refusal = try await client.next()
        #expect(refusal.type == .connectError && refusal.namespace == "/admin")
        #expect(refusal.text == #"{"message":"not ada","data":{"code":1}}"#)
        try await client.send(.event, json: #"["leave"]"#)
        #expect(try await client.next().type == .disconnect)
    }

    @Test(
        "what is no packet ends the session with its parse error",
        arguments: [[0xC1], [0x80], Array("plain".utf8), [UInt8](repeating: 0x91, count: 300)] as [[UInt8]])
    func malformed(bytes: [UInt8]) async throws {
        let journal = Journal()
        let realtime = MessagePackClient.server()
        realtime.root.onDisconnect { _, reason in Task { await journal.add(reason.rawValue) } }
        let (client, _) = try await MessagePackClient.join(realtime)
        try await client.send(bytes)
        #expect(try await journal.wait(for: 1) == ["parse error"])
    }

    @Test("a client with the other parser is sent away, whichever side has which")
    func otherParser() async throws {
        let client = try await PollingClient(MessagePackClient.server())
        try await client.send("40")
        #expect(try await client.get().0 == 400)
        let other = MessagePackClient(try await PollingClient(Realtime()))
        try await other.send(.connect)
        #expect(try await other.polling.get().0 == 400)
    }

    @Test("names that the text of packets can't say are refused", arguments: ["chat", "", "/a,b"])
    func names(name: String) async throws {
        let client = MessagePackClient(try await PollingClient(MessagePackClient.server()))
        try await client.send(.connect, name)
        #expect(try await client.polling.get().0 == 400)
    }

    @Test("handlers of outgoing events are told of what leaves, binary included")
    func outgoing() async throws {
        let journal = SynchronousJournal()
        let realtime = MessagePackClient.server()
        realtime.root.onAnyOutgoing { _, event, arguments in journal.add("\(event) \(arguments)") }
        let (client, _) = try await MessagePackClient.join(realtime)
        realtime.emit("news", 1, JSONValue.binary([9]))
        #expect(try await client.next().attachments == [[9]])
        #expect(journal.entries == ["news \([1, .binary([9])] as [JSONValue])"])
    }

    @Test("an event's offset is its last argument; a client that comes back gets what it missed")
    func recovery() async throws {
        let realtime = MessagePackClient.server { $0.recovery = RecoveryOptions() }
        let (client, connected) = try await MessagePackClient.join(realtime)
        let session = try JSON.decode([String: String].self, from: connected.json.span)
        realtime.emit("news", JSONValue.binary([1]))
        let first = try JSON.decode(JSONValue.self, from: try await client.next().json.span)
        let offset = try #require(first.arrayValue?.last?.stringValue)
        try await client.polling.send("1")
        realtime.emit("news", JSONValue.binary([2]))
        let pid = try #require(session["pid"])
        let (back, again) = try await MessagePackClient.join(
            realtime, auth: #"{"pid":"\#(pid)","offset":"\#(offset)"}"#)
        #expect(try JSON.decode([String: String].self, from: again.json.span)["sid"] == session["sid"])
        #expect(try await back.next().attachments == [[2]])
    }

    @Test("an Engine.IO 3 client's packets are binary messages of its revision")
    func oldClients() async throws {
        let realtime = MessagePackClient.server { $0.engine.allowsEngineIO3 = true }
        realtime.root.on("echo") { (socket, data: JSONValue) in socket.emit("echo", data) }
        let client = try await EngineIO3Client(realtime, query: "&b64=1")
        func packet() async throws -> MessagePackPacket {
            let text = try await client.get().text
            let base64 = try #require(text.firstMatch(of: /^\d+:b4(.*)$/), "\(text)").1
            return try MessagePackClient.decode(base64: base64.utf8)
        }
        #expect(try await packet() == MessagePackPacket(type: .connect))
        var bytes: [UInt8] = []
        try MessagePackPacket(
            type: .event, json: Array(#"["echo",\#(Self.placeholder)]"#.utf8), attachments: [[7]]
        ).encode(into: &bytes)
        var base64: [UInt8] = []
        Base64.encode(bytes.span, into: &base64)
        try await client.send("b4" + String(decoding: base64, as: UTF8.self))
        let echo = try await packet()
        #expect(echo.attachments == [[7]])
        realtime.emit("all", 1)
        #expect(try await packet().text == #"["all",1]"#)
    }

    @Test("a broadcast from another server of the cluster arrives, also where sessions can be recovered")
    func cluster() async throws {
        for recovery in [nil, RecoveryOptions()] {
            let cluster = InMemoryCluster()
            let servers = (0..<2).map { _ in
                MessagePackClient.server {
                    $0.adapter = cluster.adapter
                    $0.recovery = recovery
                }
            }
            let (client, _) = try await MessagePackClient.join(servers[1])
            servers[0].emit("news", JSONValue.binary([5]))
            let news = try await client.next()
            #expect(news.attachments == [[5]] && news.text.hasPrefix(#"["news",\#(Self.placeholder)"#))
        }
    }

    @Test(
        "more attachments than clients may send, and deeper nesting, are told to handlers of outgoing events")
    func ownLimits() async throws {
        for parser in [PacketParser.json, .messagePack] {
            let journal = SynchronousJournal()
            var options = RealtimeOptions()
            options.parser = parser
            let realtime = Realtime(options: options)
            realtime.root.onAnyOutgoing { _, event, arguments in journal.add("\(event) \(arguments.count)") }
            if parser == .json {
                _ = try await PollingClient.join(realtime)
            } else {
                _ = try await MessagePackClient.join(realtime)
            }
            var deep = JSONValue.array([])
            for _ in 0..<300 { deep = .array([deep]) }
            realtime.emit("binaries", (0..<300).map { _ in JSONValue.binary([1]) })
            realtime.emit("deep", deep)
            #expect(journal.entries == ["binaries 1", "deep 1"])
        }
    }
}
