import ArgumentParser
import Foundation
import Parley
import ParleyTransport

/// What tests of delivery set; times are milliseconds.
struct DeliverySettings: ParsableArguments {
    @Option(help: "Recovers clients that were away for no longer.") var recovery: Int?
    @Flag(help: "Runs middleware for clients that recover.") var recoveryRunsMiddleware = false
    @Option(help: "`drop-oldest`, `drop-newest` or `disconnect`, beyond 64 KiB.") var slowClients: String?
    @Option(help: "Messages that a client may send a second.") var floodPackets: Int?
    @Option(help: "`pause`, `drop` or `disconnect`.") var floodAction = "pause"
    @Option(help: "Over which clients are told of the end.") var shutdownSpread = 0

    func apply(to options: inout RealtimeOptions) {
        if let recovery {
            options.recovery = RecoveryOptions(
                maxDisconnectionDuration: .milliseconds(recovery), skipMiddlewares: !recoveryRunsMiddleware)
        }
        switch slowClients {
        case "drop-oldest": options.slowClients = .dropOldest(maxBytes: 64 << 10)
        case "drop-newest": options.slowClients = .dropNewest(maxBytes: 64 << 10)
        case "disconnect": options.slowClients = .disconnect(maxBytes: 64 << 10)
        default: break
        }
        if let floodPackets {
            let action: FloodLimit.Action =
                floodAction == "drop" ? .drop : floodAction == "disconnect" ? .disconnect : .pause
            options.flood = FloodLimit(packetsPerSecond: floodPackets, burst: .seconds(1), action: action)
        }
    }
}

/// What tests of delivery ask for, beside the events of every namespace.
extension Routes {
    func serveDelivery(_ realtime: Realtime, on application: Application) {
        application.get("/delivery/metrics") { _ in realtime.metrics }
        application.get("/delivery/emit") { request in
            let target = request.query("room").map { realtime.root.to($0) } ?? realtime.root.audience
            let first = request.number("first") ?? 0
            let padding = String(repeating: "x", count: min(max(0, request.number("size") ?? 0), 1 << 20))
            for number in first..<(first + max(0, request.number("count") ?? 1)) {
                target.emit(request.query("event") ?? "number", number, padding)
            }
            return "emitted"
        }
        serveMemory(of: realtime, on: application)
        serveIdentity(of: realtime.namespace("/expiring"))
    }

    private func serveMemory(of realtime: Realtime, on application: Application) {
        let expired = Lock<[String]>([])
        realtime.root.onRecoveryExpired { session in
            expired.withLock { $0.append("\(session[Memory.self]?.text ?? "-") \(session.reason)") }
        }
        application.get("/delivery/expired") { _ in expired.withLock { $0 } }
        realtime.root.on("remember") { (socket, text: String) -> Bool in
            socket[Memory.self] = Memory(text: text)
            return true
        }
        realtime.root.on("recall") { socket -> [String] in
            [socket[Memory.self]?.text ?? "", "\(socket.isRecovered)"]
        }
    }

    /// An identity of as many milliseconds as the token says; the client is asked in the middle of them.
    private func serveIdentity(of namespace: Namespace) {
        namespace.use { handshake in
            let lifetime = try handshake.auth("lifetime", as: Int.self)
            handshake.expires(after: .milliseconds(lifetime))
        }
        namespace.on("expiry") { socket in socket.identityExpiry?.timeIntervalSinceNow ?? 0 }
    }
}

private struct Memory: Sendable {
    var text: String
}
