import HTTPTypes
import ParleyTransport
import Synchronization
import Testing

@testable import ParleyHTTP
@testable import ParleyRealtime

/// The far end of a WebSocket, without a socket: it feeds masked frames into the server's connection, and takes apart
/// what the server sends.
///
/// It is unchecked Sendable: the connection's handler is touched on the loop only, the rest is behind the mutex.
final class WebSocketClient: ByteStream, @unchecked Sendable {
    let loop: EventLoop
    var handler: (any ByteStreamHandler)?
    let remoteAddress: SocketAddress? = nil
    let isSecure = false
    private let state = Lock(State())

    private struct State {
        var bytes: [UInt8] = []
        var messages: [String] = []
        var isPaused = false
        var isClosed = false
    }

    init(loop: EventLoop) { self.loop = loop }

    /// Asks for a WebSocket; with a session's id, to upgrade it.
    static func open(
        _ realtime: Realtime, sid: String? = nil, revision: Int = 4, query: String = "",
        loop: EventLoop = testLoop
    ) async throws -> WebSocketClient {
        let headers: HTTPFields = [
            .upgrade: "websocket", .connection: "Upgrade", .secWebSocketVersion: "13",
            .secWebSocketKey: "AAAAAAAAAAAAAAAAAAAAAA==",
        ]
        let query = "EIO=\(revision)&transport=websocket" + (sid.map { "&sid=\($0)" } ?? "") + query
        let request = Request(target: "/socket.io/?\(query)", headers: headers, loop: loop)
        let response = try await realtime.respond(to: request)
        guard case .upgrade(let upgrade) = response.body.content else {
            throw Refused(status: response.status.code)
        }
        let client = WebSocketClient(loop: loop)
        await client.onLoop { client.handler = upgrade.start(client) }
        return client
    }

    struct Refused: Error { let status: Int }

    // MARK: What the test does

    var isPaused: Bool { state.withLock { $0.isPaused } }
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Sends text messages, in one read.
    func send(_ messages: [String]) async {
        var bytes: [UInt8] = []
        for message in messages { Self.append(Array(message.utf8), opcode: 0x81, to: &bytes) }
        await receive(bytes)
    }

    func send(binary message: [UInt8]) async {
        var bytes: [UInt8] = []
        Self.append(message, opcode: 0x82, to: &bytes)
        await receive(bytes)
    }

    private func receive(_ frames: [UInt8]) async {
        await onLoop {
            var frames = frames
            var span = frames.mutableSpan
            self.handler?.received(&span, from: self)
        }
    }

    func send(_ messages: String...) async { await send(messages) }

    /// What came and was not yet asked for.
    func take() -> [String] {
        state.withLock { state in
            Self.parse(&state)
            defer { state.messages = [] }
            return state.messages
        }
    }

    /// The next message; waits for at most five seconds.
    func next() async throws -> String {
        for _ in 0..<5000 {
            let message: String? = state.withLock { state in
                Self.parse(&state)
                return state.messages.isEmpty ? nil : state.messages.removeFirst()
            }
            if let message { return message }
            try await Task.sleep(for: .milliseconds(1))
        }
        throw Silence()
    }

    struct Silence: Error {}

    /// The connection breaks.
    func disconnect() async {
        await onLoop { self.end() }
    }

    func onLoop(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            let isRunning = loop.execute {
                body()
                continuation.resume()
            }
            if !isRunning { continuation.resume() }
        }
    }

    private func end() {
        state.withLock { $0.isClosed = true }
        let last = handler
        handler = nil
        last?.closed(self, reason: .peer)
    }

    private static func append(_ payload: [UInt8], opcode: UInt8, to bytes: inout [UInt8]) {
        bytes.append(opcode)
        if payload.count < 126 {
            bytes.append(0x80 | UInt8(payload.count))
        } else {
            bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        }
        // The mask of zeros changes nothing.
        bytes += [0, 0, 0, 0] + payload
    }

    private static func parse(_ state: inout State) {
        var offset = 0
        while state.bytes.count - offset >= 2 {
            var header = 2
            var length = Int(state.bytes[offset + 1])
            let extra = length == 126 ? 2 : length == 127 ? 8 : 0
            guard state.bytes.count - offset >= header + extra else { break }
            if extra > 0 {
                length = state.bytes[(offset + 2)..<(offset + 2 + extra)].reduce(0) { $0 << 8 | Int($1) }
            }
            header += extra
            guard state.bytes.count - offset >= header + length else { break }
            let payload = state.bytes[(offset + header)..<(offset + header + length)]
            switch state.bytes[offset] & 15 {
            case 8: state.messages.append("closed")
            case 9: state.messages.append("WebSocket ping")
            default: state.messages.append(String(decoding: payload, as: UTF8.self))
            }
            offset += header + length
        }
        state.bytes.removeFirst(offset)
    }

    // MARK: The stream

    var pendingBytes: Int { 0 }
    var isWritable: Bool { true }

    func send(_ bytes: Span<UInt8>) {
        bytes.withUnsafeBufferPointer { bytes in state.withLock { $0.bytes += bytes } }
    }

    func send(shared bytes: [UInt8]) { state.withLock { $0.bytes += bytes } }
    func pauseReading() { state.withLock { $0.isPaused = true } }
    func resumeReading() { state.withLock { $0.isPaused = false } }
    func close(linger: Duration) { loop.execute { self.end() } }
    func reset() { loop.execute { self.end() } }
}
