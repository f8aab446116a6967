/// Which sockets are in which rooms. Members of a room that does not change are listed once, and that list is shared by all
/// broadcasts to it.
struct RoomRegistry {
    private struct Member {
        let socket: Socket
        var rooms: Set<String> = []
    }

    private struct Room {
        var members: [String: Socket] = [:]
        var list: [Socket]?
    }

    private var members: [String: Member] = [:]
    private var list: [Socket]?
    private var rooms: [String: Room] = [:]

    /// Who hears of changes; nothing is recorded for nobody.
    var observer: RoomObserver?
    private var events: [RoomEvent] = []
    private var isReporting = false

    mutating func add(_ socket: Socket) {
        // Sockets of Engine.IO 3 clients have their session's id: one may come back before its former self has gone.
        if let former = members[socket.id]?.socket { remove(former) }
        members[socket.id] = Member(socket: socket)
        list = nil
        rooms[socket.id]?.list = nil
    }

    mutating func remove(_ socket: Socket) {
        guard let member = members[socket.id], member.socket === socket else { return }
        members[socket.id] = nil
        list = nil
        rooms[socket.id]?.list = nil
        for room in member.rooms { removeMember(socket.id, from: room) }
    }

    mutating func join(_ socket: Socket, _ names: [String]) {
        guard members[socket.id]?.socket === socket else { return }
        for name in names where name != socket.id {
            guard members[socket.id]?.rooms.insert(name).inserted == true else { continue }
            if observer != nil { record(joining: name, socket.id) }
            rooms[name, default: Room()].members[socket.id] = socket
            rooms[name]?.list = nil
        }
    }

    mutating func leave(_ socket: Socket, _ names: [String]) {
        guard members[socket.id]?.socket === socket else { return }
        for name in names where members[socket.id]?.rooms.remove(name) != nil {
            removeMember(socket.id, from: name)
        }
    }

    private mutating func removeMember(_ id: String, from name: String) {
        rooms[name]?.members[id] = nil
        rooms[name]?.list = nil
        if observer != nil { events.append(.left(room: name, socketID: id)) }
        guard rooms[name]?.members.isEmpty == true else { return }
        rooms[name] = nil
        if observer != nil { events.append(.deleted(room: name)) }
    }

    private mutating func record(joining name: String, _ id: String) {
        if rooms[name] == nil { events.append(.created(room: name)) }
        events.append(.joined(room: name, socketID: id))
    }

    // MARK: Room events

    /// True when the caller is to report what happened.
    mutating func beginReport() -> Bool {
        guard !events.isEmpty, !isReporting else { return false }
        isReporting = true
        return true
    }

    /// What to report next; nil when nothing is left.
    mutating func nextReport() -> ([RoomEvent], RoomObserver)? {
        guard let observer, !events.isEmpty else {
            events = []
            isReporting = false
            return nil
        }
        defer { events = [] }
        return (events, observer)
    }

    // MARK: Looking up

    func rooms(of socket: Socket) -> Set<String> {
        guard let member = members[socket.id], member.socket === socket else { return [] }
        return member.rooms.union([socket.id])
    }

    func allRooms() -> [String: [String]] { rooms.mapValues { Array($0.members.keys) } }

    /// The shared list of a target that is everybody or one room, but for its sender, who may be in the list;
    /// `isExact` is false for other targets.
    mutating func candidates(_ target: BroadcastTarget) -> (sockets: [Socket], isExact: Bool) {
        guard target.except.isEmpty else { return ([], false) }
        if target.rooms.isEmpty { return (everybody(), true) }
        guard target.rooms.count == 1 else { return ([], false) }
        return (sockets(in: target.rooms[0]), true)
    }

    mutating func sockets(in target: BroadcastTarget) -> [Socket] {
        let found = target.rooms.isEmpty ? everybody() : union(target.rooms)
        guard !target.except.isEmpty || target.sender != nil else { return found }
        var excluded = Set(union(target.except).map(\.id))
        if let sender = target.sender { excluded.insert(sender) }
        return found.filter { !excluded.contains($0.id) }
    }

    private mutating func union(_ names: [String]) -> [Socket] {
        if names.count == 1 { return sockets(in: names[0]) }
        var found: [String: Socket] = [:]
        for name in names {
            for socket in sockets(in: name) { found[socket.id] = socket }
        }
        return Array(found.values)
    }

    private mutating func everybody() -> [Socket] {
        if let list { return list }
        let fresh = members.values.map(\.socket)
        list = fresh
        return fresh
    }

    /// The members of a room, with the socket whose own room it is: others who join that room do not displace it.
    private mutating func sockets(in name: String) -> [Socket] {
        guard let room = rooms[name] else { return members[name].map { [$0.socket] } ?? [] }
        if let list = room.list { return list }
        var fresh = Array(room.members.values)
        if let owner = members[name] { fresh.append(owner.socket) }
        rooms[name]?.list = fresh
        return fresh
    }
}
