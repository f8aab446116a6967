import ParleyTransport
import Testing

@testable import ParleyRealtime

/// A client with connection state recovery, as the official one is: it keeps the private id and the last offset.
final class RecoveringClient {
    let webSocket: WebSocketClient
    private(set) var id = ""
    private(set) var pid: String?
    private(set) var offset: String?
    private let namespace: String

    /// Connects, with what a former client knows.
    init(
        _ realtime: Realtime, _ namespace: String = "/", auth: String? = nil, loop: EventLoop = testLoop
    ) async throws {
        self.namespace = namespace == "/" ? "" : "\(namespace),"
        webSocket = try await WebSocketClient.open(realtime, loop: loop)
        _ = try await webSocket.next()
        await webSocket.send("40\(self.namespace)\(auth ?? "")")
        let packet = try await webSocket.next()
        let prefix = "40\(self.namespace)"
        try #require(packet.hasPrefix(prefix + #"{"sid":""#), "\(packet)")
        let body = String(packet.dropFirst(prefix.count))
        id = String(try #require(body.firstMatch(of: /"sid":"([^"]+)"/)?.1))
        pid = body.firstMatch(of: /"pid":"([^"]+)"/).map { String($0.1) }
    }

    /// A client that comes back as the official one does: without an offset when it has none.
    static func back(
        _ former: RecoveringClient, to realtime: Realtime, offset: String? = nil, loop: EventLoop = testLoop
    ) async throws -> RecoveringClient {
        var auth = #"{"pid":"\#(former.pid ?? "")""#
        if let offset = offset ?? former.offset { auth += #","offset":"\#(offset)""# }
        let namespace = former.namespace.isEmpty ? "/" : String(former.namespace.dropLast())
        let client = try await RecoveringClient(realtime, namespace, auth: auth + "}", loop: loop)
        client.offset = former.offset
        return client
    }

    /// The next event without its offset, such as `"news",1`.
    func event() async throws -> String {
        let packet = try await webSocket.next()
        let match = try #require(packet.wholeMatch(of: /42[^\[]*\[(.*),"([\w-]{6}\.\d+)"\]/), "\(packet)")
        offset = String(match.2)
        return String(match.1)
    }

    /// The connection breaks, and the server knows it.
    func cut() async { await webSocket.disconnect() }
}
