import Parley

/// Dynamic namespaces, broadcasts with acknowledgements, event middleware, and what acts on many sockets.
struct Operators: Sendable {
    var realtime: Realtime

    private struct Refused: Error {}

    private struct Greeting: Event {
        static let name = "greeting"
        var name: String
        var times: Int
    }

    private struct Census: Encodable, Sendable {
        var replies: [JSONValue]
        var missing: [String]
        var invalid: Int
    }

    func serve() {
        let rooms = realtime.namespace(matching: "/rooms/:id", removesEmpty: true)
        rooms.use { handshake in
            if try handshake.parameters.require("id", as: Int.self) == 13 { throw ConnectError("unlucky") }
        }
        serveRooms(rooms)
        serveSteps(realtime.namespace("/operators"))
        serveValues(realtime.namespace("/operators"))
        serveCensus(realtime.namespace("/operators"))
        serveMany(realtime.namespace("/operators"))
    }

    private func serveRooms(_ rooms: Namespace) {
        rooms.on("where") { socket in try socket.namespace.parameters.require("id", as: Int.self) }
        rooms.on("say") { (socket, text: String) in
            _ = socket.namespace.emit("said", text)
        }
        rooms.on("say-to-all") { (_, text: String) in
            _ = rooms.emit("said", text)
        }
        rooms.on("children") { _ in rooms.children?.count ?? 0 }
    }

    private func serveSteps(_ namespace: Namespace) {
        namespace.use { socket, event in
            if event.name == "forbidden" { throw Refused() }
        }
        namespace.onError { socket, error in
            socket.emit("refused", error.event, "\(error.stage)", error.path)
        }
        namespace.on("forbidden") { _ in "reached" }
    }

    private func serveValues(_ namespace: Namespace) {
        namespace.on("pair") { (_, number: Int) in (number, "second") }
        namespace.on(Greeting.self) { _, greeting in
            Greeting(name: greeting.name.uppercased(), times: greeting.times + 1)
        }
        namespace.on("slow", order: .concurrent) { (_, milliseconds: Int) in
            try await Task.sleep(for: .milliseconds(milliseconds))
            return milliseconds
        }
    }

    private func serveCensus(_ namespace: Namespace) {
        namespace.on("census", order: .concurrent) { (_, milliseconds: Int) in
            let result = try await namespace.timeout(.milliseconds(milliseconds))
                .emitWithAck("present?", as: Int.self)
            return Census(
                replies: result.values.map { .int(Int64($0)) }, missing: result.missing,
                invalid: result.invalid.count)
        }
    }

    private func serveMany(_ namespace: Namespace) {
        namespace.on("all-join") { (_, room: String) in
            namespace.socketsJoin(room)
            return try await namespace.to(room).count()
        }
        namespace.on("fetch") { _ in
            try await namespace.fetchSockets().map {
                ["id": $0.id, "agent": $0.handshake.headers["user-agent"]]
            }
        }
        namespace.on("disconnect-others") { socket in socket.broadcast.disconnectSockets() }
        namespace.on("join") { (socket, room: String) in socket.join(room) }
        namespace.on("compressed") { (socket, text: String) in
            _ = socket.compress(false).emit("plain", text)
        }
    }
}
