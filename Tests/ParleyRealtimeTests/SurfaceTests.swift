import HTTPTypes
import ParleyHTTP
import ParleyTransport
import Testing

@testable import ParleyRealtime

/// What an application for Socket.IO 0.9 could do, row by row (Documentation/Migration/From-Socket.IO-0.9.md).
@Suite("The surface of Socket.IO 0.9")
struct SurfaceTests {
    /// Three clients in a namespace, with their sockets.
    private struct Three {
        let realtime = Realtime()
        var clients: [PollingClient] = []
        var sockets: [Socket] = []
        let chat: Namespace

        init(_ name: String = "/") async throws {
            chat = realtime.namespace(name)
            for _ in 0..<3 {
                let known = Set(chat.sockets.map(\.id))
                clients.append(try await PollingClient.join(realtime, name))
                sockets.append(try #require(chat.sockets.first { !known.contains($0.id) }))
            }
        }

        /// What each got, up to now.
        func heard() async throws -> [[String]] {
            chat.emit("end")
            var all: [[String]] = []
            for client in clients {
                var packets: [String] = []
                while true {
                    let packet = try await client.next()
                    if packet.hasSuffix(#"["end"]"#) { break }
                    packets.append(packet)
                }
                all.append(packets)
            }
            return all
        }
    }

    @Test("emit to this socket, to all, to all but the sender, to a room with and without the sender, by id")
    func emitting() async throws {
        let three = try await Three()
        let (socket, io) = (three.sockets[0], three.realtime)
        socket.join("room")
        three.sockets[1].join("room")
        socket.emit("this")
        io.emit("all")
        socket.broadcast.emit("others")
        io.in("room").emit("room")
        socket.to("room").emit("room others")
        socket.broadcast.to("room").emit("room others")
        io.to(three.sockets[2].id).emit("by id")
        io.except(socket.id).emit("except")
        socket.send("text")
        io.send("text")
        let heard = try await three.heard().map { $0.map { String($0.dropFirst(4).dropLast(2)) } }
        let text = #"message","text"#
        #expect(heard[0] == ["this", "all", "room", text, text])
        #expect(heard[1] == ["all", "others", "room", "room others", "room others", "except", text])
        #expect(heard[2] == ["all", "others", "by id", "except", text])
    }

    @Test("message, any other event, acknowledgements both ways, connection and disconnect")
    func events() async throws {
        let realtime = Realtime()
        let journal = Journal()
        let root = realtime.root
        root.onConnection { socket in await journal.add("connection \(socket.isConnected)") }
        root.on("message") { (_, text: String) async in await journal.add("message \(text)") }
        root.on("question") { (_, n: Int) in (n + 1, "callback") }
        root.onAny { _, name, arguments in Task { await journal.add("any \(name) \(arguments.count)") } }
        root.onDisconnect { _, reason in await journal.add("disconnect \(reason)") }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"42["message","hi"]"#, #"425["question",1]"#)
        #expect(try await client.next() == #"435[2,"callback"]"#)
        let socket = try #require(root.sockets.first)
        async let answer = socket.request("name?", as: String.self)
        #expect(try await client.next() == #"420["name?"]"#)
        try await client.send(#"430["ada"]"#)
        #expect(try await answer == "ada")
        try await client.send("41")
        let entries = try await journal.wait(for: 5)
        #expect(
            Set(entries) == [
                "connection true", "message hi", "any message 1", "any question 1",
                "disconnect client namespace disconnect",
            ])
        #expect(entries.first == "connection true")
    }

    @Test("rooms, in a namespace of its own: joined, listed, left, pruned", arguments: ["/", "/chat"])
    func rooms(_ name: String) async throws {
        let three = try await Three(name)
        let (chat, sockets) = (three.chat, three.sockets)
        sockets[0].join("a", "b")
        sockets[1].join("a")
        #expect(
            chat.rooms.mapValues(Set.init) == ["a": [sockets[0].id, sockets[1].id], "b": [sockets[0].id]])
        #expect(Set(chat.in("a").sockets.map(\.id)) == [sockets[0].id, sockets[1].id])
        #expect(sockets[0].rooms == [sockets[0].id, "a", "b"])
        #expect(chat.socket(sockets[2].id) === sockets[2])
        sockets[0].leave("b")
        #expect(chat.rooms.keys.sorted() == ["a"])
        try await three.clients[0].send("1")
        #expect(chat.rooms == ["a": [sockets[1].id]])
        try await three.clients[1].send("1")
        #expect(chat.rooms.isEmpty && sockets[1].rooms.isEmpty)
        #expect(three.realtime.namespace("/other").rooms.isEmpty)
    }

    @Test("authorization: global, before there is a session, and per namespace, before any event")
    func authorization() async throws {
        var options = RealtimeOptions()
        options.engine.allowRequest = { $0.query("token") == "global" }
        let realtime = Realtime(options: options)
        let journal = Journal()
        realtime.namespace("/chat").use { handshake in
            guard handshake.query("room") == "chat" else { throw ConnectError("unauthorized") }
        }
        realtime.namespace("/chat").onConnection { _ in await journal.add("connection") }
        realtime.namespace("/chat").on("x") { _ in await journal.add("event") }
        let (status, _) = try await PollingClient.call(
            realtime, Request(target: "/socket.io/?EIO=4&transport=polling", loop: testLoop))
        #expect(status == 403)
        let refused = try await PollingClient(realtime, query: "&token=global")
        try await refused.send("40/chat,")
        #expect(try await refused.next() == #"44/chat,{"message":"unauthorized"}"#)
        let client = try await PollingClient(realtime, query: "&token=global&room=chat")
        try await client.send("40/chat,")
        #expect(try await client.next().hasPrefix("40/chat,"))
        try await client.send(#"42/chat,["x"]"#)
        #expect(try await journal.wait(for: 2) == ["connection", "event"])
    }

    @Test("what is stored for a socket: set, get, has, del")
    func storage() async throws {
        let three = try await Three()
        let socket = three.sockets[0]
        #expect(socket[String.self] == nil)
        socket[String.self] = "ada"
        #expect(try socket.require(String.self) == "ada")
        socket[String.self] = nil
        #expect(throws: MissingValueError.self) { try socket.require(String.self) }
    }
}
