import ParleyWire

/// The rest of a handler's work, when it is asynchronous. Not the bare function: one that an array or an optional holds is called
/// by way of two others, each of which takes a frame of the task's.
@usableFromInline
struct AsyncWork: Sendable {
    let run: nonisolated(nonsending) @Sendable () async -> Void

    @usableFromInline
    init(_ run: nonisolated(nonsending) @escaping @Sendable () async -> Void) { self.run = run }
}

/// Pieces of asynchronous work, one after the other: nearly always one at most, for which no array is made.
struct AsyncWorks: Sendable {
    private var first: AsyncWork?
    private var others: [AsyncWork] = []

    init(_ first: AsyncWork? = nil) { self.first = first }

    init(_ works: [AsyncWork]) {
        first = works.first
        others = Array(works.dropFirst())
    }

    var isEmpty: Bool { first == nil }

    mutating func append(_ work: AsyncWork) {
        if first == nil { first = work } else { others.append(work) }
    }

    /// Takes the next piece.
    mutating func next() -> AsyncWork? {
        defer { first = others.isEmpty ? nil : others.removeFirst() }
        return first
    }
}

/// Names a registered handler, for `off`.
public struct HandlerToken: Sendable, Hashable {
    let number: UInt64
}

/// A handler of one event.
struct EventHandler: Sendable {
    let token: HandlerToken
    let isOnce: Bool
    let isConcurrent: Bool
    let invoke: HandlerRegistration.Invoke

    init(_ registration: HandlerRegistration) {
        token = HandlerNumbers.make()
        isOnce = registration.isOnce
        isConcurrent = registration.order == .concurrent
        invoke = registration.invoke
    }
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
    struct Contents: Sendable {
        var events: [EventIndex.Name: [EventHandler]] = [:]
        var catchAll: [CatchAllHandler] = []
        var middleware: [EventMiddleware] = []
    }

    private let events: [EventIndex.Name: [EventHandler]]
    private let index: EventIndex
    let catchAll: [CatchAllHandler]
    let middleware: [EventMiddleware]
    /// True where nobody but an event's own handlers hears of it.
    let isPlain: Bool

    static let empty = HandlerTable(Contents())

    private init(_ contents: Contents) {
        events = contents.events
        index = EventIndex(contents.events)
        catchAll = contents.catchAll
        middleware = contents.middleware
        isPlain = catchAll.isEmpty && middleware.isEmpty
    }

    /// The handlers of an event whose name stands in the JSON.
    func find(_ name: JSONStringRange, in json: Span<UInt8>) -> Unmanaged<EventIndex.Entry>? {
        guard name.hasEscapes else { return index.find(json.extracting(name.contents)) }
        return index.find(Array(name.string(in: json).utf8).span)
    }

    private func changed(_ change: (inout Contents) -> Void) -> HandlerTable {
        var contents = Contents(events: events, catchAll: catchAll, middleware: middleware)
        change(&contents)
        return HandlerTable(contents)
    }

    func adding(_ handler: EventHandler, to event: String) -> HandlerTable {
        changed { $0.events[EventIndex.Name(event), default: []].append(handler) }
    }

    func adding(_ handler: CatchAllHandler, first: Bool) -> HandlerTable {
        changed { $0.catchAll.insert(handler, at: first ? 0 : catchAll.count) }
    }

    func adding(_ step: @escaping EventMiddleware) -> HandlerTable {
        changed { $0.middleware.append(step) }
    }

    /// Without the handler, or nil when it is not there.
    func removing(_ token: HandlerToken) -> HandlerTable? {
        let events = events.mapValues { $0.filter { $0.token != token } }.filter { !$0.value.isEmpty }
        let catchAll = catchAll.filter { $0.token != token }
        guard catchAll.count < self.catchAll.count || count(events) < count(self.events) else { return nil }
        return changed {
            $0.events = events
            $0.catchAll = catchAll
        }
    }

    func removingAll(of event: String) -> HandlerTable { changed { $0.events[EventIndex.Name(event)] = nil } }

    private func count(_ events: [EventIndex.Name: [EventHandler]]) -> Int {
        events.values.reduce(0) { $0 + $1.count }
    }
}
