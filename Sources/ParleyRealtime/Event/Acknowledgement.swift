import ParleyTransport
import ParleyWire
import Synchronization

/// The right to acknowledge one event, once: of several handlers the first that is done has it. It does not hold the socket, so
/// that it costs no reference count where one handler acknowledges at once.
@usableFromInline
struct Acknowledgement: Sendable {
    private let id: UInt64
    /// There only where several handlers may want to acknowledge.
    private let claim: Claim?

    private final class Claim: Sendable {
        let isTaken = Atomic(false)
    }

    init(id: UInt64, isContended: Bool) {
        self.id = id
        claim = isContended ? Claim() : nil
    }

    private func take() -> Bool {
        guard let claim else { return true }
        return !claim.isTaken.exchange(true, ordering: .relaxed)
    }

    @usableFromInline
    func send(by socket: Socket) {
        var writer = begin(by: socket)
        finish(&writer, by: socket)
    }

    @inlinable
    func send<Reply: Encodable>(_ reply: Reply, by socket: Socket) throws {
        var writer = begin(by: socket)
        try writer.append(reply)
        finish(&writer, by: socket)
    }

    /// Sends several values, each an argument of the client's callback.
    @inlinable
    func send<each Reply: Encodable>(by socket: Socket, values reply: repeat each Reply) throws {
        var writer = begin(by: socket)
        for value in repeat each reply { try writer.append(value) }
        finish(&writer, by: socket)
    }

    @usableFromInline
    func begin(by socket: Socket) -> PacketWriter {
        PacketWriter(acknowledgement: id, namespace: socket.namespace, into: EventLoop.takeSpareBytes())
    }

    @usableFromInline
    func finish(_ writer: inout PacketWriter, by socket: Socket) {
        guard take() else { return }
        socket.acknowledge(&writer)
    }
}

/// Why the reply to an event did not come.
public enum AcknowledgementError: Error, Sendable, Equatable, CustomStringConvertible {
    /// It did not come in time.
    case timeout(Duration)
    /// The socket disconnected first.
    case disconnected
    /// The event was volatile, and the client could not take it at once.
    case dropped

    /// The reason.
    public var description: String {
        switch self {
        case .timeout(let duration): "no acknowledgement within \(duration)"
        case .disconnected: "the socket disconnected before it acknowledged"
        case .dropped: "the volatile event was dropped"
        }
    }
}

/// The events that a client has yet to acknowledge.
struct PendingAcknowledgements {
    struct Pending: Sendable {
        let resolve: @Sendable (inout JSONArrayCursor, Span<UInt8>) -> Void
        let fail: @Sendable (AcknowledgementError) -> Void
        let timeout: Duration
        /// Nil when whoever waits watches the time itself.
        let deadline: MonotonicInstant?

        /// Waits until it is cancelled.
        init(
            resolve: @escaping @Sendable (inout JSONArrayCursor, Span<UInt8>) -> Void,
            fail: @escaping @Sendable (AcknowledgementError) -> Void
        ) {
            self.resolve = resolve
            self.fail = fail
            timeout = .zero
            deadline = nil
        }

        init(
            resolve: @escaping @Sendable (inout JSONArrayCursor, Span<UInt8>) -> Void,
            fail: @escaping @Sendable (AcknowledgementError) -> Void, timeout: Duration, now: MonotonicInstant
        ) {
            self.resolve = resolve
            self.fail = fail
            self.timeout = timeout
            deadline = now.advanced(by: timeout)
        }
    }

    /// Deadlines closer to each other than this share a timer.
    private static let granularity: Duration = .milliseconds(10)

    private var nextID: UInt64 = 0
    private var pending: [UInt64: Pending] = [:]
    private var isClosed = false
    /// When somebody will look for what is overdue.
    private var watched: MonotonicInstant?

    /// The id for the event, and when to call `expire`, unless that is arranged for. Nil when the socket is disconnected.
    mutating func add(_ entry: Pending) -> (id: UInt64, watch: MonotonicInstant?)? {
        guard !isClosed else { return nil }
        let id = nextID
        nextID = (nextID + 1) % BroadcastNumbers.first
        pending[id] = entry
        guard let deadline = entry.deadline, watched.map({ $0 > deadline }) ?? true else { return (id, nil) }
        watched = deadline
        return (id, deadline)
    }

    /// Waits for the acknowledgement of a broadcast, whose id is given. False when the socket is disconnected.
    mutating func add(_ entry: Pending, id: UInt64) -> Bool {
        guard !isClosed else { return false }
        pending[id] = entry
        return true
    }

    /// Takes what is overdue; also tells when to look again, unless a later call than this one is arranged for.
    mutating func expire(
        now: MonotonicInstant, watched instant: MonotonicInstant
    ) -> (expired: [Pending], watch: MonotonicInstant?) {
        let overdue = pending.filter { $0.value.deadline.map { $0 <= now } ?? false }
        for id in overdue.keys { pending[id] = nil }
        let expired = overdue.sorted { $0.key < $1.key }.map(\.value)
        guard watched == instant else { return (expired, nil) }
        watched = pending.values.compactMap(\.deadline).min().map {
            max($0, now.advanced(by: Self.granularity))
        }
        return (expired, watched)
    }

    /// A second acknowledgement finds nothing.
    mutating func take(_ id: UInt64) -> Pending? { pending.removeValue(forKey: id) }

    mutating func close() -> [Pending] {
        isClosed = true
        defer { pending = [:] }
        return Array(pending.values)
    }
}
