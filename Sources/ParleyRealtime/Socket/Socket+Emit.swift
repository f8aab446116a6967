import ParleyWire

extension Socket {
    /// Sends an event to this client. Never suspends; the result says what became of it.
    @discardableResult
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) -> EmitResult {
        emit(event, Delivery(), repeat each arguments)
    }

    /// Sends a `message` event.
    @discardableResult
    public func send<each Argument: Encodable>(_ arguments: repeat each Argument) -> EmitResult {
        emit("message", Delivery(), repeat each arguments)
    }

    /// Sends events that are dropped when the client can't take them at once: positions, gauges.
    public var volatile: VolatileSocket { VolatileSocket(socket: self) }

    func emit<each Argument: Encodable>(
        _ event: String, _ delivery: Delivery, _ arguments: repeat each Argument
    ) -> EmitResult {
        do {
            let writer = try PacketWriter.event(event, in: namespace, repeat each arguments)
            guard let ticket, let recovery = namespace.recovery else {
                return deliver(writer.finishArray(), delivery)
            }
            return recovery.emit(writer, to: self, ticket, delivery)
        } catch {
            return .failed(error)
        }
    }

    /// Sends an event and waits for the client's acknowledgement; its first value is returned.
    ///
    /// - Throws: ``AcknowledgementError``, or a `DecodingError` when the reply is no `Reply`.
    public func request<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, as: Reply.Type = Reply.self,
        timeout: Duration = .seconds(10)
    ) async throws -> Reply {
        try await withCheckedThrowingContinuation { continuation in
            emit(event, repeat each arguments, timeout: timeout) { continuation.resume(with: $0) }
        }
    }

    /// Sends an event and calls back, once, with the first value of the client's acknowledgement or the reason why
    /// there is none.
    public func emit<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, timeout: Duration,
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
            fail: { acknowledgement(.failure($0)) }, timeout: timeout)
        guard let id = addAcknowledgement(pending) else {
            return acknowledgement(.failure(AcknowledgementError.disconnected))
        }
        do {
            let writer = try PacketWriter.event(event, id: id, in: namespace, repeat each arguments)
            deliver(writer.finishArray(), .reliable)
        } catch {
            guard cancelAcknowledgement(id) else { return }
            acknowledgement(.failure(error))
        }
    }
}

/// A socket whose events are dropped when they can't leave at once.
public struct VolatileSocket: Sendable {
    let socket: Socket

    /// Sends an event, or drops it.
    @discardableResult
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) -> EmitResult {
        socket.emit(event, Delivery(isVolatile: true), repeat each arguments)
    }
}

extension PacketWriter {
    /// An event with its arguments, whose array is yet to be ended. Throws for a reserved name, and what encoding throws.
    static func event<each Argument: Encodable>(
        _ event: String, id: UInt64? = nil, in namespace: Namespace, _ arguments: repeat each Argument
    ) throws -> PacketWriter {
        guard !EventName.isReserved(event) else {
            throw EventError(event: event, stage: .reservedName, underlying: nil)
        }
        var writer = try PacketWriter(event: event, namespace: namespace.name, id: id)
        for argument in repeat each arguments { try writer.append(argument) }
        return writer
    }
}
