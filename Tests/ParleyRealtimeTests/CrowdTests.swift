import ParleyTransport
import Synchronization
import Testing

@testable import ParleyRealtime

@Suite("A crowd that comes, talks, upgrades and goes")
struct CrowdTests {
    private static let residents = 40
    private static let words = 20
    private static let visitors = 40
    private static let visits = 8

    @Test("nothing is lost, doubled or reordered for who stays, and nothing is left of who went")
    func crowd() async throws {
        let group = try EventLoopGroup(count: 2)
        let server = Server()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<Self.visitors {
                let loop = group.loops[number % 2]
                tasks.addTask(executorPreference: loop) {
                    for turn in 0..<Self.visits {
                        try await visit(server.realtime, kind: number + turn, loop: loop)
                    }
                }
            }
            tasks.addTask { try await reside(server.realtime, group) }
            try await tasks.waitForAll()
        }
        for _ in 0..<1000 where !server.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        #expect(server.realtime.sessionCount == 0)
        #expect(server.realtime.root.sockets.isEmpty)
        #expect(server.realtime.root.rooms.isEmpty)
        #expect(server.disconnects.load(ordering: .relaxed) == server.connections.load(ordering: .relaxed))
        #expect(server.survivors == 0)
        await group.shutdown()
    }

    private func reside(_ realtime: Realtime, _ group: EventLoopGroup) async throws {
        var clients: [CrowdClient] = []
        for name in 0..<Self.residents {
            clients.append(try await CrowdClient(realtime, name: name, loop: group.loops[name % 2]))
        }
        let lives = try await withThrowingTaskGroup(of: (Int, WebSocketClient, Set<Int>).self) { tasks in
            for client in clients {
                let name = client.name
                tasks.addTask(executorPreference: group.loops[name % 2]) {
                    let (webSocket, heard) = try await client.live(
                        words: Self.words, room: "room\(name % 5)", webSocketLoop: group.loops[name / 2 % 2])
                    return (name, webSocket, heard)
                }
            }
            return try await tasks.reduce(into: [:]) { $0[$1.0] = ($1.1, $1.2) }
        }
        realtime.root.to("all").emit("end")
        for client in clients {
            let (webSocket, heard) = try #require(lives[client.name])
            try await client.wait(for: #"42["end"]"#, webSocket)
            check(client, heard)
            await client.name % 2 == 0 ? webSocket.send("1") : webSocket.disconnect()
        }
    }

    /// What was said to everybody is there for each speaker from the first to the last word; of the room, its own.
    private func check(_ client: CrowdClient, _ heard: Set<Int>) {
        let packets = client.packets
        for speaker in 0..<Self.residents {
            let prefix = #"42["said","all",\#(speaker),"#
            let words = packets.filter { $0.hasPrefix(prefix) }.compactMap {
                Int($0.dropFirst(prefix.count).dropLast())
            }
            #expect(words == Array(0..<Self.words), "what \(client.name) heard of \(speaker)")
        }
        let prefix = #"42["said","room\#(client.name % 5)",\#(client.name),"#
        let own = packets.filter { $0.hasPrefix(prefix) }.compactMap {
            Int($0.dropFirst(prefix.count).dropLast())
        }
        #expect(own == heard.sorted())
    }

    /// Comes by one transport or the other, says something, and goes in one of many ways.
    private func visit(_ realtime: Realtime, kind: Int, loop: EventLoop) async throws {
        let talk = [
            "40", #"42["join","room\#(kind % 5)"]"#, #"42["say","room\#((kind + 1) % 5)",-1,\#(kind)]"#,
        ]
        if kind % 2 == 0 {
            let client = try await WebSocketClient.open(realtime, loop: loop)
            await client.send(talk)
            switch kind / 2 % 4 {
            case 0: await client.disconnect()
            case 1: await client.send("1")
            case 2: await client.send("41", "1")
            default: await client.send(#"42["kick"]"#)
            }
        } else {
            let client = try await PollingClient(realtime, loop: loop)
            try await client.send(talk.joined(separator: "\u{1E}"))
            switch kind / 2 % 4 {
            case 0: try await client.send("1")
            case 1: try await client.send("bad")
            case 2: try await overlap(client)
            default:
                try await client.send(#"42["kick"]"#)
                while try await client.get().0 == 200 {}
            }
        }
    }

    /// Polls twice at a time, which ends a session, or goes away while it polls.
    private func overlap(_ client: PollingClient) async throws {
        let polls = (0..<2).map { _ in
            Task {
                while try await client.get().0 == 200 {}
            }
        }
        try await Task.sleep(for: .milliseconds(1))
        polls[0].cancel()
        for poll in polls { _ = await poll.result }
    }
}

/// The server of the crowd, which counts and watches its sockets.
private final class Server: Sendable {
    let realtime: Realtime
    let connections = Atomic(0)
    let disconnects = Atomic(0)
    private let traces = Lock<[Trace]>([])

    private struct Trace: Sendable {
        weak var socket: Socket?
        weak var client: Client?
        weak var session: EngineSession?
    }

    init() {
        var options = RealtimeOptions()
        options.engine.pingInterval = .milliseconds(100)
        realtime = Realtime(options: options)
        realtime.root.onConnection { [unowned self] socket in
            connections.add(1, ordering: .relaxed)
            traces.withLock {
                $0.append(Trace(socket: socket, client: socket.client, session: socket.client.session))
            }
        }
        realtime.root.onDisconnect { [unowned self] _, _ in disconnects.add(1, ordering: .relaxed) }
        realtime.root.on("join") { (socket, room: String) in socket.join(room) }
        realtime.root.on("leave") { (socket, room: String) in socket.leave(room) }
        realtime.root.on("say") { (socket, room: String, name: Int, word: Int) in
            socket.namespace.to(room).emit("said", room, name, word)
        }
        realtime.root.on("kick") { socket in
            await Task.yield()
            socket.disconnect(close: true)
        }
    }

    var isEmpty: Bool {
        realtime.sessionCount == 0 && survivors == 0
            && disconnects.load(ordering: .relaxed) == connections.load(ordering: .relaxed)
    }

    /// Objects of clients that went which still live.
    var survivors: Int {
        traces.withLock { traces in
            traces.count { $0.socket != nil } + traces.count { $0.client != nil }
                + traces.count { $0.session != nil }
        }
    }
}
