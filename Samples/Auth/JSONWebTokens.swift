import Foundation
import JWTKit

/// JSON Web Tokens (RFC 7519): whoever has the key can verify them without asking anybody. Nobody can take them back, so they
/// live for minutes.
struct JSONWebTokens: Sendable {
    private let keys = JWTKeyCollection()
    private let lifetime: Duration

    /// - Parameter secret: 32 bytes or more. Where others are to verify tokens, but not to sign them, use a key pair
    ///   (`add(ecdsa:)`) instead.
    init(secret: String, lifetime: Duration) async {
        self.lifetime = lifetime
        // The one key, and with it the one algorithm: what a token's header says about either is not asked.
        await keys.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
    }

    func issue(to user: User) async throws -> IssuedToken {
        let now = Date()
        let expiry = now.addingTimeInterval(lifetime / .seconds(1))
        let claims = Claims(
            iss: .init(value: Claims.issuer), aud: .init(value: Claims.audience),
            sub: .init(value: user.name),
            iat: .init(value: now), exp: .init(value: expiry), role: user.role)
        return IssuedToken(token: try await keys.sign(claims), expires: expiry)
    }

    /// The claims of a token that this server signed, and that is still good.
    func verify(_ token: String) async throws(InvalidToken) -> Claims {
        do {
            return try await keys.verify(token, as: Claims.self)
        } catch let error as JWTError where error.failedClaim is ExpirationClaim {
            throw .expired
        } catch {
            throw .invalid
        }
    }
}

enum InvalidToken: Error { case expired, invalid }

struct IssuedToken: Codable, Sendable {
    var token: String
    var expires: Date?
}

struct Claims: JWTPayload {
    static let issuer = "parley-auth", audience = "parley-auth-clients"

    var iss: IssuerClaim
    var aud: AudienceClaim
    var sub: SubjectClaim
    var iat: IssuedAtClaim
    var exp: ExpirationClaim
    var role: User.Role

    var user: User { User(name: sub.value, role: role) }

    /// Called for tokens whose signature is right.
    func verify(using algorithm: some JWTAlgorithm) throws {
        try exp.verifyNotExpired()
        try aud.verifyIntendedAudience(includes: Self.audience)
        guard iss.value == Self.issuer else {
            throw JWTError.claimVerificationFailure(failedClaim: iss, reason: "another issuer")
        }
    }
}
