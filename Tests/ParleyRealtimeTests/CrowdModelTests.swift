import ParleyTransport
import Testing

@testable import ParleyRealtime

/// In each round all clients join and leave rooms and speak at once. Who did not change what a broadcast depends on must
/// hear it once, or not at all, as the model says; for others at most once.
@Suite("A thousand clients in rooms, against a model")
struct CrowdModelTests {
    private static let clients = 1000
    private static let rooms = 12
    private static let rounds = 3

    @Test("every delivery is as the model has it", .timeLimit(.minutes(5)))
    func deliveries() async throws {
        let group = try EventLoopGroup(count: 2)
        let realtime = Realtime()
        serve(realtime)
        var peers: [WebSocketClient] = []
        for number in 0..<Self.clients {
            let client = try await WebSocketClient.open(realtime, loop: group.loops[number % 2])
            await client.send("40")
            peers.append(client)
        }
        var model = CrowdModel(clients: Self.clients, rooms: Self.rooms)
        for round in 0..<Self.rounds {
            let plan = model.plan(round)
            await act(plan, peers)
            realtime.emit("end", round)
            for (number, peer) in peers.enumerated() {
                model.check(try await heard(peer, round), by: number, in: plan)
            }
            model.apply(plan)
            #expect(realtime.root.rooms.mapValues(\.count) == model.sizes)
        }
        #expect(try await realtime.to("room0", "room1").count() == model.union(["room0", "room1"]))
        for peer in peers { await peer.disconnect() }
        #expect(realtime.root.rooms.isEmpty && realtime.root.sockets.isEmpty)
        await group.shutdown()
    }

    private func serve(_ realtime: Realtime) {
        realtime.root.on("join") { (socket, room: String) in socket.join(room) }
        realtime.root.on("leave") { (socket, room: String) in socket.leave(room) }
        realtime.root.on("say") { (socket, id: Int, rooms: [String], except: [String], others: Bool) in
            let start = others ? socket.audience : socket.namespace.audience
            start.to(rooms).except(except).emit("said", id)
        }
    }

    private func act(_ plan: [CrowdModel.Turn], _ peers: [WebSocketClient]) async {
        await withTaskGroup(of: Void.self) { tasks in
            for turn in plan where !turn.packets.isEmpty {
                tasks.addTask {
                    for packet in turn.packets { await peers[turn.client].send(packet) }
                }
            }
        }
    }

    /// The ids of what the client heard, up to the end of the round.
    private func heard(_ peer: WebSocketClient, _ round: Int) async throws -> [Int] {
        var ids: [Int] = []
        while true {
            let packet = try await peer.next()
            if packet == #"42["end",\#(round)]"# { return ids }
            if let id = packet.firstMatch(of: /^42\["said",(\d+)\]$/)?.1 { ids.append(Int(id) ?? -1) }
        }
    }
}

/// Who is in which rooms, and what everybody does in a round.
private struct CrowdModel {
    struct Broadcast {
        var sender: Int
        var rooms: [String]
        var except: [String]
        var isForOthers: Bool
    }

    struct Turn {
        var client: Int
        var changes: [String] = []
        var broadcast: (id: Int, Broadcast)?
        var packets: [String] = []
    }

    private var members: [Set<String>]
    private let rooms: [String]
    private var seed: UInt64 = 0x9E37_79B9_7F4A_7C15
    private var broadcasts: [Int: Broadcast] = [:]
    private var lastID = 0

    init(clients: Int, rooms: Int) {
        members = Array(repeating: [], count: clients)
        self.rooms = (0..<rooms).map { "room\($0)" }
    }

    private mutating func random(_ bound: Int) -> Int {
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(seed >> 33) % bound
    }

    private mutating func some(_ most: Int) -> [String] {
        (0..<random(most + 1)).map { _ in rooms[random(rooms.count)] }
    }

    mutating func plan(_ round: Int) -> [Turn] {
        broadcasts = [:]
        return members.indices.map { client in
            var turn = Turn(client: client)
            if round == 0 || random(3) == 0 { turn.changes = some(3) }
            var own = members[client]
            turn.packets = turn.changes.map { room in
                let joins = own.insert(room).inserted
                if !joins { own.remove(room) }
                return #"42["\#(joins ? "join" : "leave")","\#(room)"]"#
            }
            if random(8) == 0 { speak(&turn) }
            return turn
        }
    }

    private mutating func speak(_ turn: inout Turn) {
        lastID += 1
        let broadcast = Broadcast(
            sender: turn.client, rooms: some(3), except: random(3) == 0 ? some(2) : [],
            isForOthers: random(2) == 0)
        broadcasts[lastID] = broadcast
        let packet =
            #"42["say",\#(lastID),\#(broadcast.rooms),\#(broadcast.except),\#(broadcast.isForOthers)]"#
        turn.packets.insert(packet, at: random(turn.packets.count + 1))
    }

    func check(_ heard: [Int], by client: Int, in plan: [Turn]) {
        let changed = Set(plan[client].changes)
        #expect(Set(heard).count == heard.count, "client \(client) heard something twice")
        let heard = Set(heard)
        for (id, broadcast) in broadcasts {
            let isSender = broadcast.isForOthers && broadcast.sender == client
            guard isSender || changed.isDisjoint(with: broadcast.rooms + broadcast.except) else { continue }
            let isMember = broadcast.rooms.isEmpty || !members[client].isDisjoint(with: broadcast.rooms)
            let expected = isMember && !isSender && members[client].isDisjoint(with: broadcast.except)
            if heard.contains(id) != expected {
                Issue.record("client \(client), \(members[client]), of \(broadcast): expected \(expected)")
            }
        }
        #expect(heard.isSubset(of: broadcasts.keys))
    }

    mutating func apply(_ plan: [Turn]) {
        for turn in plan {
            for room in turn.changes where members[turn.client].remove(room) == nil {
                members[turn.client].insert(room)
            }
        }
    }

    /// How many are in each room that exists.
    var sizes: [String: Int] {
        members.reduce(into: [:]) { sizes, rooms in
            for room in rooms { sizes[room, default: 0] += 1 }
        }
    }

    func union(_ rooms: [String]) -> Int { members.count { !$0.isDisjoint(with: rooms) } }
}
