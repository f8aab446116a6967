import ParleyHTTP
import ParleyTransport
import ParleyWire

/// A client's connection that asks, waits for the whole answer, and asks again. Touched on the loop only.
final class Conversation: ByteStreamHandler, @unchecked Sendable {
    private enum Step { case upgrade, open, connect, work }

    private let request: [UInt8]
    private let answersPerRequest: Int
    private let audience: Audience?
    private let isHTTP: Bool
    private var left: Int
    private var awaited = 0
    private var step = Step.upgrade
    private var continuation: CheckedContinuation<Void, Never>?
    private var frames = FrameCounter()

    init(_ work: Work, count: Int) {
        let echo = Self.text(#"427["echo","0123456789abcdef0123456789abcdef"]"#)
        switch work {
        case .burst: (request, answersPerRequest) = (Array(repeatElement(echo, count: 16).joined()), 16)
        case .suspendable:
            let wait = Self.text(#"427["wait","0123456789abcdef0123456789abcdef"]"#)
            (request, answersPerRequest) = (Array(repeatElement(wait, count: 16).joined()), 16)
        case .binary:
            let head = Self.text(#"451-7["data",{"_placeholder":true,"num":0}]"#)
            request = head + Self.frame(0x82, [UInt8](repeating: 7, count: 1024))
            answersPerRequest = 2
        case .hello: (request, answersPerRequest) = (Array("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n".utf8), 1)
        default: (request, answersPerRequest) = (echo, 1)
        }
        isHTTP = work == .hello
        left = work == .burst || work == .suspendable ? (count + 15) / 16 : count
        audience = nil
    }

    /// A member of an audience; the first one speaks.
    init(member: Int, of audience: Audience) {
        request = Self.text(#"42["all","0123456789abcdef0123456789abcdef"]"#)
        (answersPerRequest, isHTTP, left) = (1, false, 0)
        self.audience = audience
    }

    /// Returns when everything was asked and answered, and the connection is closed.
    func hold(with server: MemoryServer) async throws {
        let stream = try await server.connect(self, from: nil)
        await converse(stream)
        stream.close(linger: .zero)
    }

    /// Returns when the socket is connected.
    func enter(_ server: MemoryServer) async throws {
        let stream = try await server.connect(self, from: nil)
        audience?.add(self, stream)
        await converse(stream)
    }

    private func converse(_ stream: any ByteStream) async {
        await withCheckedContinuation { continuation in
            stream.loop.execute {
                self.continuation = continuation
                if self.isHTTP { self.step = .work }
                self.proceed(stream)
            }
        }
    }

    /// Asks for what comes next.
    private func proceed(_ stream: any ByteStream) {
        switch step {
        case .upgrade: stream.send(shared: Self.upgrade)
        case .open: break
        case .connect: stream.send(shared: Self.text("40"))
        case .work:
            guard left > 0 else { return finish() }
            left -= 1
            ask(stream)
        }
    }

    func ask(_ stream: any ByteStream) {
        awaited = answersPerRequest
        stream.send(shared: request)
    }

    private func finish() {
        continuation?.resume()
        continuation = nil
    }

    func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
        var count = isHTTP ? 1 : frames.count(bytes.span, skippingHead: step == .upgrade)
        if step == .upgrade { step = .open }
        while count > 0 {
            count -= 1
            switch step {
            case .upgrade: break
            case .open: step = .connect
            case .connect: step = .work
            case .work:
                if let audience { audience.heard(stream) }
                awaited -= 1
                if awaited > 0 { continue }
            }
            if awaited <= 0 { proceed(stream) }
        }
    }

    func receivedEnd(from stream: any ByteStream) { stream.close(linger: .zero) }
    func becameWritable(_ stream: any ByteStream) {}
    func closed(_ stream: any ByteStream, reason: CloseReason) { finish() }
}

extension Conversation {
    private static let upgrade = Array(
        """
        GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r
        Host: a\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Version: 13\r
        Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r
        \r

        """.utf8)

    private static func text(_ text: String) -> [UInt8] { frame(0x81, Array(text.utf8)) }

    private static func frame(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        WebSocketEncoder.appendFrame(
            opcode == 0x81 ? .text : .binary, payload.span, maskKey: 0x1234_5678, to: &bytes)
        return bytes
    }
}

/// Counts the frames that a server sends, whole ones and pieces alike.
private struct FrameCounter {
    private var rest: [UInt8] = []

    mutating func count(_ bytes: Span<UInt8>, skippingHead: Bool) -> Int {
        bytes.withUnsafeBufferPointer { rest += $0 }
        var offset = skippingHead ? headCount : 0
        var frames = 0
        while rest.count - offset >= 2 {
            var length = Int(rest[offset + 1]) + 2
            if rest[offset + 1] == 126 {
                guard rest.count - offset >= 4 else { break }
                length = Int(rest[offset + 2]) << 8 + Int(rest[offset + 3]) + 4
            }
            guard rest.count - offset >= length else { break }
            offset += length
            frames += 1
        }
        rest.removeFirst(offset)
        return frames
    }

    /// Where the response that switches protocols ends.
    private var headCount: Int {
        for index in rest.indices.dropFirst(3) where rest[index] == 10 && rest[index - 2] == 10 {
            return index + 1
        }
        return rest.count
    }
}

/// Clients that hear what one of them says. Touched on the loop only, once everybody is there.
final class Audience: @unchecked Sendable {
    let size: Int
    private var left: Int
    private var heard = 0
    private var speaker: (Conversation, any ByteStream)?
    private var streams: [any ByteStream] = []
    private var continuation: CheckedContinuation<Void, Never>?

    init(size: Int, count: Int) {
        self.size = size
        left = count
    }

    func add(_ member: Conversation, _ stream: any ByteStream) {
        if speaker == nil { speaker = (member, stream) }
        streams.append(stream)
    }

    /// Returns when everything was heard by everybody.
    func speak() async {
        guard let (speaker, stream) = speaker else { return }
        await withCheckedContinuation { continuation in
            stream.loop.execute {
                self.continuation = continuation
                speaker.ask(stream)
            }
        }
    }

    func heard(_ stream: any ByteStream) {
        heard += 1
        guard heard == size, let (speaker, stream) = speaker else { return }
        heard = 0
        left -= size
        guard left > 0 else {
            continuation?.resume()
            continuation = nil
            return
        }
        speaker.ask(stream)
    }
}
