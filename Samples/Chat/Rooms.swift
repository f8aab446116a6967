import Foundation
import Synchronization

/// One room: who is there, and what was said last.
struct Room {
    static let messagesKept = 50
    static let imagesKept = 3

    /// User names by socket id: somebody with two tabs is there twice, and listed once.
    var members: [String: String] = [:]
    var history: [Message] = []
    var users: [String] { Set(members.values).sorted() }

    mutating func append(_ message: Message) {
        history = history.suffix(Self.messagesKept - 1) + [message]
        for index in history.indices.filter({ history[$0].image != nil }).dropLast(Self.imagesKept) {
            history[index].image = nil
        }
    }
}

/// All rooms. One that a user opened disappears with its last member.
final class Rooms: Sendable {
    private static let permanent = ["Lobby", "Music", "Travel"]
    private let rooms = Mutex(Dictionary(uniqueKeysWithValues: permanent.map { ($0, Room()) }))
    private let lastID = Atomic(0)

    var summaries: [RoomSummary] {
        rooms.withLock { rooms in
            rooms.map { RoomSummary(name: $0.key, members: $0.value.users.count) }
        }.sorted { $0.name < $1.name }
    }

    func join(_ name: String, socketID: String, user: User) -> RoomState {
        rooms.withLock { rooms in
            var room = rooms[name] ?? Room()
            room.members[socketID] = user.name
            rooms[name] = room
            return RoomState(room: name, users: room.users, history: room.history)
        }
    }

    /// Returns who remains.
    func leave(_ name: String, socketID: String) -> [String] {
        rooms.withLock { rooms in
            rooms[name]?.members[socketID] = nil
            let remaining = rooms[name]?.users ?? []
            if remaining.isEmpty, !Self.permanent.contains(name) { rooms[name] = nil }
            return remaining
        }
    }

    func post(_ new: NewMessage, in name: String, author: User) -> Message {
        let message = Message(
            id: lastID.add(1, ordering: .relaxed).newValue, key: new.key, room: name, author: author.name,
            text: new.text, image: new.image, time: Int(Date().timeIntervalSince1970 * 1000))
        rooms.withLock { $0[name]?.append(message) }
        return message
    }

    /// Marks a message as delivered to this user, and returns it the first time.
    func deliver(_ id: Int, in name: String, to user: User) -> Message? {
        rooms.withLock { rooms in
            guard let index = rooms[name]?.history.firstIndex(where: { $0.id == id }),
                let message = rooms[name]?.history[index], !message.delivered, message.author != user.name
            else { return nil }
            rooms[name]?.history[index].delivered = true
            return message
        }
    }
}
