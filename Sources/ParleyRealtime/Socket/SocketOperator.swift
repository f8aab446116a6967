/// A socket, and how its next event is sent; each step returns a new value.
///
/// ```swift
/// socket.volatile.emit("position", x, y)
/// let answer = try await socket.timeout(.seconds(5)).emitWithAck("question", "why?", as: String.self)
/// ```
public struct SocketOperator: Sendable {
    let socket: Socket
    var isVolatile = false
    var isCompressible = true
    var timeout: Duration = .seconds(10)

    /// Drops the event when the client can't take it at once: positions, gauges.
    public var volatile: SocketOperator {
        var copy = self
        copy.isVolatile = true
        return copy
    }

    /// Whether the event may be compressed, where the connection is; true unless said otherwise.
    public func compress(_ isCompressible: Bool) -> SocketOperator {
        var copy = self
        copy.isCompressible = isCompressible
        return copy
    }

    /// How long the acknowledgement may take; 10 seconds unless said otherwise.
    public func timeout(_ timeout: Duration) -> SocketOperator {
        var copy = self
        copy.timeout = timeout
        return copy
    }

    /// Sends the event. Never suspends; the result says what became of it.
    @discardableResult
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) -> EmitResult {
        socket.emit(event, delivery, repeat each arguments)
    }

    /// Sends a `message` event.
    @discardableResult
    public func send<each Argument: Encodable>(_ arguments: repeat each Argument) -> EmitResult {
        emit("message", repeat each arguments)
    }

    /// Sends the event and waits for the first value of the client's acknowledgement.
    ///
    /// - Throws: ``AcknowledgementError``, a `DecodingError` when the reply is no `Reply`, or `CancellationError`.
    public func emitWithAck<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, as: Reply.Type = Reply.self
    ) async throws -> Reply {
        try await AcknowledgementWait<Reply>(socket).value { end in
            ask(event, repeat each arguments, acknowledgement: end)
        }
    }

    /// Returns the event's id, if it is on its way.
    @discardableResult
    func ask<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument,
        acknowledgement: @escaping @Sendable (Result<Reply, any Error>) -> Void
    ) -> UInt64? {
        let pending = PendingAcknowledgements.Pending(
            resolve: { cursor, json in
                do {
                    acknowledgement(.success(try cursor.next(Reply.self, in: json)))
                } catch {
                    acknowledgement(.failure(error))
                }
            },
            fail: { acknowledgement(.failure($0)) }, timeout: timeout, now: socket.client.session.loop.instant
        )
        return ask(pending, { acknowledgement(.failure($0)) }) { id in
            try EncodedPacket.event(event, id: id, in: socket.namespace, repeat each arguments)
        }
    }

    /// Sends a packet that is to be acknowledged, and returns its id; `fail` hears of it, once, when it could not be sent.
    @discardableResult
    func ask(
        _ pending: PendingAcknowledgements.Pending, _ fail: (any Error) -> Void,
        _ packet: (UInt64) throws -> EncodedPacket
    ) -> UInt64? {
        guard let id = socket.addAcknowledgement(pending) else {
            fail(AcknowledgementError.disconnected)
            return nil
        }
        do {
            let packet = try packet(id).prepared(for: delivery)
            guard case .dropped = socket.deliver(packet, delivery.reliably) else { return id }
            throw AcknowledgementError.dropped
        } catch {
            if socket.cancelAcknowledgement(id) { fail(error) }
            return nil
        }
    }

    private var delivery: Delivery { Delivery(isVolatile: isVolatile, isCompressible: isCompressible) }
}

extension SocketOperator: Broadcasting {
    /// Everybody in the namespace but this socket, sent to in the same way.
    public var audience: BroadcastOperator {
        var everybody = socket.audience
        everybody.isVolatile = isVolatile
        everybody.isCompressible = isCompressible
        everybody.timeout = timeout
        return everybody
    }

    /// Everybody in the namespace but this socket, sent to in the same way.
    public var broadcast: BroadcastOperator { audience }
}

extension Socket {
    /// Sends events that are dropped when the client can't take them at once: positions, gauges.
    public var volatile: SocketOperator { SocketOperator(socket: self).volatile }

    /// Whether the next event may be compressed, where the connection is; true unless said otherwise.
    public func compress(_ isCompressible: Bool) -> SocketOperator {
        SocketOperator(socket: self).compress(isCompressible)
    }

    /// How long the acknowledgement of the next event may take; 10 seconds unless said otherwise.
    public func timeout(_ timeout: Duration) -> SocketOperator {
        SocketOperator(socket: self).timeout(timeout)
    }

    /// Sends an event and waits for the first value of the client's acknowledgement: the same as `request`.
    ///
    /// - Throws: ``AcknowledgementError``, a `DecodingError` when the reply is no `Reply`, or `CancellationError`.
    public func emitWithAck<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, as: Reply.Type = Reply.self
    ) async throws -> Reply {
        try await request(event, repeat each arguments, as: Reply.self)
    }
}
