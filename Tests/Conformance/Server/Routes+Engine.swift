import HTTPTypes
import Parley
import ParleyTransport

/// What the hooks of the Engine.IO layer see and do: header fields on its responses, and the refusals of its requests.
struct EngineReports: Sendable {
    private struct Refusal: Codable, Sendable {
        var code: Int
        var message: String
        var context: [String: String]
        var target: String
    }

    private static let initial = HTTPField.Name("X-Initial")!
    private static let every = HTTPField.Name("X-Every")!

    func serve(_ realtime: Realtime, on application: Application) {
        let refusals = Lock<[Refusal]>([])
        realtime.onInitialHeaders { fields, request in fields[Self.initial] = request.path }
        realtime.onHeaders { fields, _ in fields[Self.every] = "yes" }
        realtime.onConnectionError { error in
            let refusal = Refusal(
                code: error.code.rawValue, message: error.message, context: error.context,
                target: error.request.target)
            refusals.withLock { list in
                list.append(refusal)
                if list.count > 1000 { list.removeFirst(500) }
            }
        }
        application.get("/connection-errors") { _ in refusals.withLock { $0 } }
    }
}
