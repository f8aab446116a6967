public import HTTPTypes
public import ParleyHTTP
import ParleyTransport
import ParleyWire

/// The client's side of a WebSocket, as an asynchronous sequence of messages. Pings are answered by reading on.
///
/// ```swift
/// let socket = try await client.webSocket("/echo")
/// socket.send("hello")
/// #expect(try await socket.next() == .text("hello"))
/// socket.close()
/// #expect(try await socket.next() == nil && socket.closeCode == 1000)
/// ```
public final class TestWebSocket: AsyncSequence, AsyncIteratorProtocol, Sendable {
    /// A message.
    public typealias Element = WebSocketMessage

    private struct State {
        var frames: TestFrameReader
        var closeCode: UInt16?
        var closeReason = ""
        var hasSentClose = false
    }

    /// The header fields of the handshake's response.
    public let headers: HTTPFields
    private let connection: TestConnection
    private let state: Lock<State>

    init(_ response: TestStreamedResponse) {
        headers = response.headers
        connection = response.connection
        state = Lock(State(frames: TestFrameReader(response.reader.rest)))
    }

    /// The subprotocol that the server chose.
    public var subprotocol: String? { headers[.secWebSocketProtocol] }

    /// The server's close code, once ``next()`` has returned nil: 1005 when its close frame had none, 1006 when the
    /// connection ended without one.
    public var closeCode: UInt16? { state.withLock { $0.closeCode } }

    /// The reason that came with it.
    public var closeReason: String { state.withLock { $0.closeReason } }

    /// This socket.
    public func makeAsyncIterator() -> TestWebSocket { self }

    /// Sends a text message.
    public func send(_ text: String) { send(.text, Array(text.utf8)) }

    /// Sends a binary message.
    public func send(_ bytes: [UInt8]) { send(.binary, bytes) }

    /// Sends a close frame.
    public func close(code: UInt16 = 1000, reason: String = "") {
        let isFirst = state.withLock { state in
            defer { state.hasSentClose = true }
            return !state.hasSentClose
        }
        guard isFirst else { return }
        var frame: [UInt8] = []
        WebSocketEncoder.appendClose(
            code: code, reason: reason, maskKey: .random(in: .min ... .max), to: &frame)
        connection.send(frame)
    }

    /// Ends the connection at once, as a client that crashed.
    public func reset() { connection.reset() }

    /// The next message; nil when the server has closed. Throws ``TestClientError/malformedFrame(_:)``.
    public func next() async throws -> WebSocketMessage? {
        while closeCode == nil {
            switch state.withLock({ $0.frames.next() }) {
            case .text(let bytes): return .text(String(decoding: bytes, as: UTF8.self))
            case .binary(let bytes): return .binary(bytes)
            case .ping(let payload): send(.pong, payload)
            case .close(let code, let reason):
                state.withLock { ($0.closeCode, $0.closeReason) = (code ?? 1005, reason) }
                close(code: code ?? 1000)
            case .failure(let rule): throw TestClientError.malformedFrame(rule)
            case nil: try await readMore()
            }
        }
        return nil
    }

    private func readMore() async throws {
        let bytes = try await connection.read()
        state.withLock { state in
            if let bytes { state.frames.append(bytes) } else { state.closeCode = 1006 }
        }
    }

    private func send(_ opcode: WebSocketOpcode, _ payload: [UInt8]) {
        var frame: [UInt8] = []
        WebSocketEncoder.appendFrame(opcode, payload.span, maskKey: .random(in: .min ... .max), to: &frame)
        connection.send(frame)
    }
}
