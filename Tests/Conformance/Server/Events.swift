import Foundation
import Parley
import ParleyWire
import Synchronization

/// The events that every namespace of the suite understands.
struct Events: Sendable {
    var namespace: Namespace
    var journal: Journal

    func serve() {
        namespace.onDisconnecting { socket, reason in journal.record(socket, reason) }
        namespace.onError { socket, error in
            if error.stage == .arguments { socket.emit("type-mismatch", error.event) }
        }
        serveEchoes()
        serveRooms()
        serveBroadcasts()
        serveQuestions()
        servePushes()
        serveLife()
    }

    private func serveEchoes() {
        namespace.on("echo") { (socket, payload: JSONValue) in EchoedPayload(payload, to: socket) }
        namespace.on("message") { (socket, first: JSONValue, second: JSONValue) in
            socket.send(first, second)
            return
        }
        namespace.on("echo-three") { (socket, a: JSONValue, b: JSONValue, c: JSONValue) in
            socket.emit("echo-three", a, b, c)
            return [a, b, c]
        }
        namespace.on("echo-many") {
            (
                socket, a: JSONValue, b: JSONValue, c: JSONValue, d: JSONValue, e: JSONValue, f: JSONValue,
                g: JSONValue, h: JSONValue
            ) in
            socket.emit("echo-many", a, b, c, d, e, f, g, h)
            return [a, b, c, d, e, f, g, h]
        }
        namespace.on("typed") { (_, value: Typed) in Typed(id: value.id, name: value.name.uppercased()) }
        namespace.on("binary-size") { (_, data: Data) in data.count }
    }

    private func serveRooms() {
        namespace.on("join") { (socket, room: String) in socket.join(room) }
        namespace.on("leave") { (socket, room: String) in socket.leave(room) }
        namespace.on("rooms") { socket in socket.rooms.sorted() }
    }

    private func serveBroadcasts() {
        let namespace = namespace
        namespace.on("broadcast") { (_, payload: JSONValue) in
            _ = namespace.emit("broadcast", payload)
        }
        namespace.on("broadcast-others") { (socket, payload: JSONValue) in
            _ = socket.broadcast.emit("others", payload)
        }
        namespace.on("to-room") { (_, room: String, payload: JSONValue) in
            _ = namespace.to(room).emit("room", payload)
        }
        namespace.on("to-room-others") { (socket, room: String, payload: JSONValue) in
            _ = socket.to(room).emit("room", payload)
        }
        namespace.on("to-rooms") { (_, rooms: [String], payload: JSONValue) in
            let target = rooms.reduce(namespace.audience) { $0.to($1) }
            _ = target.emit("room", payload)
        }
        namespace.on("to-room-except") { (_, room: String, other: String, payload: JSONValue) in
            _ = namespace.to(room).except(other).emit("room", payload)
        }
    }

    private func serveQuestions() {
        namespace.on("ask") { (socket, value: JSONValue) in
            socket.emit("question", value, timeout: .seconds(5)) { (result: Result<JSONValue, any Error>) in
                if case .success(let answer) = result { socket.emit("answer", answer) }
            }
        }
        namespace.on("ask-impatiently") { (socket, value: JSONValue) async in
            do {
                let answer = try await socket.request(
                    "question", value, as: JSONValue.self, timeout: .milliseconds(200))
                socket.emit("answer", answer)
            } catch {
                socket.emit("answer-timeout")
            }
        }
    }

    private func servePushes() {
        namespace.on("send-binary") { (socket, count: Int) in
            let bytes = (0..<max(0, min(count, 1 << 20))).map { UInt8(truncatingIfNeeded: $0) }
            _ = socket.emit("binary", Parcel(text: "parcel", data: Data(bytes)))
        }
        namespace.on("large") { (socket, count: Int) in
            _ = socket.emit("large", String(repeating: "x", count: max(0, min(count, 1 << 20))))
        }
        namespace.on("burst") { (socket, count: Int) in
            for number in 0..<max(0, min(count, 10_000)) { socket.emit("burst", number) }
        }
        namespace.on("volatile") { (socket, payload: JSONValue) in
            _ = socket.volatile.emit("volatile", payload)
        }
        namespace.on("slow") { (socket, number: Int, milliseconds: Int) async throws in
            try await Task.sleep(for: .milliseconds(milliseconds))
            _ = socket.emit("slow", number)
        }
    }

    private func serveLife() {
        namespace.on("server-disconnect") { (socket, close: Bool) in socket.disconnect(close: close) }
        namespace.on("handshake") { socket in HandshakeDescription(of: socket) }
    }
}

private struct Typed: Codable, Sendable {
    var id: Int
    var name: String
}

private struct Parcel: Codable, Sendable {
    var text: String
    var data: Data
}

/// An echo is the acknowledgement where one was asked for, and an event where not. A handler can't tell which, so
/// this reply becomes the event when it ends without having been encoded.
private final class EchoedPayload: Encodable, Sendable {
    private let payload: JSONValue
    private let socket: Socket
    private let isAcknowledged = Atomic(false)

    init(_ payload: JSONValue, to socket: Socket) {
        self.payload = payload
        self.socket = socket
    }

    func encode(to encoder: any Encoder) throws {
        isAcknowledged.store(true, ordering: .relaxed)
        try payload.encode(to: encoder)
    }

    deinit {
        if !isAcknowledged.load(ordering: .relaxed) { socket.emit("echo", payload) }
    }
}
