import ParleyTransport
import ParleyWire

/// A client's Engine.IO connection over a WebSocket, with its sockets. Everything that comes is handled on the stream's
/// loop at once, so that a clock which is put forward finds pings answered.
final class TestSocketConnection: ByteStreamHandler, Sendable {
    private struct State {
        var frames = TestFrameReader([])
        var sockets: [String: TestSocket] = [:]
        /// The binary packet whose attachments are awaited, and how many there are.
        var assembly: (packet: MessagePackPacket, count: Int)?
        var answersPings = true
        /// The namespaces that sockets left: what was under way to them by then is no violation.
        var left: Set<String> = []
        /// How the connection ended.
        var ending: TestDisconnection?
    }

    private let connection: TestConnection
    private let parser: PacketParser
    private let state = Lock(State())

    /// Takes over a connection that became a WebSocket.
    init(_ response: TestStreamedResponse, parser: PacketParser) async throws {
        connection = response.connection
        self.parser = parser
        let (rest, stream) = (response.reader.rest, connection.stream)
        try await stream.loop.run { [self] in
            handle(rest + connection.handOver(to: self))
        }
    }

    var answersPings: Bool {
        get { state.withLock { $0.answersPings } }
        set { state.withLock { $0.answersPings = newValue } }
    }

    /// Adds a socket.
    func add(_ socket: TestSocket) throws {
        try state.withLock { state in
            if let ending = state.ending { throw TestSocketError.disconnected(ending) }
            guard state.sockets[socket.namespace] == nil else {
                throw TestSocketError.violation("in \(socket.namespace) already")
            }
            state.sockets[socket.namespace] = socket
        }
    }

    func remove(_ socket: TestSocket) {
        state.withLock { state in
            guard state.sockets[socket.namespace] === socket else { return }
            state.sockets[socket.namespace] = nil
            state.left.insert(socket.namespace)
        }
    }

    func pauseReading() async throws {
        let stream = connection.stream
        try await stream.loop.run { stream.pauseReading() }
    }

    func resumeReading() async throws {
        let stream = connection.stream
        try await stream.loop.run { stream.resumeReading() }
    }

    // MARK: Out

    func send(
        _ type: SocketIOPacketType, _ namespace: String, id: UInt64?, _ list: TestArguments
    ) throws {
        try send(
            MessagePackPacket(
                type: type, namespace: namespace, id: id, json: list.array, attachments: list.attachments))
    }

    func send(_ packet: MessagePackPacket) throws {
        var frames: [UInt8] = []
        if parser == .messagePack {
            var message: [UInt8] = []
            try packet.encode(into: &message)
            Self.append(.binary, message, to: &frames)
        } else {
            var text = [EngineIOPacketType.message.rawValue]
            if packet.attachments.isEmpty {
                text += packet.text
            } else {
                SocketIOEncoder.appendHead(
                    packet.type == .ack ? .binaryAck : .binaryEvent, attachments: packet.attachments.count,
                    namespace: packet.namespace, id: packet.id, into: &text)
                text += packet.json
            }
            Self.append(.text, text, to: &frames)
            for attachment in packet.attachments { Self.append(.binary, attachment, to: &frames) }
        }
        connection.send(frames)
    }

    /// Closes the WebSocket as a client does that goes.
    func close() {
        var frame: [UInt8] = []
        WebSocketEncoder.appendClose(code: 1000, reason: "", maskKey: .random(in: .min ... .max), to: &frame)
        connection.send(frame)
    }

    /// Ends the connection at once, as a client that crashed.
    func reset() { connection.reset() }

    private func send(_ opcode: WebSocketOpcode, _ payload: [UInt8]) {
        var frame: [UInt8] = []
        Self.append(opcode, payload, to: &frame)
        connection.send(frame)
    }

    private static func append(_ opcode: WebSocketOpcode, _ payload: [UInt8], to output: inout [UInt8]) {
        WebSocketEncoder.appendFrame(opcode, payload.span, maskKey: .random(in: .min ... .max), to: &output)
    }
}

