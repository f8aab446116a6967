import Crypto
import Foundation
import Synchronization

/// Opaque bearer tokens: random, and looked up at every use, so that each can be taken back. Only their hashes are kept; who
/// reads the table has no token.
final class Tokens: Sendable {
    private let identities = Mutex<[SHA256Digest: Identity]>([:])

    /// A new token of the user.
    func issue(to user: User) -> String {
        let token = Secret(bytes: 32).text
        let identity = Identity(user: user, room: "token:" + Secret(bytes: 16).text)
        identities.withLock { $0[Self.digest(token)] = identity }
        return token
    }

    /// Whose token it is; nil when it is nobody's, or was taken back.
    func identity(of token: String) -> Identity? {
        identities.withLock { $0[Self.digest(token)] }
    }

    /// Takes back the token that identified somebody.
    func revoke(_ identity: Identity) {
        identities.withLock { identities in
            identities = identities.filter { $0.value.room != identity.room }
        }
    }

    /// A token has 256 random bits: unlike a password it needs no salt and no slow hash.
    private static func digest(_ token: String) -> SHA256Digest { SHA256.hash(data: Data(token.utf8)) }
}
