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
    let inbox: WebSocketInbox

    init(connection: WebSocketConnection, inbox: WebSocketInbox) {
        self.connection = connection
        self.inbox = inbox
    }

    /// The request that was answered with this WebSocket, with what middleware stored on it.
    public var request: Request { connection.request }

    /// The subprotocol that was agreed on.
    public var subprotocol: String? { connection.subprotocol }

    /// True until a close frame was sent or received, or the connection is gone.
    public var isOpen: Bool { connection.isOpen }

    /// False while more than the outbox's high watermark is pending.
    public var isWritable: Bool { connection.isWritable }

    /// The bytes that were sent and not yet taken by the kernel.
    public var pendingBytes: Int { connection.pendingBytes }

    /// The next message, or nil when the peer closed; what iterating does. Throws ``WebSocketClosed``, and
    /// `CancellationError`.
    public nonisolated(nonsending) func receive() async throws -> WebSocketMessage? { try await inbox.next() }

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

// MARK: - Pings and closing

extension WebSocket {
    /// Sends a ping, and returns the time until its pong came. Throws ``WebSocketClosed`` when the connection closes before,
    /// as it does when the peer is silent for too long (``WebSocketOptions/pingInterval``), and `CancellationError`.
    ///
    /// Connections are kept alive without this.
    public nonisolated(nonsending) func ping() async throws -> Duration {
        let start = ContinuousClock.now
        try await inbox.ping()
        return start.duration(to: .now)
    }

    /// Closes with a code and a reason; only the first close counts. The handler's return closes with 1000, its throw
    /// with 1011.
    public func close(code: UInt16 = 1000, reason: String = "") {
        connection.close(code: code, reason: reason)
    }

    /// Waits until the connection is closed, by whichever side, and returns how; at once when it is closed already. It ends
    /// for a task that was cancelled too, as closing cancels the handler's.
    ///
    /// It doesn't read: while a handler waits here, a client that sends on is made to wait when the buffer is full.
    public nonisolated(nonsending) func waitUntilClosed() async -> WebSocketClosed {
        await inbox.waitUntilClosed()
    }
}
