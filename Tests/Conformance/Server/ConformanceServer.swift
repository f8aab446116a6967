import ArgumentParser
import Foundation
import Parley

/// The server that the conformance suite judges: README.md beside this folder lists what it must answer.
@main
struct ConformanceServer: AsyncParsableCommand {
    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 lets the system choose.")
    var port = 0

    @OptionGroup var addresses: Addresses
    @OptionGroup var settings: Settings

    func run() async throws {
        var configuration = settings.serverConfiguration
        configuration.maximumConnections = addresses.maximumConnections
        let application = Application(configuration: configuration)
        if let headers = try addresses.forwardedHeaders { application.use(headers) }
        let realtime = Realtime(options: settings.realtimeOptions)
        let journal = Journal()

        Routes(settings: settings).serve(on: application)
        for name in ["/", "/chat", "/admin"] {
            Events(namespace: realtime.namespace(name), journal: journal).serve()
        }
        Operators(realtime: realtime).serve()
        refuseStrangers(on: realtime.namespace("/admin"))
        realtime.namespace("/chat").onConnection { socket in
            socket.emit("welcome", socket.id)
        }
        // A client may join fewer than these.
        for number in 0..<40 { _ = realtime.namespace("/n\(number)") }

        EngineReports().serve(realtime, on: application)
        ScenarioReports().serve(realtime, on: application)
        mount(realtime, on: application, isBare: settings.bare)
        Routes(settings: settings).serveDelivery(realtime, on: application)
        application.get("/stats") { _ in Statistics(realtime: realtime, journal: journal) }
        if let files = settings.files { application.files("/", from: files) }

        try await application.run(on: try addresses.all(host: host, port: port)) { server in
            for address in server.addresses {
                FileHandle.standardOutput.write(Data("address \(address)\n".utf8))
            }
            FileHandle.standardOutput.write(Data("listening on \(server.port)\n".utf8))
        }
    }
}

// MARK: - Mounts and middleware

/// What HTTP middleware found out about the one who asks.
struct User: Sendable {
    var name: String
}

private func mount(_ realtime: Realtime, on application: Application, isBare: Bool) {
    // What needs no middleware needs no task either: another way through the server.
    if isBare { return application.mount(realtime) }
    let identified = application.group()
    identified.use { request, next in
        var request = request
        if let name = request.headers[.user] { request[User.self] = User(name: name) }
        return try await next(request)
    }
    identified.mount(realtime, at: "/socket.io")

    let guarded = identified.group("/private")
    guarded.use { request, next in
        guard request.query("token") == "letmein" else { throw HTTPError(.unauthorized) }
        return try await next(request)
    }
    guarded.mount(realtime, at: "/socket.io")
}

private func refuseStrangers(on admin: Namespace) {
    admin.use { handshake in
        handshake.join("joined-too-early")
        await Task.yield()
        // Socket.IO 2.x clients have a query in place of `auth`.
        let token = (try? handshake.auth("token", as: String.self)) ?? handshake.query("token")
        guard token == "secret" else {
            throw ConnectError("not authorized", data: ["code": 4401])
        }
    }
}
