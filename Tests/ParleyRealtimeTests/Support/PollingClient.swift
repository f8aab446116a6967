import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP
@testable import ParleyRealtime

/// One loop for all tests of this target.
var testLoop: EventLoop { testGroup.next() }

private let testGroup: EventLoopGroup = {
    guard let group = try? EventLoopGroup(count: 1) else { preconditionFailure("no event loop") }
    return group
}()

/// A Socket.IO client by HTTP long-polling, without a socket: it calls the server in memory.
final class PollingClient: Sendable {
    let realtime: Realtime
    let sid: String
    private let loop: EventLoop
    private let received = Received()

    /// What was received and not yet asked for.
    private actor Received {
        var packets: [String] = []
        func append(_ more: [String]) { packets += more }
        func next() -> String? { packets.isEmpty ? nil : packets.removeFirst() }
    }

    /// Begins a session.
    init(
        _ realtime: Realtime, query: String = "", headers: HTTPFields = [:], storing user: String? = nil,
        loop: EventLoop = testLoop
    ) async throws {
        self.realtime = realtime
        self.loop = loop
        var request = Request(
            target: "/socket.io/?EIO=4&transport=polling\(query)", headers: headers, loop: loop)
        if let user { request[String.self] = user }
        let (status, body) = try await Self.call(realtime, request)
        #expect(status == 200)
        let sid = try #require(body.firstMatch(of: /"sid":"([^"]+)"/)?.1)
        self.sid = String(sid)
    }

    /// Begins a session and joins a namespace.
    static func join(
        _ realtime: Realtime, _ namespace: String = "/", auth: String = ""
    ) async throws -> PollingClient {
        let client = try await PollingClient(realtime)
        try await client.send(namespace == "/" ? "40\(auth)" : "40\(namespace),\(auth)")
        let packet = try await client.next()
        #expect(packet.hasPrefix("40"))
        return client
    }

    static func call(_ realtime: Realtime, _ request: Request) async throws -> (Int, String) {
        let response = try await realtime.respond(to: request)
        guard let bytes = response.body.wholeBytes else { return (response.status.code, "") }
        return (response.status.code, String(decoding: bytes, as: UTF8.self))
    }

    /// One GET.
    func get() async throws -> (Int, String) {
        try await Self.call(
            realtime, Request(target: "/socket.io/?EIO=4&transport=polling&sid=\(sid)", loop: loop))
    }

    /// One POST of packets; returns the status.
    @discardableResult
    func send(_ packets: String...) async throws -> Int {
        let body = Array(packets.joined(separator: "\u{1E}").utf8)
        return try await Self.call(
            realtime,
            Request(
                method: .post, target: "/socket.io/?EIO=4&transport=polling&sid=\(sid)", body: body,
                loop: loop)
        ).0
    }

    /// The next packet, polling for it when none is there.
    func next() async throws -> String {
        while true {
            if let packet = await received.next() { return packet }
            let (status, body) = try await get()
            guard status == 200 else { throw SessionGone(status: status) }
            await received.append(
                body.split(separator: "\u{1E}", omittingEmptySubsequences: false).map(String.init))
        }
    }

    struct SessionGone: Error { let status: Int }
}

/// Collects what happens, in its order.
actor Journal {
    private(set) var entries: [String] = []
    func add(_ entry: String) { entries.append(entry) }

    /// Waits until so many entries are there, for at most five seconds.
    func wait(for count: Int) async throws -> [String] {
        for _ in 0..<500 where entries.count < count { try await Task.sleep(for: .milliseconds(10)) }
        #expect(entries.count >= count)
        return entries
    }
}
