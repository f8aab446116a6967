import ArgumentParser
import Foundation
import Parley

/// The server that is measured: the load generator's contract, a route that says hello, and files.
///
/// Handlers are what an application would write: typed arguments, the return value as the acknowledgement.
@main
struct BenchmarkServer: AsyncParsableCommand {
    @Option(help: "The TCP port to listen on.") var port = 3000
    @Option(help: "The number of event loops.") var loops = 1
    @Flag(help: "The payload of `echo` is binary.") var binary = false
    @Flag(help: "`echo` is answered by an event, not by an acknowledgement.") var emit = false
    @Flag(help: "The handler of `echo` is asynchronous.") var async = false
    @Option(help: "A folder of files to serve below /files.") var files: String?

    func run() async throws {
        var configuration = ServerConfiguration()
        configuration.loopCount = loops
        let app = Application(configuration: configuration)
        app.get("/hello") { _ in "Hello, world!" }
        if let files { app.files("/files", from: files) }
        let realtime = Realtime()
        if binary { serveBinaryEcho(on: realtime.root) } else { serveEcho(on: realtime.root) }
        serveRooms(on: realtime.root)
        app.mount(realtime)
        try await app.run(port: port)
    }

    private func serveEcho(on root: Namespace) {
        switch (emit, `async`) {
        case (true, _): root.on("echo") { (socket, text: String) in socket.emit("echo", text) }
        case (false, true): root.on("echo") { (_, text: String) async in text }
        case (false, false): root.on("echo") { (_, text: String) in text }
        }
    }

    private func serveBinaryEcho(on root: Namespace) {
        if emit {
            root.on("echo") { (socket, data: Data) in socket.emit("echo", data) }
        } else {
            root.on("echo") { (_, data: Data) in data }
        }
    }

    private func serveRooms(on root: Namespace) {
        root.on("broadcast") { (socket, payload: String) in socket.namespace.emit("broadcast", payload) }
        root.on("join") { (socket, room: String) in socket.join(room) }
        root.on("to-room") { (socket, room: String, payload: String) in
            socket.namespace.to(room).emit("room", payload)
        }
    }
}