// MARK: - In

extension TestSocketConnection {
    func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
        handle(bytes.span.withUnsafeBufferPointer { Array($0) })
    }

    func receivedEnd(from stream: any ByteStream) {
        end(.connection(closeCode: 1006))
        stream.close(linger: .zero)
    }

    func becameWritable(_ stream: any ByteStream) {}

    func closed(_ stream: any ByteStream, reason: CloseReason) { end(.connection(closeCode: 1006)) }

    private func handle(_ bytes: [UInt8]) {
        state.withLock { $0.frames.append(bytes) }
        do {
            while let frame = state.withLock({ $0.ending == nil ? $0.frames.next() : nil }) {
                try handle(frame)
            }
        } catch {
            end(.violation("\(error)"))
            connection.reset()
        }
    }

    private func handle(_ frame: TestFrameReader.Frame) throws {
        switch frame {
        case .text(let bytes): try received(text: bytes)
        case .binary(let bytes): try received(binary: bytes)
        case .ping(let payload): send(.pong, payload)
        case .close(let code, _):
            close()
            end(.connection(closeCode: code ?? 1005))
        case .failure(let rule): throw TestClientError.malformedFrame(rule)
        }
    }

    private func received(text: [UInt8]) throws {
        guard let type = text.first.flatMap(EngineIOPacketType.init(rawValue:)) else {
            throw TestSocketError.violation("no Engine.IO packet")
        }
        switch type {
        case .ping: if answersPings { send(.text, [EngineIOPacketType.pong.rawValue] + text.dropFirst()) }
        case .message: try received(packet: Array(text.dropFirst()))
        case .close: close()
        case .open, .noop: break
        case .pong, .upgrade: throw TestSocketError.violation("packet \(type) from a server")
        }
    }

    private func received(packet text: [UInt8]) throws {
        let head = try SocketIODecoder(limits: Self.limits).head(of: text.span)
        let name = head.namespace.map { String(decoding: text[$0], as: UTF8.self) }
        var packet = MessagePackPacket(type: head.type, namespace: name ?? "/", id: head.id)
        packet.json = Array(text[head.payload])
        guard head.type.isBinary else { return try deliver(packet) }
        packet.type = head.type == .binaryAck ? .ack : .event
        state.withLock { $0.assembly = (packet, head.attachments) }
    }

    private func received(binary: [UInt8]) throws {
        if parser == .messagePack {
            return try deliver(MessagePackPacket(decoding: binary.span, limits: Self.limits))
        }
        let complete = try state.withLock { state in
            guard var assembly = state.assembly else {
                throw TestSocketError.violation("binary without a packet")
            }
            assembly.packet.attachments.append(binary)
            let isComplete = assembly.packet.attachments.count == assembly.count
            state.assembly = isComplete ? nil : assembly
            return isComplete ? assembly.packet : nil
        }
        if let complete { try deliver(complete) }
    }

    private func deliver(_ packet: MessagePackPacket) throws {
        let (socket, wasLeft) = state.withLock { state in
            (state.sockets[packet.namespace], state.left.contains(packet.namespace))
        }
        if let socket, socket.takes(packet.type) { return try socket.receive(packet) }
        guard wasLeft else {
            throw TestSocketError.violation("packet for \(packet.namespace), where the client is not")
        }
    }

    private func end(_ reason: TestDisconnection) {
        let sockets = state.withLock { state in
            state.ending = state.ending ?? reason
            defer { state.sockets = [:] }
            return state.sockets.values
        }
        for socket in sockets { socket.end(reason) }
    }

    /// How much the tested application sends is its own affair.
    private static var limits: SocketIOLimits {
        var limits = SocketIOLimits()
        limits.attachments = .max
        limits.namespaceBytes = .max
        limits.jsonDepth = JSON.maximumEncodingDepth
        return limits
    }
}
