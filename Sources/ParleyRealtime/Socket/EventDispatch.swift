import ParleyWire

/// Finds the handlers of one event and calls them: the event's name is read, its arguments stay bytes until each handler
/// decodes them as its own types.
struct EventDispatch {
    let socket: Socket
    let attachments: [[UInt8]]?
    let id: UInt64?

    /// Returns what is left to do asynchronously. Throws when the JSON is no event.
    func run(_ json: Span<UInt8>, _ shared: HandlerTable, _ own: HandlerTable?) throws -> AsyncWorks {
        var range = JSONStringRange(contents: 0..<0, hasEscapes: false)
        var cursor = try JSONArrayCursor(
            event: json, name: &range, attachments: attachments, maximumDepth: socket.client.jsonDepth)
        if own == nil, shared.isPlain, let known = shared.find(range, in: json),
            let work = known._withUnsafeGuaranteedRef({ callOnly($0, &cursor, json) })
        {
            return work
        }
        let event = Event(range, json, shared, own)
        guard !event.isReserved else { throw SocketIOError.malformed("reserved event name") }
        if !shared.middleware.isEmpty || own?.middleware.isEmpty == false {
            return AsyncWorks(guarded(event, Array(span: json), cursor, shared, own))
        }
        return try call(event, cursor, json, shared, own)
    }

    /// An event's name, and who waits for it.
    private struct Event {
        let name: String
        let shared: EventIndex.Entry?
        let own: EventIndex.Entry?
        let isReserved: Bool

        init(_ range: JSONStringRange, _ json: Span<UInt8>, _ shared: HandlerTable, _ own: HandlerTable?) {
            self.shared = shared.find(range, in: json)?.takeUnretainedValue()
            self.own = own?.find(range, in: json)?.takeUnretainedValue()
            if let known = self.shared ?? self.own {
                (name, isReserved) = (known.name, known.isReserved)
            } else {
                name = range.string(in: json)
                isReserved = EventName.isReserved(name)
            }
        }

        var handlerCount: Int { (shared?.handlers.count ?? 0) + (own?.handlers.count ?? 0) }
    }

    /// What nearly all events come to: one handler, and nothing beside it. Nil for other events.
    private func callOnly(
        _ event: EventIndex.Entry, _ cursor: inout JSONArrayCursor, _ json: Span<UInt8>
    ) -> AsyncWorks? {
        guard let handler = event.only else { return nil }
        let acknowledgement = id.map { Acknowledgement(id: $0, isContended: false) }
        var work = AsyncWorks()
        call(handler, event.name, acknowledgement, &cursor, json, &work)
        return work
    }

    /// Passes the steps, then calls the handlers.
    private func guarded(
        _ event: Event, _ json: [UInt8], _ cursor: JSONArrayCursor, _ shared: HandlerTable,
        _ own: HandlerTable?
    ) -> AsyncWork {
        AsyncWork {
            let incoming = IncomingEvent(
                name: event.name, expectsAcknowledgement: id != nil, json: json, attachments: attachments,
                cursor: cursor)
            do {
                for step in shared.middleware { try await step(socket, incoming) }
                for step in own?.middleware ?? [] { try await step(socket, incoming) }
            } catch {
                return socket.report(EventError(event: event.name, stage: .middleware, underlying: error))
            }
            // A step may have disconnected the socket.
            guard socket.isConnected else { return }
            do {
                var rest = try call(event, cursor, json.span, shared, own)
                while let next = rest.next() { await next.run() }
            } catch {
                socket.client.violate(error)
            }
        }
    }

    /// Calls the handlers.
    private func call(
        _ event: Event, _ cursor: JSONArrayCursor, _ json: Span<UInt8>, _ shared: HandlerTable,
        _ own: HandlerTable?
    ) throws -> AsyncWorks {
        let count = event.handlerCount
        let acknowledgement = id.map { Acknowledgement(id: $0, isContended: count > 1) }
        var work = AsyncWorks()
        if let known = event.shared { call(known, acknowledgement, cursor, json, &work) }
        if let known = event.own { call(known, acknowledgement, cursor, json, &work) }
        if !shared.catchAll.isEmpty || own?.catchAll.isEmpty == false {
            let handlers = shared.catchAll + (own?.catchAll ?? [])
            try callCatchAll(event.name, cursor, json, isMatched: count > 0, handlers, &work)
        }
        return work
    }

    /// Calls the handlers of the event in one table.
    private func call(
        _ event: EventIndex.Entry, _ acknowledgement: Acknowledgement?, _ arguments: JSONArrayCursor,
        _ json: Span<UInt8>, _ work: inout AsyncWorks
    ) {
        for handler in event.handlers where !handler.isOnce || socket.takeOnce(handler.token) {
            var cursor = arguments
            call(handler, event.name, acknowledgement, &cursor, json, &work)
        }
    }

    private func call(
        _ handler: EventHandler, _ event: String, _ acknowledgement: Acknowledgement?,
        _ cursor: inout JSONArrayCursor, _ json: Span<UInt8>, _ work: inout AsyncWorks
    ) {
        do {
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
        _ handlers: [CatchAllHandler], _ work: inout AsyncWorks
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
