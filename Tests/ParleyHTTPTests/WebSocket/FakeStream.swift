import HTTPTypes
import ParleyTransport
import ParleyWire

@testable import ParleyHTTP

/// A stream of which a test says what its peer takes, and that records what is done to it.
final class FakeStream: ByteStream, Sendable {
    struct State {
        var sent: [UInt8] = []
        var pendingBytes = 0
        var isWritable = true
        var isPaused = false
        var isReset = false
    }

    let loop: EventLoop
    let state = Lock(State())

    init(loop: EventLoop) { self.loop = loop }

    // The connection under test is called directly.
    var handler: (any ByteStreamHandler)? {
        get { nil }
        set {}
    }
    var remoteAddress: SocketAddress? { nil }
    var isSecure: Bool { false }
    var pendingBytes: Int { state.withLock { $0.pendingBytes } }
    var isWritable: Bool { state.withLock { $0.isWritable } }
    var isPaused: Bool { state.withLock { $0.isPaused } }
    var isReset: Bool { state.withLock { $0.isReset } }
    var sent: [UInt8] { state.withLock { $0.sent } }

    func send(_ bytes: Span<UInt8>) {
        let bytes = bytes.withUnsafeBufferPointer { Array($0) }
        state.withLock { $0.sent += bytes }
    }

    func send(shared bytes: [UInt8]) { send(bytes.span) }

    func pauseReading() { state.withLock { $0.isPaused = true } }
    func resumeReading() { state.withLock { $0.isPaused = false } }
    func close(linger: Duration) {}
    func reset() { state.withLock { $0.isReset = true } }
}

/// A connection over a fake stream, and what its handler got.
final class FakeConnection: Sendable {
    let group: EventLoopGroup
    let stream: FakeStream
    let connection: WebSocketConnection
    let handler = Recorder()

    /// Notes the sizes of the messages, and pauses after each that it is told to.
    final class Recorder: WebSocketHandler, Sendable {
        struct State {
            var sizes: [Int] = []
            var codes: [UInt16] = []
            var pauses = false
        }
        let state = Lock(State())
        var sizes: [Int] { state.withLock { $0.sizes } }
        var codes: [UInt16] { state.withLock { $0.codes } }

        func received(text: Span<UInt8>, on connection: WebSocketConnection) {
            received(binary: text, on: connection)
        }
        func received(binary: Span<UInt8>, on connection: WebSocketConnection) {
            let size = binary.count
            let pauses = state.withLock { state in
                state.sizes.append(size)
                return state.pauses
            }
            if pauses { connection.pauseReading() }
        }
        func closed(_ connection: WebSocketConnection, code: UInt16, reason: String) {
            state.withLock { $0.codes.append(code) }
        }
    }

    init(
        pauses: Bool = false, isCompressed: Bool = false,
        _ change: (inout WebSocketOptions) -> Void = { _ in }
    ) async throws {
        var changed = WebSocketOptions()
        change(&changed)
        let options = changed
        group = try EventLoopGroup(count: 1)
        let loop = group.loops[0]
        let stream = FakeStream(loop: loop)
        self.stream = stream
        let deflation = isCompressed ? Self.deflation(options) : nil
        connection = await Self.run(on: loop) {
            WebSocketConnection(
                stream: stream, request: Request(method: .get, target: "/", loop: loop), subprotocol: nil,
                options: options, deflation: deflation)
        }
        handler.state.withLock { $0.pauses = pauses }
    }

    private static func deflation(_ options: WebSocketOptions) -> WebSocketDeflation? {
        let settings = WebSocketCompression()
        var fields = HTTPHeaderBlock()
        fields.append(
            name: "sec-websocket-extensions".utf8.span, value: "permessage-deflate".utf8.span)
        return PermessageDeflate.accept(offersOf: fields, settings: settings).map {
            WebSocketDeflation($0, compression: settings, messageLimit: options.limits.messageBytes)
        }
    }

    /// Binary messages of these sizes, masked.
    static func frames(_ sizes: [Int]) -> [UInt8] {
        sizes.flatMap { WebSocketClient.frame(2, [UInt8](repeating: 7, count: $0)) }
    }

    /// Opens with the recorder.
    func open() async { await run { $0.open(with: self.handler) } }

    /// Opens as a route does.
    func openSocket() async -> WebSocket {
        let inbox = WebSocketInbox(connection: connection)
        await run { $0.open(with: inbox) }
        return WebSocket(connection: connection, inbox: inbox)
    }

    /// Lets bytes arrive.
    func receive(_ bytes: [UInt8]) async {
        await run { connection in
            var bytes = bytes
            var span = bytes.mutableSpan
            connection.received(&span, from: self.stream)
        }
    }

    @discardableResult
    func run<Value: Sendable>(_ body: @escaping @Sendable (WebSocketConnection) -> Value) async -> Value {
        let connection = connection
        return await Self.run(on: stream.loop) { body(connection) }
    }

    private static func run<Value: Sendable>(
        on loop: EventLoop, _ body: @escaping @Sendable () -> Value
    ) async -> Value {
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: body()) }
        }
    }
}
