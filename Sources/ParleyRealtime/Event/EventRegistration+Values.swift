import ParleyWire

// Not a parameter pack of values: a closure of one expression would rather be taken for one without a value.
extension EventRegistration {
    /// Calls the handler for each event of this name; the two values that it returns are the arguments of the client's
    /// callback: `callback(first, second)`.
    @discardableResult
    public func on<each Argument: Decodable & Sendable, First, Second>(
        _ event: String,
        _ handler: @escaping @Sendable (Socket, repeat each Argument) throws -> (First, Second)
    ) -> HandlerToken
    where First: Encodable & Sendable, Second: Encodable & Sendable {
        register(
            event,
            HandlerRegistration(.inOrder) { socket, cursor, json, acknowledgement in
                let arguments = (repeat try cursor.next((each Argument).self, in: json))
                let reply = try handlerCall { try handler(socket, repeat each arguments) }
                try acknowledgement?.send(by: socket, values: reply.0, reply.1)
                return nil
            })
    }

    /// Calls the asynchronous handler for each event of this name; the two values that it returns are the arguments of the client's
    /// callback: `callback(first, second)`.
    @discardableResult
    public func on<each Argument: Decodable & Sendable, First, Second>(
        _ event: String, order: HandlerOrder = .inOrder,
        _ handler: @escaping @Sendable (Socket, repeat each Argument) async throws -> (First, Second)
    ) -> HandlerToken
    where First: Encodable & Sendable, Second: Encodable & Sendable {
        register(
            event,
            HandlerRegistration(order) { socket, cursor, json, acknowledgement in
                let arguments = (repeat try cursor.next((each Argument).self, in: json))
                return AsyncWork {
                    do {
                        let reply = try await handler(socket, repeat each arguments)
                        try acknowledgement?.send(by: socket, values: reply.0, reply.1)
                    } catch {
                        socket.report(error, thrownBy: event)
                    }
                }
            })
    }

    /// Calls the handler for each event of this name; the three values that it returns are the arguments of the client's
    /// callback.
    @discardableResult
    public func on<each Argument: Decodable & Sendable, First, Second, Third>(
        _ event: String,
        _ handler: @escaping @Sendable (Socket, repeat each Argument) throws -> (First, Second, Third)
    ) -> HandlerToken
    where First: Encodable & Sendable, Second: Encodable & Sendable, Third: Encodable & Sendable {
        register(
            event,
            HandlerRegistration(.inOrder) { socket, cursor, json, acknowledgement in
                let arguments = (repeat try cursor.next((each Argument).self, in: json))
                let reply = try handlerCall { try handler(socket, repeat each arguments) }
                try acknowledgement?.send(by: socket, values: reply.0, reply.1, reply.2)
                return nil
            })
    }

    /// Calls the asynchronous handler for each event of this name; the three values that it returns are the arguments of the client's
    /// callback.
    @discardableResult
    public func on<each Argument: Decodable & Sendable, First, Second, Third>(
        _ event: String, order: HandlerOrder = .inOrder,
        _ handler: @escaping @Sendable (Socket, repeat each Argument) async throws -> (First, Second, Third)
    ) -> HandlerToken
    where First: Encodable & Sendable, Second: Encodable & Sendable, Third: Encodable & Sendable {
        register(
            event,
            HandlerRegistration(order) { socket, cursor, json, acknowledgement in
                let arguments = (repeat try cursor.next((each Argument).self, in: json))
                return AsyncWork {
                    do {
                        let reply = try await handler(socket, repeat each arguments)
                        try acknowledgement?.send(by: socket, values: reply.0, reply.1, reply.2)
                    } catch {
                        socket.report(error, thrownBy: event)
                    }
                }
            })
    }
}

extension Socket {
    /// Sends an event and waits for the client's acknowledgement; returns as many of its values as the tuple has:
    /// `as: (String, Int).self`.
    ///
    /// - Throws: ``AcknowledgementError``, a `DecodingError` when the reply is another, or `CancellationError`.
    public func request<
        each Argument: Encodable, First: Decodable & Sendable, Second: Decodable & Sendable,
        each Rest: Decodable & Sendable
    >(
        _ event: String, _ arguments: repeat each Argument, as: (First, Second, repeat each Rest).Type,
        timeout: Duration = .seconds(10)
    ) async throws -> (First, Second, repeat each Rest) {
        try await AcknowledgementWait<(First, Second, repeat each Rest)>(self).value { end in
            let pending = PendingAcknowledgements.Pending(
                resolve: { cursor, json in
                    do {
                        let first = try cursor.next(First.self, in: json)
                        let second = try cursor.next(Second.self, in: json)
                        end(.success((first, second, repeat try cursor.next((each Rest).self, in: json))))
                    } catch {
                        end(.failure(error))
                    }
                },
                fail: { end(.failure($0)) }, timeout: timeout, now: client.session.loop.instant)
            return SocketOperator(socket: self).ask(pending, { end(.failure($0)) }) { id in
                try EncodedPacket.event(event, id: id, in: self.namespace, repeat each arguments)
            }
        }
    }
}
