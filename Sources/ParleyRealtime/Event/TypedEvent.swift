/// An event that has a type: its name, and its one argument's members.
///
/// ```swift
/// struct Joined: Event {
///     static let name = "joined"
///     var user: String
/// }
/// chat.on(Joined.self) { socket, event in socket.broadcast.emit(event) }
/// ```
public protocol Event: Codable, Sendable {
    /// The name on the wire.
    static var name: String { get }
}

extension EventRegistration {
    /// Calls the handler for each event of the type; it answers with no value.
    @discardableResult
    public func on<Typed: Event>(
        _ event: Typed.Type, _ handler: @escaping @Sendable (Socket, Typed) throws -> Void
    ) -> HandlerToken {
        on(Typed.name, handler)
    }

    /// Calls the handler for each event of the type; what it returns is the acknowledgement.
    @discardableResult
    public func on<Typed: Event, Reply: Encodable & Sendable>(
        _ event: Typed.Type, _ handler: @escaping @Sendable (Socket, Typed) throws -> Reply
    ) -> HandlerToken {
        on(Typed.name, handler)
    }

    /// Calls the asynchronous handler for each event of the type.
    @discardableResult
    public func on<Typed: Event>(
        _ event: Typed.Type, order: HandlerOrder = .inOrder,
        _ handler: @escaping @Sendable (Socket, Typed) async throws -> Void
    ) -> HandlerToken {
        on(Typed.name, order: order, handler)
    }

    /// Calls the asynchronous handler for each event of the type; what it returns is the acknowledgement.
    @discardableResult
    public func on<Typed: Event, Reply: Encodable & Sendable>(
        _ event: Typed.Type, order: HandlerOrder = .inOrder,
        _ handler: @escaping @Sendable (Socket, Typed) async throws -> Reply
    ) -> HandlerToken {
        on(Typed.name, order: order, handler)
    }

    /// Removes all handlers of an event.
    public func off<Typed: Event>(_ event: Typed.Type) { off(Typed.name) }
}

extension Socket {
    /// Sends an event to this client.
    @discardableResult
    public func emit<Typed: Event>(_ event: Typed) -> EmitResult { emit(Typed.name, event) }

    /// Sends an event and waits for the first value of the client's acknowledgement.
    ///
    /// - Throws: ``AcknowledgementError``, a `DecodingError` when the reply is no `Reply`, or `CancellationError`.
    public func request<Typed: Event, Reply: Decodable & Sendable>(
        _ event: Typed, as: Reply.Type = Reply.self, timeout: Duration = .seconds(10)
    ) async throws -> Reply {
        try await request(Typed.name, event, as: Reply.self, timeout: timeout)
    }
}

extension SocketOperator {
    /// Sends an event to this client.
    @discardableResult
    public func emit<Typed: Event>(_ event: Typed) -> EmitResult { emit(Typed.name, event) }

    /// Sends an event and waits for the first value of the client's acknowledgement.
    ///
    /// - Throws: ``AcknowledgementError``, a `DecodingError` when the reply is no `Reply`, or `CancellationError`.
    public func emitWithAck<Typed: Event, Reply: Decodable & Sendable>(
        _ event: Typed, as: Reply.Type = Reply.self
    ) async throws -> Reply {
        try await emitWithAck(Typed.name, event, as: Reply.self)
    }
}

extension BroadcastEmitting {
    /// Sends an event to all of them; it is encoded once.
    @discardableResult
    public func emit<Typed: Event>(_ event: Typed) -> EmitResult { audience.emit(Typed.name, event) }

    /// Sends an event that each recipient is to acknowledge, and waits for all of them, but no longer than `timeout` says.
    ///
    /// - Throws: what encoding throws, or `CancellationError`.
    public func emitWithAck<Typed: Event, Reply: Decodable & Sendable>(
        _ event: Typed, as: Reply.Type = Reply.self
    ) async throws -> BroadcastReplies<Reply> {
        try await audience.emitWithAck(Typed.name, event, as: Reply.self)
    }
}
