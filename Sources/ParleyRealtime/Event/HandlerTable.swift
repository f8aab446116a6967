import ParleyWire

/// The rest of a handler's work, when it is asynchronous.
typealias AsyncWork = @Sendable () async -> Void

/// Names a registered handler, for `off`.
public struct HandlerToken: Sendable, Hashable {
    let number: UInt64
}

/// A handler of one event.
struct EventHandler: Sendable {
    /// Decodes the arguments and calls the handler, or returns the call for later when it is asynchronous.
    typealias Invoke =
        @Sendable (Socket, inout JSONArrayCursor, Span<UInt8>, Acknowledgement?) throws -> AsyncWork?

    let token: HandlerToken
    let isOnce: Bool
    let invoke: Invoke
}

/// A handler of every event.
struct CatchAllHandler: Sendable {
    let token: HandlerToken
    /// True to be called only for events that no other handler takes.
    let isForUnmatched: Bool
    let invoke: @Sendable (Socket, String, [JSONValue]) -> AsyncWork?
}

/// The handlers of a namespace or of a socket: an immutable value behind one reference, so that taking it costs one
/// retain. Registering makes a new one.
final class HandlerTable: Sendable {
    let events: [String: [EventHandler]]
    let catchAll: [CatchAllHandler]

    static let empty = HandlerTable(events: [:], catchAll: [])

    private init(events: [String: [EventHandler]], catchAll: [CatchAllHandler]) {
        self.events = events
        self.catchAll = catchAll
    }

    func adding(_ handler: EventHandler, to event: String) -> HandlerTable {
        var events = events
        events[event, default: []].append(handler)
        return HandlerTable(events: events, catchAll: catchAll)
    }

    func adding(_ handler: CatchAllHandler) -> HandlerTable {
        HandlerTable(events: events, catchAll: catchAll + [handler])
    }

    /// Without the handler, or nil when it is not there.
    func removing(_ token: HandlerToken) -> HandlerTable? {
        let events = events.mapValues { $0.filter { $0.token != token } }.filter { !$0.value.isEmpty }
        let catchAll = catchAll.filter { $0.token != token }
        guard catchAll.count < self.catchAll.count || count(events) < count(self.events) else { return nil }
        return HandlerTable(events: events, catchAll: catchAll)
    }

    func removingAll(of event: String) -> HandlerTable {
        var events = events
        events[event] = nil
        return HandlerTable(events: events, catchAll: catchAll)
    }

    private func count(_ events: [String: [EventHandler]]) -> Int {
        events.values.reduce(0) { $0 + $1.count }
    }
}
