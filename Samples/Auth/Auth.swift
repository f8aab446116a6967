import ArgumentParser
import Foundation
import Parley

/// Three ways of telling a server who one is, over HTTP and over realtime: a session cookie, an opaque token, a JWT.
@main
struct Auth: AsyncParsableCommand {
    @Option(help: "The TCP port to listen on.")
    var port = 8080

    @Option(help: "A PEM file with a certificate chain, to serve over TLS.")
    var certificate: String?

    @Option(help: "A PEM file with the certificate's key.")
    var key: String?

    @Option(help: "How long a JWT is good for, in seconds.")
    var jwtLifetime = 300

    @Option(help: "How long before that a client is asked for the next one, in seconds.")
    var refreshLead = 60

    @Option(help: "Attempts to sign in, a minute and address.")
    var attempts = 10

    func validate() throws {
        guard (certificate == nil) == (key == nil) else {
            throw ValidationError("A certificate needs its key, and a key its certificate.")
        }
        guard jwtLifetime > 0, refreshLead >= 0, attempts > 0 else {
            throw ValidationError("Times and attempts are positive.")
        }
        guard secret.map({ $0.utf8.count >= 32 }) ?? true else {
            throw ValidationError("AUTH_JWT_SECRET has at least 32 bytes: openssl rand -base64 32")
        }
    }

    /// Signs JWTs; with none, one is made, and the tokens end with this process.
    private var secret: String? { ProcessInfo.processInfo.environment["AUTH_JWT_SECRET"] }

    func run() async throws {
        var configuration = ServerConfiguration()
        if let certificate, let key {
            configuration.tls = TLSConfiguration(certificateChainFile: certificate, privateKeyFile: key)
        }
        let app = Application(configuration: configuration)
        app.use(AccessLog(), securityHeaders)

        let (users, passwords) = try await Users.demo()
        let tokens = Tokens()
        let webTokens = await JSONWebTokens(
            secret: secret ?? Secret(bytes: 32).text, lifetime: .seconds(jwtLifetime))
        var options = RealtimeOptions()
        options.identity.refreshLead = .seconds(refreshLead)
        let realtime = Realtime(options: options)
        let channels = Channels(realtime, tokens: tokens, webTokens: webTokens)

        let browser = app.group().use(
            SameOriginOnly(), Sessions(options: sessionOptions), SessionIdentity(users: users))
        browser.mount(realtime, at: "/socket.io")
        Routes(users: users, tokens: tokens, webTokens: webTokens, channels: channels, attempts: attempts)
            .serve(on: app, browser)

        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        app.files("/vendor", from: folder.appending(path: "../../.cache/vendor").standardized.path)
        app.files("/", from: folder.appending(path: "Public").path)

        for (user, password) in passwords {
            app.logger.notice("Sign in as \(user.name) with \(password) (\(user.role.rawValue))")
        }
        app.logger.notice("The page is at \(isSecure ? "https" : "http")://localhost:\(port)")
        try await app.run(port: port)
    }

    private var isSecure: Bool { certificate != nil }

    private var sessionOptions: SessionOptions {
        var options = SessionOptions()
        // The prefix makes browsers refuse a cookie that somebody without TLS, or of another subdomain, sets.
        options.cookieName = isSecure ? "__Host-session" : "session"
        options.secure = isSecure ? .always : .never
        options.sameSite = .strict
        options.lifetime = SessionIdentity.lifetime
        return options
    }

    private var securityHeaders: SecurityHeaders {
        var headers = SecurityHeaders()
        headers.contentSecurityPolicy = """
            default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
            base-uri 'none'; form-action 'self'; frame-ancestors 'none'
            """
        // Would hold for whatever else is served on this machine.
        headers.strictTransportSecurity = nil
        return headers
    }
}
