/// Receives what comes in on a ``WebSocketConnection``. Every method is called on the connection's event loop and must
/// not block; spans are valid during the call only.
public protocol WebSocketHandler: AnyObject {
    /// A text message, which is valid UTF-8.
    func received(text: Span<UInt8>, on connection: WebSocketConnection)

    /// A binary message.
    func received(binary: Span<UInt8>, on connection: WebSocketConnection)

    /// A pong. By default nothing is done.
    func receivedPong(on connection: WebSocketConnection)

    /// A pong with its payload, which is that of a ping that was sent. By default ``receivedPong(on:)`` is called.
    func receivedPong(_ payload: Span<UInt8>, on connection: WebSocketConnection)

    /// The outbox, having been above its high watermark, is below its low watermark again. By default nothing is done.
    func becameWritable(_ connection: WebSocketConnection)

    /// The connection is closed; nothing else is called after this.
    ///
    /// - Parameters:
    ///   - code: the peer's close code; 1005 when its close frame had none, 1006 when there was no close frame, and
    ///     the code that was sent when the peer broke the protocol.
    ///   - reason: the peer's reason, or the rule that it broke.
    func closed(_ connection: WebSocketConnection, code: UInt16, reason: String)
}

extension WebSocketHandler {
    /// Does nothing.
    public func receivedPong(on connection: WebSocketConnection) {}

    /// Calls ``receivedPong(on:)``.
    public func receivedPong(_ payload: Span<UInt8>, on connection: WebSocketConnection) {
        receivedPong(on: connection)
    }

    /// Does nothing.
    public func becameWritable(_ connection: WebSocketConnection) {}
}
