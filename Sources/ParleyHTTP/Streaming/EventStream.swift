import ParleyTransport
import ParleyWire

/// Where the events of an event stream are sent to. It may be used by several tasks: events don't mix.
public final class EventStream: Sendable {
    /// What the client sent as `Last-Event-ID`: the id of the last event that it saw, when it connects again. Nil at first.
    public let lastEventID: String?

    private let writer: any ResponseWriter
    private let turns = EventStreamTurns()

    init(writer: any ResponseWriter, lastEventID: String?) {
        self.writer = writer
        self.lastEventID = lastEventID
    }

    /// Sends an event; suspends while the client is behind.
    /// - Throws: ``ServerSentEventError``, and what ``ResponseWriter/write(_:)`` throws when the client is gone.
    public func send(_ event: ServerSentEvent) async throws { try await write(event.bytes()) }

    /// Sends an event; see ``send(_:)``.
    public func send(
        event: String? = nil, id: String? = nil, data: String, retry: Duration? = nil
    ) async throws {
        try await send(ServerSentEvent(event: event, id: id, data: data, retry: retry))
    }

    /// Sends an event whose data is a value as JSON; see ``send(_:)``.
    /// - Throws: also what encoding throws.
    public func send(
        event: String? = nil, id: String? = nil, json value: some Encodable & Sendable, retry: Duration? = nil
    ) async throws {
        try await send(ServerSentEvent(event: event, id: id, json: value, retry: retry))
    }

    /// Sends a comment, which clients ignore.
    public func comment(_ text: String) async throws { try await write(ServerSentEvent.comment(text)) }

    private func write(_ bytes: [UInt8]) async throws {
        await turns.take()
        defer { turns.leave() }
        try await writer.write(bytes)
    }

    /// Sends a comment unless something was sent within the time, or is being sent; returns the time up to the next one.
    func heartbeat(_ interval: Duration) async -> Duration {
        let silence = turns.silence
        guard silence >= interval else { return interval - silence }
        guard turns.takeIfFree() else { return interval }
        defer { turns.leave() }
        // When the client is gone the handler hears of it.
        try? await writer.write([0x3A, 0x0A, 0x0A])
        return interval
    }
}

/// One writer at a time, in the order of their coming: a writer that waits for room has no place for a second one.
final class EventStreamTurns: Sendable {
    private struct State {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var lastUse = ContinuousClock.now
    }

    private let state = Lock(State())

    /// The time since the last turn ended.
    var silence: Duration { state.withLock { $0.lastUse.duration(to: .now) } }

    func takeIfFree() -> Bool {
        state.withLock { state in
            guard !state.isTaken else { return false }
            state.isTaken = true
            return true
        }
    }

    /// Waits for a turn. It isn't cancelled: whoever has the turn is, when the client goes.
    func take() async {
        if takeIfFree() { return }
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.isTaken else {
                    state.isTaken = true
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    /// Passes the turn on.
    func leave() {
        let next: CheckedContinuation<Void, Never>? = state.withLock { state in
            state.lastUse = .now
            guard !state.waiting.isEmpty else {
                state.isTaken = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
