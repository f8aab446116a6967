import ArgumentParser
import Foundation
import Parley

/// The classic chat: a page, a login over HTTP, and realtime rooms, from one process and one port.
@main
struct Chat: AsyncParsableCommand {
    @Option(help: "The TCP port to listen on.")
    var port = 8080

    @Option(help: "A PEM file with a certificate chain, to serve over TLS.")
    var certificate: String?

    @Option(help: "A PEM file with the certificate's key.")
    var key: String?

    func validate() throws {
        guard (certificate == nil) == (key == nil) else {
            throw ValidationError("A certificate needs its key, and a key its certificate.")
        }
    }

    func run() async throws {
        let users = Users()
        var configuration = ServerConfiguration()
        if let certificate, let key {
            configuration.tls = TLSConfiguration(certificateChainFile: certificate, privateKeyFile: key)
        }
        let app = Application(configuration: configuration)
        app.use(AccessLog())

        app.post("/api/login") { request in
            let login = try await request.decode(LoginRequest.self)
            return try users.logIn(name: login.name)
        }
        app.post("/api/logout") { request in
            users.logOut(token: try await request.decode(LogoutRequest.self).token)
            return Response(status: .noContent)
        }

        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        app.files("/vendor", from: folder.appending(path: "../../.cache/vendor").standardized.path)
        app.files("/", from: folder.appending(path: "Public").path)

        let realtime = Realtime()
        Conversation(users: users).serve(on: realtime.namespace("/chat"))
        app.mount(realtime, at: "/socket.io")

        let scheme = configuration.tls == nil ? "http" : "https"
        app.logger.notice("The chat is at \(scheme)://localhost:\(port)")
        try await app.run(port: port)
    }
}

struct LoginRequest: Codable {
    var name: String
}

struct LogoutRequest: Codable {
    var token: String
}
