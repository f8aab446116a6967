import Foundation
import HTTPTypes
import Parley
import ParleyTransport
import ParleyWire

/// The ends of sockets, the latest last.
final class Journal: Sendable {
    struct Entry: Codable, Sendable {
        var id: String
        var namespace: String
        var reason: String
        var rooms: [String]
    }

    private let entries = Lock<[Entry]>([])

    func record(_ socket: Socket, _ reason: DisconnectReason) {
        let entry = Entry(
            id: socket.id, namespace: socket.namespace.name, reason: reason.rawValue,
            rooms: Array(socket.rooms))
        entries.withLock { entries in
            entries.append(entry)
            if entries.count > 2000 { entries.removeFirst(1000) }
        }
    }

    var latest: [Entry] { entries.withLock { Array($0.suffix(1000)) } }
}

/// What `/stats` tells: what is alive, and what ended why.
struct Statistics: Codable {
    var sessions: Int
    var sockets: [String: Int] = [:]
    var rooms: [String: [String: Int]] = [:]
    var disconnects: [Journal.Entry]

    init(realtime: Realtime, journal: Journal) {
        sessions = realtime.sessionCount
        disconnects = journal.latest
        for name in ["/", "/chat", "/admin"] {
            let namespace = realtime.namespace(name)
            sockets[name] = namespace.sockets.count
            rooms[name] = namespace.rooms.mapValues(\.count)
        }
    }
}

/// A handshake as a socket's handlers see it.
struct HandshakeDescription: Encodable, Sendable {
    var headers: [String: String] = [:]
    var query: [String: String]
    var auth: JSONValue
    var address: String?
    var secure: Bool
    var url: String
    var namespace: String
    var user: String?

    init(of socket: Socket) {
        let handshake = socket.handshake
        for field in handshake.headers { headers[field.name.canonicalName] = field.value }
        query = handshake.request.decodedQuery
        auth = handshake.auth
        address = handshake.address.map { "\($0)" }
        secure = handshake.isSecure
        url = handshake.url
        namespace = socket.namespace.name
        user = socket[User.self]?.name
    }
}
