import ParleyWire

extension Socket {
    /// Sends an event to this client. Never suspends; the result says what became of it.
    @discardableResult
    @inlinable
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) -> EmitResult {
        do {
            var writer = try PacketWriter.event(event, in: namespace, repeat each arguments)
            return emit(&writer)
        } catch {
            return .failed(error)
        }
    }

    /// Sends a `message` event.
    @discardableResult
    @inlinable
    public func send<each Argument: Encodable>(_ arguments: repeat each Argument) -> EmitResult {
        emit("message", repeat each arguments)
    }

    func emit<each Argument: Encodable>(
        _ event: String, _ delivery: Delivery, _ arguments: repeat each Argument
    ) -> EmitResult {
        do {
            var writer = try PacketWriter.event(event, in: namespace, repeat each arguments)
            return emit(&writer, delivery)
        } catch {
            return .failed(error)
        }
    }

    @usableFromInline
    func emit(_ writer: inout PacketWriter) -> EmitResult { emit(&writer, Delivery()) }

    private func emit(_ writer: inout PacketWriter, _ delivery: Delivery) -> EmitResult {
        guard let ticket, let recovery = namespace.recovery else {
            return deliver(writer.finishArray().prepared(for: delivery), delivery)
        }
        return recovery.emit(writer, to: self, ticket, delivery)
    }

    /// Sends an event and waits for the client's acknowledgement; its first value is returned.
    ///
    /// - Throws: ``AcknowledgementError``, a `DecodingError` when the reply is no `Reply`, or `CancellationError`.
    public func request<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, as: Reply.Type = Reply.self,
        timeout: Duration = .seconds(10)
    ) async throws -> Reply {
        try await self.timeout(timeout).emitWithAck(event, repeat each arguments, as: Reply.self)
    }

    /// Sends an event and calls back, once, with the first value of the client's acknowledgement or the reason why
    /// there is none.
    public func emit<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, timeout: Duration,
        acknowledgement: @escaping @Sendable (Result<Reply, any Error>) -> Void
    ) {
        var way = SocketOperator(socket: self)
        way.timeout = timeout
        way.ask(event, repeat each arguments, acknowledgement: acknowledgement)
    }
}

extension PacketWriter {
    /// An event with its arguments, whose array is yet to be ended. Throws for a reserved name, and what encoding throws.
    @inlinable
    static func event<each Argument: Encodable>(
        _ event: String, id: UInt64? = nil, in namespace: Namespace, _ arguments: repeat each Argument
    ) throws -> PacketWriter {
        var writer = try PacketWriter(event: event, namespace: namespace, id: id)
        for argument in repeat each arguments { try writer.append(argument) }
        return writer
    }

    /// An event whose arguments came from another server.
    static func event(
        _ event: String, id: UInt64? = nil, values: [JSONValue], in namespace: Namespace
    ) throws -> PacketWriter {
        var writer = try PacketWriter(event: event, namespace: namespace, id: id)
        for value in values { try writer.append(value) }
        return writer
    }
}

extension EncodedPacket {
    /// An event that is to be acknowledged, which has no number where sessions can be recovered.
    static func event<each Argument: Encodable>(
        _ event: String, id: UInt64, in namespace: Namespace, _ arguments: repeat each Argument
    ) throws -> EncodedPacket {
        var writer = try PacketWriter.event(event, id: id, in: namespace, repeat each arguments)
        return writer.finishArray()
    }
}
