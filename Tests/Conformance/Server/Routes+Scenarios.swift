import Foundation
import Parley
import ParleyTransport
import ParleyWire

/// What the table of scenarios asks for: events that nobody foresaw, and which version of HTTP carried a session.
struct ScenarioReports: Sendable {
    /// One request of a session that has `run` in its query.
    private struct Passage: Codable, Sendable {
        var run: String
        var transport: String
        var version: String
        var method: String
        var byScript: Bool
    }

    private struct NotYet: Error {}
    private struct Attempts: Sendable { var count = 0 }

    func serve(_ realtime: Realtime, on application: Application) {
        serveMirror(realtime.namespace("/mirror"))
        servePassages(realtime, on: application)
    }

    /// Each event that comes goes back under its name with its arguments, but for those that ask for more.
    private func serveMirror(_ mirror: Namespace) {
        mirror.onUnmatched { socket, name, values in
            switch values.count {
            case 0: socket.emit(name)
            case 1: socket.emit(name, values[0])
            case 2: socket.emit(name, values[0], values[1])
            default: socket.emit(name, values[0], values[1], values[2])
            }
        }
        mirror.on("third") { (socket, text: String) -> String in
            var attempts = socket[Attempts.self] ?? Attempts()
            attempts.count += 1
            socket[Attempts.self] = attempts
            // Who throws doesn't acknowledge.
            guard attempts.count >= 3 else { throw NotYet() }
            return "\(text) \(attempts.count)"
        }
        mirror.on("nothing") { _ in }
        mirror.on("length") { (_, text: String) in text.utf8.count }
    }

    private func servePassages(_ realtime: Realtime, on application: Application) {
        let passages = Lock<[Passage]>([])
        realtime.onHeaders { _, request in
            guard let run = request.query("run") else { return }
            let passage = Passage(
                run: run, transport: request.query("transport") ?? "", version: "\(request.version)",
                method: request.method.rawValue, byScript: request.query("j") != nil)
            passages.withLock { list in
                list.append(passage)
                if list.count > 20_000 { list.removeFirst(10_000) }
            }
        }
        application.get("/passages/:run") { request in
            let run = try request.parameters.require("run", as: String.self)
            return passages.withLock { list in list.filter { $0.run == run } }
        }
    }
}
