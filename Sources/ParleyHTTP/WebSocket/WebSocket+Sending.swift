import ParleyWire

extension WebSocket {
    /// Sends a message. Where the peer is too slow, ``WebSocketOptions/slowPeer`` decides: by default this suspends until there
    /// is room again.
    ///
    /// Throws ``WebSocketClosed`` when the connection is closing or closed, and `CancellationError`.
    public nonisolated(nonsending) func send(_ message: WebSocketMessage) async throws {
        try await send(message, policy: connection.options.slowPeer)
    }

    /// Sends a text message; see ``send(_:)-(WebSocketMessage)``.
    public nonisolated(nonsending) func send(_ text: String) async throws { try await send(.text(text)) }

    /// Sends a binary message; see ``send(_:)-(WebSocketMessage)``.
    public nonisolated(nonsending) func send(_ bytes: [UInt8]) async throws { try await send(.binary(bytes)) }

    /// Sends a value as JSON in a text message; see ``send(_:)-(WebSocketMessage)``. Throws what encoding throws, too.
    public nonisolated(nonsending) func send(json value: some Encodable) async throws {
        var bytes: [UInt8] = []
        try JSON.encode(value, into: &bytes)
        try await send(policy: connection.options.slowPeer) { $0.send(text: bytes.span) }
    }

    /// Sends a message, with a policy for a peer that is too slow.
    ///
    /// Throws ``WebSocketClosed`` when the connection is closing or closed, with 1008 when it was the policy that closed it,
    /// and `CancellationError`.
    /// - Returns: false when the message was dropped.
    @discardableResult
    public nonisolated(nonsending) func send(
        _ message: WebSocketMessage, policy: WebSocketSendPolicy
    ) async throws -> Bool {
        try await send(policy: policy) { Self.transmit(message, $0) }
    }

    /// Sends a message if the peer can take it: never waits.
    /// - Returns: false when the message was dropped, as the peer is too slow or the connection closing or closed.
    public func trySend(_ message: WebSocketMessage) -> Bool {
        guard connection.isOpen, connection.isWritable else { return false }
        Self.transmit(message, connection)
        return true
    }

    private static func transmit(_ message: WebSocketMessage, _ connection: WebSocketConnection) {
        switch message {
        case .text(let text): connection.send(text: text.utf8.span)
        case .binary(let bytes): connection.send(binary: bytes.span)
        }
    }

    @discardableResult
    private nonisolated(nonsending) func send(
        policy: WebSocketSendPolicy, _ transmit: (WebSocketConnection) -> Void
    ) async throws -> Bool {
        if !connection.isOpen { throw inbox.closed }
        switch policy {
        case .suspend:
            // Again after each wait: of several senders that waited, the first may have filled the outbox.
            while !connection.isWritable {
                try await inbox.waitUntilWritable()
                if !connection.isOpen { throw inbox.closed }
            }
        case .drop:
            guard connection.isWritable else { return false }
        case .disconnect:
            guard connection.isWritable else { throw disconnect() }
        }
        transmit(connection)
        return true
    }

    private func disconnect() -> WebSocketClosed {
        let closed = WebSocketClosed(
            code: WebSocketCloseCode.policyViolation, reason: "limit highWatermark: messages are not read")
        connection.close(code: closed.code, reason: closed.reason)
        return closed
    }
}
