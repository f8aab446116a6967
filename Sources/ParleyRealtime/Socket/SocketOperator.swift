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
    /// - Throws: ``AcknowledgementError``, or a `DecodingError` when the reply is no `Reply`.
    public func emitWithAck<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, as: Reply.Type = Reply.self
    ) async throws -> Reply {
        try await withCheckedThrowingContinuation { continuation in
            ask(event, repeat each arguments) { continuation.resume(with: $0) }
        }
    }

    func ask<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument,
        acknowledgement: @escaping @Sendable (Result<Reply, any Error>) -> Void
    ) {
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
        ask(pending, { acknowledgement(.failure($0)) }) { id in
            try EncodedPacket.event(event, id: id, in: socket.namespace, repeat each arguments)
        }
    }

    /// Sends a packet that is to be acknowledged; `fail` hears of it, once, when it could not be sent.
    func ask(
        _ pending: PendingAcknowledgements.Pending, _ fail: (any Error) -> Void,
        _ packet: (UInt64) throws -> EncodedPacket
    ) {
        guard let id = socket.addAcknowledgement(pending) else {
            return fail(AcknowledgementError.disconnected)
        }
        do {
            let packet = try packet(id).prepared(for: delivery)
            guard case .dropped = socket.deliver(packet, delivery.reliably) else { return }
            throw AcknowledgementError.dropped
        } catch {
            guard socket.cancelAcknowledgement(id) else { return }
            fail(error)
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
    /// - Throws: ``AcknowledgementError``, or a `DecodingError` when the reply is no `Reply`.
    public func emitWithAck<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, as: Reply.Type = Reply.self
    ) async throws -> Reply {
        try await request(event, repeat each arguments, as: Reply.self)
    }
}
