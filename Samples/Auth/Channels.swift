import Foundation
import Parley

/// The namespaces: `/session` and `/admin` for browsers that signed in, `/token` and `/jwt` for who sends one in `auth`.
struct Channels: Sendable {
    private let realtime: Realtime
    private let tokens: Tokens
    private let webTokens: JSONWebTokens

    init(_ realtime: Realtime, tokens: Tokens, webTokens: JSONWebTokens) {
        self.realtime = realtime
        self.tokens = tokens
        self.webTokens = webTokens
        admit(to: "/session", bySession)
        admit(to: "/token", byToken)
        admit(to: "/jwt", byWebToken)
        admit(to: "/admin", bySessionOfAdministrator)
    }

    /// Ends the sockets of a sign-in or a token.
    func end(_ identity: Identity?) {
        guard let room = identity?.room else { return }
        for name in ["/session", "/admin", "/token"] {
            realtime.namespace(name).in(room).disconnectSockets()
        }
    }

    private func admit(to name: String, _ identify: @escaping @Sendable (Handshake) async throws -> Identity)
    {
        let namespace = realtime.namespace(name)
        namespace.use { handshake in
            let identity = try await identify(handshake)
            if let previous = handshake.previous?[Identity.self], previous.user != identity.user {
                throw ConnectError("another user")
            }
            handshake[Identity.self] = identity
            if let room = identity.room { handshake.join(room) }
        }
        namespace.onConnection { socket async in
            // A sign-out in between has not found the socket in its room.
            do { try await socket.reauthenticate(socket.handshake.auth) } catch { socket.disconnect() }
        }
        namespace.on("whoami") { socket in try socket.require(Identity.self).user }
    }

    // MARK: Who it is

    /// What HTTP middleware found out when the connection was opened, if the session has not ended since.
    private func bySession(_ handshake: Handshake) async throws -> Identity {
        let session = try handshake.request.session
        guard let identity = handshake[Identity.self], try await session.isAlive() else {
            throw ConnectError.notSignedIn
        }
        handshake.expires(at: session.created.addingTimeInterval(SessionIdentity.lifetime / .seconds(1)))
        return identity
    }

    private func bySessionOfAdministrator(_ handshake: Handshake) async throws -> Identity {
        let identity = try await bySession(handshake)
        guard identity.user.role == .administrator else { throw ConnectError.forbidden }
        return identity
    }

    private func byToken(_ handshake: Handshake) async throws -> Identity {
        guard let identity = tokens.identity(of: try handshake.auth("token")) else {
            throw ConnectError.invalidToken
        }
        return identity
    }

    private func byWebToken(_ handshake: Handshake) async throws -> Identity {
        do {
            let claims = try await webTokens.verify(try handshake.auth("token"))
            // Before it the client is asked for a new token, at it the socket ends.
            handshake.expires(at: claims.exp.value)
            return Identity(user: claims.user)
        } catch InvalidToken.expired {
            throw ConnectError.expiredToken
        } catch is InvalidToken {
            throw ConnectError.invalidToken
        }
    }
}

/// What refused clients are told: pages look at the code, people read the message.
extension ConnectError {
    static let notSignedIn = ConnectError("Please sign in.", data: ["code": 4401])
    static let invalidToken = ConnectError("The token is not valid.", data: ["code": 4401])
    static let expiredToken = ConnectError("The token has expired.", data: ["code": 4402])
    static let forbidden = ConnectError("For administrators only.", data: ["code": 4403])
}
