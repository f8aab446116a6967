import HTTPTypes

/// Asks for a token (RFC 6750), and stores who the client is on the request.
///
/// ```swift
/// app.group("/api").use(BearerAuth { token in try await sessions.user(of: token) })
/// app.get("/api/me") { request in try request.require(User.self).name }
/// ```
///
/// The closure returns the identity, of whatever type, or nil: then the answer is 401. The handler finds it as
/// `request[User.self]`, and Socket.IO's handlers as `socket[User.self]`.
public struct BearerAuth<Identity: Sendable>: Middleware {
    private let realm: String?
    private let sources: [BearerTokenSource]
    private let isOptional: Bool
    private let verify: Verifier

    /// Finds out who the client is; nil refuses it. What it throws is thrown.
    public typealias Verifier = @Sendable (_ token: String) async throws -> Identity?

    /// Creates the middleware.
    ///
    /// - Parameters:
    ///   - realm: what the token is for.
    ///   - sources: where the token may be; the first of them that has one counts. Pages can't set fields of a WebSocket's
    ///     handshake, so that it comes in the query or a cookie there.
    ///   - isOptional: whether a request without a token goes on without an identity. A wrong token is answered with 401 all
    ///     the same.
    ///   - verify: finds out who the client is.
    public init(
        realm: String? = nil, from sources: [BearerTokenSource] = [.header], isOptional: Bool = false,
        verify: @escaping Verifier
    ) {
        self.realm = realm
        self.sources = sources
        self.isOptional = isOptional
        self.verify = verify
    }

    /// Stores who the client is, or throws ``HTTPError`` 401.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        guard let (token, source) = find(in: request) else {
            // Nothing is told to who brought nothing (RFC 6750 3.1).
            guard isOptional else { throw challenge().error() }
            return try await next(request, offering: challenge())
        }
        guard Self.isToken(token), let identity = try await verify(token) else {
            throw challenge(error: "invalid_token", "the token is malformed, expired or unknown").error()
        }
        var request = request
        request[Identity.self] = identity
        guard case .query = source else { return try await next(request) }
        // RFC 6750 2.3: no shared cache may keep what was asked for with a token in its address.
        return try await next(request) { $0.setDefault(HTTPField(name: .cacheControl, value: "private")) }
    }

    private func find(in request: Request) -> (token: String, source: BearerTokenSource)? {
        for source in sources {
            if let token = source.token(of: request) { return (token, source) }
        }
        return nil
    }

    private func challenge(error: String? = nil, _ description: String? = nil) -> AuthChallenge {
        AuthChallenge("Bearer", ["realm": realm, "error": error, "error_description": description])
    }

    /// RFC 6750 2.1: b64token.
    private static func isToken(_ text: String) -> Bool {
        var bytes = text.utf8[...]
        while bytes.last == 0x3D { bytes.removeLast() }
        return !bytes.isEmpty
            && bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2B, 0x2F: true
                default: false
                }
            }
    }
}

/// Where a bearer token is in a request.
public enum BearerTokenSource: Sendable, Hashable {
    /// `Authorization: Bearer ...`.
    case header
    /// An item of the query. Addresses get into logs and histories, so let such tokens be short-lived.
    case query(String)
    /// A cookie. Browsers send it whoever made the request, so check origins too.
    case cookie(String)

    func token(of request: Request) -> String? {
        switch self {
        case .header:
            guard let field = request.header(.authorization) else { return nil }
            return AuthCredentials.parameters(of: field, scheme: "Bearer").map(String.init)
        case .query(let name): return request.query(name)
        case .cookie(let name): return request.cookies[name]
        }
    }
}

extension HTTPError {
    /// 403 for a client whose token is good, but not for this (RFC 6750 3.1, `insufficient_scope`).
    ///
    /// - Parameter scope: the scopes that are needed, with blanks between them.
    public static func insufficientScope(_ scope: String? = nil) -> HTTPError {
        AuthChallenge("Bearer", ["error": "insufficient_scope", "scope": scope]).error(.forbidden)
    }
}
