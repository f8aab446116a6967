import Parley

/// Signing in and out, and what HTTP tells each kind of client about itself.
struct Routes: Sendable {
    let users: Users
    let tokens: Tokens
    let webTokens: JSONWebTokens
    let channels: Channels
    /// Attempts to sign in, a minute and address.
    let attempts: Int

    /// - Parameter browser: routes behind the session.
    func serve(on app: Application, _ browser: RouteGroup) {
        // Each attempt costs 32 MiB and time: few at once, however many addresses they come from.
        let attempt = browser.group().use(
            BodyLimit(4096), RateLimit(attempts, per: .seconds(60), name: "attempts"), ConcurrencyLimit(4))
        attempt.post("/sign-in", signIn)
        attempt.post("/tokens", issueToken)
        browser.post("/sign-out", signOut)
        browser.get("/session/me") { request in try request.require(Identity.self).user }
        // For pages that have signed in, and for programs with a token.
        browser.group("/jwt").use(bearer(isOptional: true)).post { request async throws -> Response in
            try await answer(webTokens.issue(to: request.require(Identity.self).user))
        }

        let token = app.group("/tokens").use(bearer())
        token.get("/me") { request in try request.require(Identity.self).user }
        token.delete("/mine", revokeToken)

        let webToken = app.group("/jwt").use(
            BearerAuth { token in (try? await webTokens.verify(token)).map { Identity(user: $0.user) } })
        webToken.get("/me") { request in try request.require(Identity.self).user }
    }

    private func bearer(isOptional: Bool = false) -> BearerAuth<Identity> {
        BearerAuth(isOptional: isOptional) { token in tokens.identity(of: token) }
    }

    private func signIn(_ request: Request) async throws -> Response {
        let user = try await authenticate(request)
        let session = try request.session
        // Nothing stays of whoever was here before, nor an id that somebody planted in this browser.
        session.destroy()
        session["user"] = user.name
        session["sign-in"] = Secret(bytes: 16).text
        try await session.save()
        channels.end(request[Identity.self])
        return try .json(user)
    }

    private func signOut(_ request: Request) async throws -> Response {
        let session = try request.session
        session.destroy()
        // First the session, then its sockets: one that comes back at once finds none.
        try await session.save()
        channels.end(request[Identity.self])
        return Response(status: .noContent)
    }

    private func issueToken(_ request: Request) async throws -> Response {
        let user = try await authenticate(request)
        return try answer(IssuedToken(token: tokens.issue(to: user)))
    }

    private func revokeToken(_ request: Request) async throws -> Response {
        let identity = try request.require(Identity.self)
        tokens.revoke(identity)
        channels.end(identity)
        return Response(status: .noContent)
    }

    private func answer(_ token: IssuedToken) throws -> Response {
        var response = try Response.json(token)
        response.headers[.cacheControl] = "no-store"
        return response
    }

    private func authenticate(_ request: Request) async throws -> User {
        guard let user = try await users.find(request.content(as: Credentials.self)) else {
            // Not which of the two is wrong.
            throw HTTPError(.unauthorized, "Wrong name or password.")
        }
        return user
    }
}
