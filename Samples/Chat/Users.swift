import Foundation
import Parley
import Synchronization

/// Somebody who has logged in.
struct User: Codable, Sendable {
    let name: String
    let token: String

    /// Every socket of the user is in this room. No room of the chat can be called so.
    var room: String { Self.room(of: name) }
    static func room(of name: String) -> String { "user:" + name }
}

/// Everybody who has logged in, by the random token that proves it.
final class Users: Sendable {
    private struct Session {
        let user: User
        var connections = 0
        var idleSince = ContinuousClock.now
    }

    /// How long a name stays reserved without a connection, so that a reload doesn't lose it.
    private static let reservation = Duration.seconds(30)
    private let sessions = Mutex<[String: Session]>([:])

    /// Throws what the login page shows.
    func logIn(name: String) throws -> User {
        guard let name = validName(name) else {
            throw HTTPError(.unprocessableContent, "A name has \(nameRule).")
        }
        let user = User(name: name, token: UUID().uuidString)
        try sessions.withLock { sessions in
            sessions = sessions.filter { _, session in
                session.connections > 0 || session.idleSince.duration(to: .now) < Self.reservation
            }
            if sessions.values.contains(where: { $0.user.name.lowercased() == name.lowercased() }) {
                throw HTTPError(.conflict, "This name is in use here.")
            }
            sessions[user.token] = Session(user: user)
        }
        return user
    }

    func logOut(token: String) {
        sessions.withLock { _ = $0.removeValue(forKey: token) }
    }

    func user(token: String) -> User? {
        sessions.withLock { $0[token]?.user }
    }

    func connected(_ user: User) {
        sessions.withLock { $0[user.token]?.connections += 1 }
    }

    func disconnected(_ user: User) {
        sessions.withLock {
            $0[user.token]?.connections -= 1
            $0[user.token]?.idleSince = .now
        }
    }
}

let nameRule = "2 to 24 letters, digits, spaces or . _ -"

/// The trimmed name of a user or a room, if it obeys the rule.
func validName(_ text: String) -> String? {
    let name = text.trimmingCharacters(in: .whitespacesAndNewlines)
    let isShort = (2...24).contains(name.count) && name.utf8.count <= 96
    return isShort && name.allSatisfy { $0.isLetter || $0.isNumber || " ._-".contains($0) } ? name : nil
}
