public import ParleyWire
import Synchronization

/// Something that handlers of events can be registered on: a ``Namespace`` (for all its sockets, at no cost per socket)
/// or one ``Socket``.
///
/// A handler takes the socket and the event's arguments, each `Decodable`; what it returns is the acknowledgement. Where
/// arguments do not fit its types it is not called, and `Namespace.onError` hears of it. Handlers of one socket
/// run one after the other, in the order of its events, also when they are asynchronous.
public protocol EventRegistration: Sendable {
    /// Registers a type-erased handler. Call `on` instead.
    func register(_ event: String, _ registration: HandlerRegistration) -> HandlerToken
    /// Removes a handler.
    func off(_ token: HandlerToken)
    /// Removes all handlers of an event.
    func off(_ event: String)
    /// Registers a handler of every event, type-erased. Call `onAny` or `onUnmatched` instead.
    func registerCatchAll(
        isForUnmatched: Bool, first: Bool,
        _ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void
    ) -> HandlerToken
}

/// How the events of one socket share an asynchronous handler.
public enum HandlerOrder: Sendable {
    /// One after the other, in the order of the socket's events; the next event waits for the handler. The default.
    case inOrder
    /// At once: the next event does not wait. It may overtake, and the handler may still run when the socket's
    /// disconnect handlers do. At most `RealtimeOptions.maxConcurrentHandlers` of a socket run at a time.
    case concurrent
}

/// A handler without its types; made by `on`.
public struct HandlerRegistration: Sendable {
    /// Decodes the arguments and calls the handler, or returns the call for later when it is asynchronous.
    @usableFromInline
    typealias Invoke =
        @Sendable (Socket, inout JSONArrayCursor, Span<UInt8>, Acknowledgement?) throws -> AsyncWork?

    let invoke: Invoke
    let order: HandlerOrder
    var isOnce = false

    @usableFromInline
    init(_ order: HandlerOrder, _ invoke: @escaping Invoke) {
        self.order = order
        self.invoke = invoke
    }
}

// Inlined into the application, where the types of the arguments are known: there the arguments are decoded, and the reply is
// encoded, without a detour over witness tables.
extension EventRegistration {
    /// Calls the handler for each event of this name; it answers with no value.
    @discardableResult
    @inlinable
    public func on<each Argument: Decodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (Socket, repeat each Argument) throws -> Void
    ) -> HandlerToken {
        register(
            event,
            HandlerRegistration(.inOrder) { socket, cursor, json, acknowledgement in
                let arguments = (repeat try cursor.next((each Argument).self, in: json))
                try handlerCall { try handler(socket, repeat each arguments) }
                acknowledgement?.send(by: socket)
                return nil
            })
    }

    /// Calls the handler for each event of this name; what it returns is the acknowledgement.
    @discardableResult
    @inlinable
    public func on<each Argument: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (Socket, repeat each Argument) throws -> Reply
    ) -> HandlerToken {
        register(
            event,
            HandlerRegistration(.inOrder) { socket, cursor, json, acknowledgement in
                let arguments = (repeat try cursor.next((each Argument).self, in: json))
                let reply = try handlerCall { try handler(socket, repeat each arguments) }
                try acknowledgement?.send(reply, by: socket)
                return nil
            })
    }

    /// Calls the asynchronous handler for each event of this name; the socket's next event waits for it.
    @discardableResult
    @inlinable
    public func on<each Argument: Decodable & Sendable>(
        _ event: String, order: HandlerOrder = .inOrder,
        _ handler: @escaping @Sendable (Socket, repeat each Argument) async throws -> Void
    ) -> HandlerToken {
        register(
            event,
            HandlerRegistration(order) { socket, cursor, json, acknowledgement in
                let arguments = (repeat try cursor.next((each Argument).self, in: json))
                return AsyncWork {
                    do {
                        try await handler(socket, repeat each arguments)
                        acknowledgement?.send(by: socket)
                    } catch {
                        socket.report(error, thrownBy: event)
                    }
                }
            })
    }

    /// Calls the asynchronous handler for each event of this name; what it returns is the acknowledgement.
    @discardableResult
    @inlinable
    public func on<each Argument: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ event: String, order: HandlerOrder = .inOrder,
        _ handler: @escaping @Sendable (Socket, repeat each Argument) async throws -> Reply
    ) -> HandlerToken {
        register(
            event,
            HandlerRegistration(order) { socket, cursor, json, acknowledgement in
                let arguments = (repeat try cursor.next((each Argument).self, in: json))
                return AsyncWork {
                    do {
                        let reply = try await handler(socket, repeat each arguments)
                        try acknowledgement?.send(reply, by: socket)
                    } catch {
                        socket.report(error, thrownBy: event)
                    }
                }
            })
    }
}

extension EventRegistration {
    /// Calls the handler for each event, with its name and arguments, behind the event's own handlers.
    @discardableResult
    public func onAny(_ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void) -> HandlerToken {
        registerCatchAll(isForUnmatched: false, first: false, handler)
    }

    /// Like `onAny`, before the other such handlers.
    @discardableResult
    public func prependAny(
        _ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void
    ) -> HandlerToken {
        registerCatchAll(isForUnmatched: false, first: true, handler)
    }

    /// Calls the handler for each event that no other handler is registered for.
    @discardableResult
    public func onUnmatched(
        _ handler: @escaping @Sendable (Socket, String, [JSONValue]) -> Void
    ) -> HandlerToken {
        registerCatchAll(isForUnmatched: true, first: false, handler)
    }
}

/// Marks an error as the handler's own, so that it is told apart from arguments that do not fit.
@inlinable
func handlerCall<Result>(_ body: () throws -> Result) throws -> Result {
    do {
        return try body()
    } catch {
        throw HandlerFailure(error: error)
    }
}

@usableFromInline
struct HandlerFailure: Error {
    let error: any Error

    @usableFromInline
    init(error: any Error) { self.error = error }
}

/// Numbers handlers, process-wide.
enum HandlerNumbers {
    private static let next = Atomic<UInt64>(0)

    static func make() -> HandlerToken {
        HandlerToken(number: next.add(1, ordering: .relaxed).newValue)
    }
}
