import HTTPTypes
import ParleyWire

/// Asks for a user name and a password (RFC 7617), and stores who the client is on the request. The client sends them with every
/// request in clear text, so serve such routes over TLS only.
///
/// ```swift
/// app.group("/admin").use(BasicAuth(realm: "Administration") { credentials in
///     try await accounts.find(credentials.user, password: credentials.password)
/// })
/// ```
///
/// The closure returns the identity, of whatever type, or nil: then the answer is 401. The handler finds it as
/// `request[Account.self]`, and Socket.IO's handlers as `socket[Account.self]`.
public struct BasicAuth<Identity: Sendable>: Middleware {
    private let challenge: AuthChallenge
    private let isOptional: Bool
    private let verify: Verifier

    /// Finds out who the client is; nil refuses it. What it throws is thrown.
    public typealias Verifier = @Sendable (_ credentials: BasicCredentials) async throws -> Identity?

    /// Creates the middleware.
    ///
    /// - Parameters:
    ///   - realm: what the credentials are for, as browsers may show it.
    ///   - isOptional: whether a request without an `Authorization` of this scheme goes on without an identity. Wrong
    ///     credentials are answered with 401 all the same.
    ///   - verify: finds out who the client is.
    public init(realm: String = "Restricted", isOptional: Bool = false, verify: @escaping Verifier) {
        challenge = AuthChallenge("Basic", ["realm": realm, "charset": "UTF-8"])
        self.isOptional = isOptional
        self.verify = verify
    }

    /// Stores who the client is, or throws ``HTTPError`` 401.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        guard let field = request.header(.authorization),
            let parameters = AuthCredentials.parameters(of: field, scheme: "Basic")
        else {
            guard isOptional else { throw challenge.error() }
            return try await next(request, offering: challenge)
        }
        guard let credentials = BasicCredentials(parameters), let identity = try await verify(credentials)
        else {
            throw challenge.error()
        }
        var request = request
        request[Identity.self] = identity
        return try await next(request)
    }
}

extension BasicAuth where Identity == BasicUser {
    /// For a few users that are known beforehand: passwords by names. They are compared in constant time.
    public init(realm: String = "Restricted", isOptional: Bool = false, users: [String: String]) {
        self.init(realm: realm, isOptional: isOptional) { credentials in
            var isKnown = false
            for (name, password) in users {
                let isName = ConstantTime.areEqual(name, credentials.user)
                let isPassword = ConstantTime.areEqual(password, credentials.password)
                // Both are compared, and all users, however the first comparisons end.
                isKnown = isKnown || (isName && isPassword)
            }
            return isKnown ? BasicUser(name: credentials.user) : nil
        }
    }
}

/// Who the client is, where ``BasicAuth`` was given a list of users.
public struct BasicUser: Sendable, Hashable {
    /// The user's name.
    public let name: String
}

/// A user name and a password, as a client sent them.
public struct BasicCredentials: Sendable {
    /// The name; it has no colon.
    public let user: String
    /// The password.
    public let password: String

    /// Nil for what is not base64, not UTF-8, without colon, or has control characters (RFC 7617 2).
    init?(_ parameters: Substring) {
        guard let bytes = Base64.decode(Array(parameters.utf8).span),
            let colon = bytes.firstIndex(of: 0x3A), !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }),
            let user = String(validating: bytes[..<colon], as: UTF8.self),
            let password = String(validating: bytes[(colon + 1)...], as: UTF8.self)
        else { return nil }
        self.user = user
        self.password = password
    }
}
