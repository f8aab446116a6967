import ParleyWire

extension WebSocketMessage {
    /// The message as a value, decoded from JSON; a binary message may have it too. Throws what decoding throws.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        switch self {
        case .text(let text): try JSON.decode(type, from: text.utf8.span)
        case .binary(let bytes): try JSON.decode(type, from: bytes.span)
        }
    }
}

extension WebSocket {
    /// The messages as values, decoded from JSON. One that isn't such a value closes the connection (1007), and iterating
    /// throws what decoding threw.
    ///
    /// ```swift
    /// for try await move in socket.values(of: Move.self) { try await socket.send(json: game.play(move)) }
    /// ```
    public func values<Value: Decodable>(of type: Value.Type) -> WebSocketValues<Value> {
        WebSocketValues(socket: self)
    }
}

/// The messages of a ``WebSocket`` as values; see ``WebSocket/values(of:)``.
public struct WebSocketValues<Value: Decodable>: AsyncSequence {
    /// A value.
    public typealias Element = Value

    let socket: WebSocket

    /// An iterator over the messages that nobody has read yet.
    public func makeAsyncIterator() -> Iterator { Iterator(socket: socket) }

    /// Reads value by value.
    public struct Iterator: AsyncIteratorProtocol {
        let socket: WebSocket

        /// The next value, or nil when the peer closed. Throws what decoding throws, ``WebSocketClosed``, and
        /// `CancellationError`.
        public mutating nonisolated(nonsending) func next() async throws -> Value? {
            guard let message = try await socket.receive() else { return nil }
            return try decode(message)
        }

        /// The next value, without a change of executor; what `for try await` calls.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Value? {
            guard let message = try await socket.inbox.next() else { return nil }
            return try decode(message)
        }

        private func decode(_ message: WebSocketMessage) throws -> Value {
            do {
                return try message.decode(Value.self)
            } catch {
                socket.close(code: WebSocketCloseCode.invalidPayload, reason: "not the JSON that is expected")
                throw error
            }
        }
    }
}
