import ParleyWire

/// Finds the handlers of one event and calls them: the event's name is read, its arguments stay bytes until each handler
/// decodes them as its own types.
struct EventDispatch {
    let socket: Socket
    let attachments: [[UInt8]]?
    let id: UInt64?

    /// Returns what is left to do asynchronously. Throws when the JSON is no event.
    func run(_ json: Span<UInt8>, _ shared: HandlerTable, _ own: HandlerTable?) throws -> [AsyncWork] {
        var cursor = try JSONArrayCursor(
            validating: json, attachments: attachments, maximumDepth: socket.client.jsonDepth)
        let event = try cursor.next(String.self, in: json)
        guard !EventName.isReserved(event) else { throw SocketIOError.malformed("reserved event name") }
        if !shared.middleware.isEmpty || own?.middleware.isEmpty == false {
            return [guarded(event, Array(span: json), cursor, shared, own)]
        }
        return try call(event, cursor, json, shared, own)
    }

    /// Passes the steps, then calls the handlers.
    private func guarded(
        _ name: String, _ json: [UInt8], _ cursor: JSONArrayCursor, _ shared: HandlerTable,
        _ own: HandlerTable?
    ) -> AsyncWork {
        {
            let event = IncomingEvent(
                name: name, expectsAcknowledgement: id != nil, json: json, attachments: attachments,
                cursor: cursor)
            do {
                for step in shared.middleware { try await step(socket, event) }
                for step in own?.middleware ?? [] { try await step(socket, event) }
            } catch {
                return socket.report(EventError(event: name, stage: .middleware, underlying: error))
            }
            // A step may have disconnected the socket.
            guard socket.isConnected else { return }
            do {
                for rest in try call(name, cursor, json.span, shared, own) { await rest() }
            } catch {
                socket.client.violate(error)
            }
        }
    }

    /// Calls the handlers.
    private func call(
        _ event: String, _ cursor: JSONArrayCursor, _ json: Span<UInt8>, _ shared: HandlerTable,
        _ own: HandlerTable?
    ) throws -> [AsyncWork] {
        let handlers = (shared.events[event] ?? [], own?.events[event] ?? [])
        let acknowledgement = id.map {
            Acknowledgement(socket: socket, id: $0, isContended: handlers.0.count + handlers.1.count > 1)
        }
        var work: [AsyncWork] = []
        call(handlers.0, event, acknowledgement, cursor, json, &work)
        call(handlers.1, event, acknowledgement, cursor, json, &work)
        let isMatched = !handlers.0.isEmpty || !handlers.1.isEmpty
        if !shared.catchAll.isEmpty || own?.catchAll.isEmpty == false {
            let handlers = shared.catchAll + (own?.catchAll ?? [])
            try callCatchAll(event, cursor, json, isMatched: isMatched, handlers, &work)
        }
        return work
    }

    /// Calls the handlers of the event in one table.
    private func call(
        _ handlers: [EventHandler], _ event: String, _ acknowledgement: Acknowledgement?,
        _ arguments: JSONArrayCursor, _ json: Span<UInt8>, _ work: inout [AsyncWork]
    ) {
        for handler in handlers where !handler.isOnce || socket.takeOnce(handler.token) {
            call(handler, event, acknowledgement, arguments, json, &work)
        }
    }

    private func call(
        _ handler: EventHandler, _ event: String, _ acknowledgement: Acknowledgement?,
        _ arguments: JSONArrayCursor, _ json: Span<UInt8>, _ work: inout [AsyncWork]
    ) {
        do {
            var cursor = arguments
            guard let rest = try handler.invoke(socket, &cursor, json, acknowledgement) else { return }
            if handler.isConcurrent, socket.startConcurrently(rest) { return }
            work.append(rest)
        } catch let failure as HandlerFailure {
            socket.report(EventError(event: event, stage: .handler, underlying: failure.error))
        } catch {
            socket.report(EventError(event: event, stage: .arguments, underlying: error))
        }
    }

    private func callCatchAll(
        _ event: String, _ arguments: JSONArrayCursor, _ json: Span<UInt8>, isMatched: Bool,
        _ handlers: [CatchAllHandler], _ work: inout [AsyncWork]
    ) throws {
        let called = handlers.filter { !($0.isForUnmatched && isMatched) }
        guard !called.isEmpty else { return }
        var cursor = arguments
        var values: [JSONValue] = []
        while !cursor.isAtEnd { values.append(try cursor.next(JSONValue.self, in: json)) }
        for handler in called {
            if let rest = handler.invoke(socket, event, values) { work.append(rest) }
        }
    }
}
