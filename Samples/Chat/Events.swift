import Foundation

// What travels between page and server. Times are milliseconds since 1970.

/// Page to server, `join`: enter a room, which is created when it doesn't exist yet. Answered by a `RoomState`.
struct JoinRequest: Codable, Sendable {
    var room: String
}

struct RoomState: Codable, Sendable {
    var room: String
    var users: [String]
    var history: [Message]
}

/// Page to server, `message`: say something in the room where one is. Answered by a `Receipt`.
struct NewMessage: Codable, Sendable {
    /// Chosen by the page, so that it recognises its own message after a lost connection.
    var key: String
    var text: String
    var image: Image?
}

struct Receipt: Codable, Sendable {
    var id: Int
    var time: Int
}

/// Server to the others in the room, `message`.
struct Message: Codable, Sendable {
    var id: Int
    var key: String
    var room: String
    var author: String
    var text: String
    var image: Image?
    var time: Int
    var delivered = false
}

/// A picture. Its bytes travel as a binary attachment, beside the JSON.
struct Image: Codable, Sendable {
    var type: String
    var data: Data
}

/// Page to server, `received`: a message is here.
struct Received: Codable, Sendable {
    var id: Int
}

/// Server to the author, `delivered`: the message has reached somebody.
struct Delivered: Codable, Sendable {
    var key: String
}

/// Both ways, `typing`; the server adds the name.
struct Typing: Codable, Sendable {
    var name: String?
    var active: Bool
}

/// Server to a room, `joined` and `left`.
struct Arrival: Codable, Sendable {
    var room: String
    var name: String
    var users: [String]
}

/// Server to everybody, `rooms`: a list of these.
struct RoomSummary: Codable, Sendable {
    var name: String
    var members: Int
}

/// What an acknowledgement carries: a value, or the reason why there is none.
struct Answer<Value: Codable & Sendable>: Codable, Sendable {
    var value: Value?
    var error: String?
}
