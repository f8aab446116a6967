import Parley

/// Who a client is, and the sign-in or token that says so.
struct Identity: Sendable {
    let user: User
    /// The room of the sockets that are to end with the sign-in or the token; nil for JWTs, which end by themselves.
    var room: String?
}

/// Finds out who signed in with this browser, for HTTP requests and for the handshakes of realtime clients.
struct SessionIdentity: Middleware {
    /// How long after a sign-in one has to sign in again.
    static let lifetime: Duration = .seconds(12 * 3600)

    let users: Users

    func respond(to request: Request, next: Next) async throws -> Response {
        var request = request
        let session = try request.session
        if let name: String = session["user"], let user = users.named(name),
            let signIn: String = session["sign-in"]
        {
            request[Identity.self] = Identity(user: user, room: "sign-in:" + signIn)
        }
        return try await next(request)
    }
}

/// Refuses what pages of other origins post. `SameSite` keeps the cookie from other sites, but not from other ports and
/// subdomains of this one, nor does it keep them from signing a visitor in as somebody else.
struct SameOriginOnly: Middleware {
    func respond(to request: Request, next: Next) async throws -> Response {
        guard request.method == .get || request.method == .head || request.isSameOrigin else {
            throw HTTPError(.forbidden, "pages of other origins may not do this")
        }
        return try await next(request)
    }
}
