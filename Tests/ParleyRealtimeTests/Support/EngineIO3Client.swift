import HTTPTypes
import ParleyWire
import Testing

@testable import ParleyHTTP
@testable import ParleyRealtime

/// A Socket.IO 2.x client by HTTP long-polling, without a socket: it calls the server in memory.
final class EngineIO3Client: Sendable {
    let realtime: Realtime
    let sid: String
    private let query: String

    struct Answer {
        let status: Int
        let type: String?
        let bytes: [UInt8]
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// A server that takes such clients.
    static func server(_ change: (inout RealtimeOptions) -> Void = { _ in }) -> Realtime {
        var options = RealtimeOptions()
        options.engine.allowsEngineIO3 = true
        options.engine.allowsJSONP = true
        change(&options)
        return Realtime(options: options)
    }

    /// Begins a session, without asking for anything more.
    init(_ realtime: Realtime, query: String = "") async throws {
        self.realtime = realtime
        self.query = query
        let answer = try await Self.call(realtime, .get, "EIO=3&transport=polling\(query)")
        #expect(answer.status == 200)
        sid = String(try #require(answer.text.firstMatch(of: /"sid\\?":\\?"([^"\\]+)/)?.1))
    }

    /// Begins a session and takes the `40` that says it is in the root namespace.
    static func join(_ realtime: Realtime, query: String = "") async throws -> EngineIO3Client {
        let client = try await EngineIO3Client(realtime, query: query)
        #expect(try await client.get().text == "2:40")
        return client
    }

    static func call(
        _ realtime: Realtime, _ method: HTTPRequest.Method, _ query: String, headers: HTTPFields = [:],
        _ body: [UInt8] = []
    ) async throws -> Answer {
        let request = Request(
            method: method, target: "/socket.io/?\(query)", headers: headers, body: body, loop: testLoop)
        let response = try await realtime.respond(to: request)
        guard let bytes = response.body.wholeBytes else {
            return Answer(status: response.status.code, type: nil, bytes: [])
        }
        return Answer(
            status: response.status.code, type: response.headers[.contentType], bytes: bytes)
    }

    func get() async throws -> Answer {
        try await Self.call(realtime, .get, "EIO=3&transport=polling&sid=\(sid)\(query)")
    }

    @discardableResult
    func post(_ body: [UInt8], type: String = "text/plain;charset=UTF-8") async throws -> Int {
        try await Self.call(
            realtime, .post, "EIO=3&transport=polling&sid=\(sid)\(query)", headers: [.contentType: type], body
        ).status
    }

    /// Posts packets, each with its length.
    @discardableResult
    func send(_ packets: String...) async throws -> Int {
        try await post(Array(packets.map { "\($0.utf16.count):\($0)" }.joined().utf8))
    }
}
