import ArgumentParser
import Foundation
import Parley

/// The classic chat: a page, a login over HTTP and realtime rooms, from one process and one port.
@main
struct Chat: AsyncParsableCommand {
    @Option(help: "The TCP port to listen on.")
    var port = 8080

    func run() async throws {
        let users = Users()
        let app = Application()
        app.use(AccessLog())

        app.post("/api/login") { request in
            let login = try await request.json(LoginRequest.self)
            do {
                return try Response.json(users.logIn(name: login.name))
            } catch LoginError.nameTaken {
                return try Response.json(Refusal(error: "This name is in use here."), status: .conflict)
            } catch LoginError.invalidName {
                let refusal = Refusal(error: "A name has \(nameRule).")
                return try Response.json(refusal, status: .unprocessableContent)
            }
        }
        app.post("/api/logout") { request in
            users.logOut(token: try await request.json(LogoutRequest.self).token)
            return Response(status: .noContent)
        }

        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        app.files("/", from: folder.appending(path: "Public").path)
        app.files("/vendor", from: folder.appending(path: "../../.cache/vendor").standardized.path)

        let realtime = Realtime()
        Conversation(users: users).serve(on: realtime.namespace("/chat"))
        app.mount(realtime, at: "/socket.io")

        print("The chat is at http://localhost:\(port)")
        try await app.run(port: port)
    }
}

struct LoginRequest: Codable { var name: String }
struct LogoutRequest: Codable { var token: String }
struct Refusal: Codable { var error: String }
