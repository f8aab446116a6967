/// A WebSocket as an asynchronous sequence of messages: what a handler of ``RouteBuilder/webSocket(_:options:_:)`` gets.
///
/// ```swift
/// app.webSocket("/echo") { socket in
///     for try await message in socket { try await socket.send(message) }
/// }
/// ```
///
/// The sequence ends when the peer closed; it throws ``WebSocketClosed`` when the connection broke (1006) or the peer
/// broke the protocol. While nobody reads, a bounded number of bytes is buffered, and the peer's window closes.
/// One task at a time may read; any may send.
public final class WebSocket: AsyncSequence, Sendable {
    /// A message.
    public typealias Element = WebSocketMessage

    /// The connection below, for what this type doesn't offer.
    public let connection: WebSocketConnection
    private let inbox: WebSocketInbox

    init(connection: WebSocketConnection, inbox: WebSocketInbox) {
        self.connection = connection
        self.inbox = inbox
    }

    /// The request that was answered with this WebSocket, with what middleware stored on it.
    public var request: Request { connection.request }

    /// The subprotocol that was agreed on.
    public var subprotocol: String? { connection.subprotocol }

    /// Sends a message; suspends while the outbox is above its high watermark.
    ///
    /// Throws ``WebSocketClosed`` when the connection is closing or closed, and `CancellationError`.
    public nonisolated(nonsending) func send(_ message: WebSocketMessage) async throws {
        if !connection.isOpen { throw inbox.closed }
        switch message {
        case .text(let text): connection.send(text: text.utf8.span)
        case .binary(let bytes): connection.send(binary: bytes.span)
        }
        if !connection.isWritable { try await inbox.waitUntilWritable() }
    }

    /// Sends a text message; see ``send(_:)-(WebSocketMessage)``.
    public nonisolated(nonsending) func send(_ text: String) async throws { try await send(.text(text)) }

    /// Sends a binary message; see ``send(_:)-(WebSocketMessage)``.
    public nonisolated(nonsending) func send(_ bytes: [UInt8]) async throws { try await send(.binary(bytes)) }

    /// Closes with a code and a reason; only the first close counts. The handler's return closes with 1000, its throw
    /// with 1011.
    public func close(code: UInt16 = 1000, reason: String = "") {
        connection.close(code: code, reason: reason)
    }

    /// An iterator over the messages that nobody has read yet.
    public func makeAsyncIterator() -> Iterator { Iterator(inbox: inbox) }

    /// Reads a ``WebSocket`` message by message.
    public struct Iterator: AsyncIteratorProtocol {
        let inbox: WebSocketInbox

        /// The next message, or nil when the peer closed. Throws ``WebSocketClosed``, and `CancellationError`.
        public mutating nonisolated(nonsending) func next() async throws -> WebSocketMessage? {
            try await inbox.next()
        }

        /// The next message, without a change of executor; what `for try await` calls.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> WebSocketMessage? {
            try await inbox.next()
        }
    }
}
