import HTTPTypes
import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyHTTP
@testable import ParleyRealtime

/// A WebSocket client over a stream that holds back what the client does not read, as a connection does.
final class SlowClient: ByteStreamHandler, Sendable {
    let loop: EventLoop
    private let stream: MemoryStream
    private let state = Lock(State())

    private struct State {
        var decoder = WebSocketDecoder(role: .client)
        var messages: [String] = []
        var isClosed = false
    }

    /// Opens a session and joins the root namespace.
    init(_ realtime: Realtime, loop: EventLoop = testLoop, limits: StreamLimits = StreamLimits()) async throws
    {
        self.loop = loop
        let headers: HTTPFields = [
            .upgrade: "websocket", .connection: "Upgrade", .secWebSocketVersion: "13",
            .secWebSocketKey: "AAAAAAAAAAAAAAAAAAAAAA==",
        ]
        let request = Request(
            target: "/socket.io/?EIO=4&transport=websocket", headers: headers, loop: loop)
        let response = try await realtime.respond(to: request)
        guard case .upgrade(let upgrade) = response.body.content else {
            throw WebSocketClient.Refused(status: response.status.code)
        }
        let server: MemoryStream
        (stream, server) = MemoryStream.pair(on: loop, limits: limits)
        try await loop.run { [self, stream] in
            stream.handler = self
            server.handler = upgrade.start(server)
        }
        _ = try await next()
        try await send("40")
        #expect(try await next().hasPrefix("40"))
    }

    func stopReading() async throws { try await loop.run { [stream] in stream.pauseReading() } }
    func readOn() async throws { try await loop.run { [stream] in stream.resumeReading() } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    func send(_ text: String) async throws {
        let payload = Array(text.utf8)
        let frame: [UInt8] = [0x81, 0x80 | UInt8(payload.count), 0, 0, 0, 0] + payload
        try await loop.run { [stream] in stream.send(frame.span) }
    }

    /// What came and was not asked for yet.
    func take() -> [String] {
        state.withLock { state in
            defer { state.messages = [] }
            return state.messages
        }
    }

    /// The next message; waits for at most five seconds.
    func next() async throws -> String {
        for _ in 0..<5000 {
            let message = state.withLock { $0.messages.isEmpty ? nil : $0.messages.removeFirst() }
            if let message { return message }
            try await Task.sleep(for: .milliseconds(1))
        }
        throw WebSocketClient.Silence()
    }

    /// Everything up to this message.
    func take(through last: String) async throws -> [String] {
        var messages: [String] = []
        while messages.last != last { messages.append(try await next()) }
        return messages
    }

    func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
        // Not within the closure, which can't have the span.
        var decoder = state.withLock { $0.decoder }
        var messages: [String] = []
        var offset = 0
        loop: while true {
            switch decoder.next(&bytes, at: &offset) {
            case .text(.input(let range)):
                messages.append(
                    bytes.span.extracting(range).withUnsafeBufferPointer {
                        String(decoding: $0, as: UTF8.self)
                    })
            case .text(.assembled(let text)): messages.append(String(decoding: text, as: UTF8.self))
            case .needMore: break loop
            case .failure(let error):
                Issue.record("\(error)")
                break loop
            default: break
            }
        }
        let (after, more) = (decoder, messages)
        state.withLock { state in
            state.decoder = after
            state.messages += more
        }
    }

    func receivedEnd(from stream: any ByteStream) { stream.close(linger: .zero) }
    func becameWritable(_ stream: any ByteStream) {}
    func closed(_ stream: any ByteStream, reason: CloseReason) { state.withLock { $0.isClosed = true } }
}
