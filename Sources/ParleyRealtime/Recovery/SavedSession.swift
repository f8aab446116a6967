import ParleyHTTP
import ParleyTransport

/// What a socket with connection state recovery knows of its session. The numbers are the log's, and guarded by its
/// lock.
final class RecoveryTicket: Sendable {
    /// The session's private id, which the client sends back: 120 random bits.
    let pid: String
    /// Whether the socket goes on with a session that was interrupted.
    let isRecovered: Bool
    /// The latest event when the session began: a client that received none sends no offset.
    nonisolated(unsafe) var start: UInt64 = 0
    /// The latest event that was handed to the socket.
    nonisolated(unsafe) var delivered: UInt64 = 0
    /// The latest event before the first that the socket's connection did not take, as it was ending.
    nonisolated(unsafe) var refused: UInt64?

    /// For a session that goes on, or a new one.
    init(pid: String?, isRecovered: Bool) {
        self.pid = pid ?? Identifier.make()
        self.isRecovered = isRecovered
    }
}

/// The session of a client that is away.
struct SavedSession: Sendable {
    let pid: String
    let id: String
    let rooms: Set<String>
    let storage: TypedStorage
    let identityExpiry: IdentityExpiry.Request?
    let start: UInt64
    let delivered: UInt64
    /// The latest event when the socket was last known to be connected: up to here it was handed everything.
    let position: UInt64

    /// The number behind which the client misses events, for the offset that it sends; nil when that can't be.
    func missedAfter(_ offset: RecoveryOffset.Reading?, last: UInt64) -> UInt64? {
        switch offset {
        case .none, .foreign: return start
        case .own(let number): return number <= last ? max(number, start) : nil
        case .invalid: return nil
        }
    }

    /// The number from which on the log must be complete. A client that received all that it was handed needs nothing
    /// from the time when it was connected, however long ago its last event was.
    func needed(from number: UInt64) -> UInt64 {
        number >= delivered ? max(number, position) : number
    }
}

/// What is known of a session that a client has claimed, until it is admitted or refused.
struct ClaimedSession {
    let id: String
    let rooms: Set<String>
    /// Whether the application made it leave meanwhile.
    var isEnded = false
}

/// The sessions of a namespace's clients that are away, in the order in which they went.
struct SavedSessions {
    private var sessions: [String: (session: SavedSession, serial: UInt64, deadline: MonotonicInstant?)] = [:]
    private var order: [(pid: String, serial: UInt64)] = []
    private var head = 0
    private var serial: UInt64 = 0

    var count: Int { sessions.count }

    func contains(_ pid: String) -> Bool { sessions[pid] != nil }

    mutating func save(_ session: SavedSession) {
        serial += 1
        sessions[session.pid] = (session, serial, nil)
        order.append((session.pid, serial))
    }

    /// Takes a session, which thereby can be recovered once.
    mutating func take(_ pid: String) -> SavedSession? {
        defer { compact() }
        return sessions.removeValue(forKey: pid)?.session
    }

    /// Takes the sessions for which the condition holds.
    mutating func takeAll(where condition: (SavedSession) -> Bool) -> [SavedSession] {
        sessions.values.filter { condition($0.session) }.compactMap { take($0.session.pid) }
    }

    /// Says when those are given up that nobody said it of yet.
    mutating func setDeadlines(_ deadline: MonotonicInstant) {
        for place in order[head...].reversed() {
            guard let entry = sessions[place.pid], entry.serial == place.serial else { continue }
            guard entry.deadline == nil else { return }
            sessions[place.pid]?.deadline = deadline
        }
    }

    /// When the next one is given up.
    mutating func nextDeadline() -> MonotonicInstant? { first()?.deadline }

    /// Takes the session that went first, if the condition holds for it.
    mutating func takeFirst(where condition: (SavedSession, MonotonicInstant?) -> Bool) -> SavedSession? {
        guard let oldest = first(), condition(oldest.session, oldest.deadline) else { return nil }
        return take(oldest.session.pid)
    }

    private mutating func first() -> (session: SavedSession, serial: UInt64, deadline: MonotonicInstant?)? {
        while head < order.count {
            if let entry = sessions[order[head].pid], entry.serial == order[head].serial { return entry }
            head += 1
        }
        return nil
    }

    /// Sessions that came back leave gaps.
    private mutating func compact() {
        guard order.count > 2 * sessions.count + 64 else { return }
        order = order[head...].filter { sessions[$0.pid]?.serial == $0.serial }
        head = 0
    }
}

/// A session that can't be recovered any more.
public struct ExpiredSession: Sendable {
    /// Why it can't.
    public enum Reason: Sendable, Equatable {
        /// The client was away for longer than `maxDisconnectionDuration`.
        case timeout
        /// More clients were away than `maxSessions`.
        case tooManySessions
        /// Events that it may have missed are not kept any more, for `maxPackets`, `maxBytes` or their age.
        case eventsDropped
        /// It came back, and the namespace's middleware refused it.
        case refused
        /// Its identity expired.
        case identityExpired
        /// The application made it leave, with others of its rooms, while it was away.
        case disconnected
    }

    /// The id that the socket had.
    public let id: String
    /// The rooms that it was in, without its own.
    public let rooms: Set<String>
    /// Why it can't be recovered.
    public let reason: Reason
    private let storage: TypedStorage

    /// The value of this type that was stored for the client.
    public subscript<Value: Sendable>(_ type: Value.Type) -> Value? { storage[type] }

    init(_ session: SavedSession, _ reason: Reason) {
        id = session.id
        rooms = session.rooms
        storage = session.storage
        self.reason = reason
    }
}
