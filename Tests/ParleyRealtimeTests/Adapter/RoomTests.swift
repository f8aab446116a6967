import Testing

@testable import ParleyRealtime

@Suite("Rooms and broadcasts")
struct RoomTests {
    /// Three clients, each with its socket.
    private func three(_ realtime: Realtime) async throws -> [(client: PollingClient, socket: Socket)] {
        var result: [(PollingClient, Socket)] = []
        for _ in 0..<3 {
            let known = Set(realtime.root.sockets.map(\.id))
            let client = try await PollingClient.join(realtime)
            let socket = try #require(realtime.root.sockets.first { !known.contains($0.id) })
            result.append((client, socket))
        }
        return result
    }

    /// Sends a last event to everybody, and returns what each got before it.
    private func received(_ clients: [PollingClient], _ realtime: Realtime) async throws -> [[String]] {
        realtime.root.emit("end")
        var all: [[String]] = []
        for client in clients {
            var packets: [String] = []
            while true {
                let packet = try await client.next()
                if packet == #"42["end"]"# { break }
                packets.append(packet)
            }
            all.append(packets)
        }
        return all
    }

    @Test("to, in, except and broadcast reach a union, each socket once, without the sender")
    func operators() async throws {
        let realtime = Realtime()
        let peers = try await three(realtime)
        let (a, b, c) = (peers[0].socket, peers[1].socket, peers[2].socket)
        a.join("red", "blue")
        b.join("red")
        c.join("blue")
        realtime.root.emit("all")
        realtime.root.to("red").emit("red")
        realtime.root.to(["red"]).to(["blue"]).emit("union")
        realtime.root.in("red", "blue").except("blue").emit("except")
        realtime.root.to(c.id).emit("one")
        realtime.root.except(a.id).emit("not a")
        a.broadcast.emit("others")
        a.to("red").emit("red others")
        a.emit("self")
        realtime.root.to("nobody").emit("nowhere")
        let got = try await received(peers.map(\.client), realtime)
        #expect(got[0] == ["all", "red", "union", "self"].map { #"42["\#($0)"]"# })
        #expect(
            got[1]
                == ["all", "red", "union", "except", "not a", "others", "red others"].map { #"42["\#($0)"]"# }
        )
        #expect(got[2] == ["all", "union", "one", "not a", "others"].map { #"42["\#($0)"]"# })
    }

    @Test("who joins another socket's own room listens in, and does not displace it")
    func foreignOwnRoom() async throws {
        let realtime = Realtime()
        let peers = try await three(realtime)
        peers[0].socket.join(peers[1].socket.id)
        realtime.root.to(peers[1].socket.id).emit("private")
        peers[1].socket.to(peers[1].socket.id).emit("not to me")
        let got = try await received(peers.map(\.client), realtime)
        #expect(got[0] == [#"42["private"]"#, #"42["not to me"]"#])
        #expect(got[1] == [#"42["private"]"#])
        #expect(got[2].isEmpty)
        peers[1].socket.disconnect()
        #expect(realtime.root.to(peers[1].socket.id).sockets.map(\.id) == [peers[0].socket.id])
    }

    @Test("rooms are left on disconnect, still visible while disconnecting, and pruned when empty")
    func membership() async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.onDisconnecting { socket, _ in
            let rooms = socket.rooms.subtracting([socket.id]).sorted().joined(separator: ",")
            socket.to("red").emit("leaving", rooms)
            Task { await journal.add(rooms) }
        }
        realtime.root.onDisconnect { socket, reason in
            #expect(socket.rooms.isEmpty)
            Task { await journal.add(reason.rawValue) }
        }
        let peers = try await three(realtime)
        let (a, b) = (peers[0], peers[1])
        a.socket.join("red", "blue")
        b.socket.join("red")
        #expect(a.socket.rooms == ["red", "blue", a.socket.id])
        #expect(realtime.root.rooms.mapValues(\.count) == ["red": 2, "blue": 1])
        try await a.client.send("1")
        #expect(try await b.client.next() == #"42["leaving","blue,red"]"#)
        #expect(Set(try await journal.wait(for: 2)) == ["blue,red", "transport close"])
        #expect(realtime.root.rooms.mapValues(\.count) == ["red": 1])
        a.socket.join("green")
        b.socket.leave("red")
        #expect(realtime.root.rooms.isEmpty)
    }

    @Test("volatile events are dropped for a client that does not poll, others wait for it")
    func volatile() async throws {
        let realtime = Realtime()
        let client = try await PollingClient.join(realtime)
        let socket = try #require(realtime.root.sockets.first)
        guard case .dropped = socket.volatile.emit("gauge", 1) else {
            Issue.record("not dropped")
            return
        }
        realtime.root.volatile.emit("gauge", 2)
        socket.emit("kept")
        #expect(try await client.next() == #"42["kept"]"#)
    }

    @Test("disconnects by either side have socket.io's reasons")
    func reasons() async throws {
        let realtime = Realtime()
        let journal = Journal()
        for name in ["/", "/a"] {
            realtime.namespace(name).onDisconnect { socket, reason in
                await journal.add("\(socket.namespace.name) \(reason)")
            }
        }
        let client = try await PollingClient.join(realtime)
        try await client.send("40/a,")
        #expect(try await client.next().hasPrefix("40/a,"))
        try #require(realtime.namespace("/a").sockets.first).disconnect()
        #expect(try await client.next() == "41/a,")
        #expect(try await journal.wait(for: 1) == ["/a server namespace disconnect"])
        try #require(realtime.root.sockets.first).disconnect(close: true)
        #expect(try await client.next() == "41")
        #expect(try await client.next() == "1")
        #expect(try await journal.wait(for: 2).last == "/ server namespace disconnect")

        _ = try await PollingClient.join(realtime)
        realtime.close()
        #expect(try await journal.wait(for: 3).last == "/ server shutting down")
        let (status, _) = try await PollingClient.call(
            realtime, .init(target: "/socket.io/?EIO=4&transport=polling", loop: testLoop))
        #expect(status == 503)
    }
}
