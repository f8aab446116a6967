import ParleyWire

extension Socket {
    /// Sends an event to this client. Never suspends; the result says what became of it.
    @discardableResult
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) -> EmitResult {
        do {
            return deliver(try EncodedPacket.event(event, in: namespace, repeat each arguments))
        } catch {
            return .failed(error)
        }
    }

    /// Sends a `message` event.
    @discardableResult
    public func send<each Argument: Encodable>(_ arguments: repeat each Argument) -> EmitResult {
        emit("message", repeat each arguments)
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
        var way = SocketOperator(socket: self)
        way.timeout = timeout
        way.ask(event, repeat each arguments, acknowledgement: acknowledgement)
    }
}

extension EncodedPacket {
    /// An event with its arguments. Throws for a reserved name, and what encoding throws.
    static func event<each Argument: Encodable>(
        _ event: String, id: UInt64? = nil, in namespace: Namespace, _ arguments: repeat each Argument
    ) throws -> EncodedPacket {
        try EventName.check(event)
        var writer = try PacketWriter(event: event, namespace: namespace.name, id: id)
        for argument in repeat each arguments { try writer.append(argument) }
        return writer.finishArray()
    }

    /// An event whose arguments came from another server.
    static func event(
        _ event: String, id: UInt64? = nil, values: [JSONValue], in namespace: Namespace
    ) throws -> EncodedPacket {
        try EventName.check(event)
        var writer = try PacketWriter(event: event, namespace: namespace.name, id: id)
        for value in values { try writer.append(value) }
        return writer.finishArray()
    }

    /// The packet, to be sent as it is over connections that compress.
    func withoutCompression() -> EncodedPacket {
        func uncompressed(_ frame: EngineFrame) -> EngineFrame {
            var copy = frame
            copy.isCompressible = false
            return copy
        }
        return EncodedPacket(frame: uncompressed(frame), attachments: attachments.map(uncompressed))
    }
}
