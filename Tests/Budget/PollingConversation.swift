import ParleyHTTP
import ParleyTransport

/// A client that polls: it asks by one connection, and hears by another. Touched on the loop only.
final class PollingConversation: @unchecked Sendable {
    private enum Step { case open, work, close }

    private var step = Step.open
    private var left: Int
    private var awaited = 0
    private var session = ""
    private var getting: (any ByteStream)?
    private var posting: (any ByteStream)?
    private var echo: [UInt8] = []
    private var poll: [UInt8] = []
    private var continuation: CheckedContinuation<Void, Never>?

    /// Asks so many times.
    init(count: Int) { left = count }

    /// Returns when everything was asked and answered, and the session is closed.
    func hold(with server: MemoryServer) async throws {
        let getting = try await server.connect(Channel(self), from: nil)
        let posting = try await server.connect(Channel(self), from: nil)
        await withCheckedContinuation { continuation in
            getting.loop.execute {
                self.continuation = continuation
                (self.getting, self.posting) = (getting, posting)
                self.send(get: Self.get())
            }
        }
        getting.close(linger: .zero)
        posting.close(linger: .zero)
    }

    /// Of both, the poll is there first, and has to wait.
    private func send(get: [UInt8]? = nil, post: [UInt8]? = nil) {
        awaited = (get == nil ? 0 : 1) + (post == nil ? 0 : 1)
        if let get { getting?.send(shared: get) }
        if let post { posting?.send(shared: post) }
    }

    fileprivate func heard(_ response: Span<UInt8>) {
        awaited -= 1
        guard awaited == 0 else { return }
        switch step {
        case .open:
            session = Self.session(response)
            (poll, echo) = (
                Self.get(session), Self.post(#"427["echo","0123456789abcdef0123456789abcdef"]"#, session)
            )
            step = .work
            send(get: poll, post: Self.post("40", session))
        case .work:
            if left == 0 { step = .close }
            guard left > 0 else { return send(post: Self.post("1", session)) }
            left -= 1
            send(get: poll, post: echo)
        case .close:
            continuation?.resume()
            continuation = nil
        }
    }

    /// The session's id: the first value of the open packet.
    private static func session(_ response: Span<UInt8>) -> String {
        response.withUnsafeBufferPointer { bytes in
            let packet = bytes.drop { $0 != UInt8(ascii: "{") }
            let value = packet.dropFirst(#"{"sid":""#.utf8.count)
            return String(decoding: value.prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
        }
    }

    private static func get(_ session: String? = nil) -> [UInt8] {
        Array("GET \(target(session)) HTTP/1.1\r\nHost: localhost:3000\r\n\r\n".utf8)
    }

    private static func post(_ payload: String, _ session: String) -> [UInt8] {
        let head = "POST \(target(session)) HTTP/1.1\r\nHost: localhost:3000\r\n"
        let fields = "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: \(payload.utf8.count)\r\n"
        return Array("\(head)\(fields)\r\n\(payload)".utf8)
    }

    private static func target(_ session: String?) -> String {
        "/socket.io/?EIO=4&transport=polling" + (session.map { "&sid=\($0)" } ?? "")
    }
}

/// One of the client's connections. Responses come whole.
private final class Channel: ByteStreamHandler, Sendable {
    private let conversation: PollingConversation

    init(_ conversation: PollingConversation) { self.conversation = conversation }

    func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
        conversation.heard(bytes.span)
    }

    func receivedEnd(from stream: any ByteStream) { stream.close(linger: .zero) }
    func becameWritable(_ stream: any ByteStream) {}
    func closed(_ stream: any ByteStream, reason: CloseReason) {}
}
