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

    fileprivate struct State {
        var decoder = WebSocketDecoder(role: .client)
        var input: [UInt8]
        var offset = 0
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
        state = Lock(State(input: response.reader.rest))
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
        while true {
            switch try state.withLock({ try Self.decode(&$0) }) {
            case .message(let message): return message
            case .ping(let payload): send(.pong, payload)
            case .closed(let code):
                close(code: code)
                return nil
            case .needMore: if try await !readMore() { return nil }
            }
        }
    }

    /// False at the end of the connection.
    private func readMore() async throws -> Bool {
        if closeCode != nil { return false }
        let bytes = try await connection.read()
        state.withLock { state in
            (state.input, state.offset) = (bytes ?? [], 0)
            if bytes == nil { state.closeCode = 1006 }
        }
        return bytes != nil
    }

    private func send(_ opcode: WebSocketOpcode, _ payload: [UInt8]) {
        var frame: [UInt8] = []
        WebSocketEncoder.appendFrame(opcode, payload.span, maskKey: .random(in: .min ... .max), to: &frame)
        connection.send(frame)
    }
}

// MARK: - Decoding

extension TestWebSocket {
    private enum Step: Sendable {
        case message(WebSocketMessage)
        case ping([UInt8])
        case closed(UInt16)
        case needMore
    }

    private static func decode(_ state: inout State) throws -> Step {
        while state.closeCode == nil {
            let event = state.nextEvent()
            switch event {
            case .needMore: return .needMore
            case .text(let payload):
                return .message(.text(String(decoding: state.bytes(payload), as: UTF8.self)))
            case .binary(let payload): return .message(.binary(state.bytes(payload)))
            case .ping(let payload): return .ping(state.bytes(payload))
            case .close(let code, let reason):
                state.closeCode = code ?? 1005
                state.closeReason = reason
                return .closed(code ?? 1000)
            case .failure(let error): throw TestClientError.malformedFrame(error.rule)
            case .pong, .compressed: break
            }
        }
        return .needMore
    }
}

extension TestWebSocket.State {
    /// Unmasks in place, so that the input is taken out meanwhile.
    fileprivate mutating func nextEvent() -> WebSocketDecoder.Event {
        var bytes: [UInt8] = []
        swap(&bytes, &input)
        defer { swap(&bytes, &input) }
        var span = bytes.mutableSpan
        return decoder.next(&span, at: &offset)
    }

    fileprivate func bytes(_ payload: WebSocketDecoder.Payload) -> [UInt8] {
        switch payload {
        case .input(let range): Array(input[range])
        case .assembled(let bytes): bytes
        }
    }
}
