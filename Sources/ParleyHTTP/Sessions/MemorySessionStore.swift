import ParleyTransport

/// Keeps sessions in this process: bounded in their number and bytes, of which the ones that weren't saved for longest go first.
/// Several processes don't share it, and it is empty after a restart.
public final class MemorySessionStore: SessionStore {
    private let table: Lock<SessionTable>
    private let now: @Sendable () -> ContinuousClock.Instant

    /// Creates an empty store.
    /// - Parameters:
    ///   - maximumCount: the sessions that are kept.
    ///   - maximumBytes: the bytes of their contents.
    public convenience init(maximumCount: Int = 100_000, maximumBytes: Int = 64 * 1024 * 1024) {
        self.init(maximumCount: maximumCount, maximumBytes: maximumBytes) { .now }
    }

    init(maximumCount: Int, maximumBytes: Int, now: @escaping @Sendable () -> ContinuousClock.Instant) {
        table = Lock(SessionTable(maximumCount: maximumCount, maximumBytes: maximumBytes))
        self.now = now
    }

    /// The sessions that are kept, some of which may be over.
    public var count: Int { table.withLock { $0.count } }

    /// The content of an id; nil when there is none, or its time is over.
    public func load(_ id: String) async -> [UInt8]? {
        let now = now()
        return table.withLock { $0.content(of: id, at: now) }
    }

    /// Saves a content.
    public func create(_ id: String, _ content: [UInt8], timeToLive: Duration) async {
        let now = now()
        table.withLock { $0.save(id, content, expiry: now.advanced(by: timeToLive), at: now) }
    }

    /// Replaces a content. False when there is none.
    public func update(_ id: String, _ content: [UInt8], timeToLive: Duration) async -> Bool {
        let now = now()
        return table.withLock { table in
            guard table.content(of: id, at: now) != nil else { return false }
            table.save(id, content, expiry: now.advanced(by: timeToLive), at: now)
            return true
        }
    }

    /// Forgets an id.
    public func delete(_ id: String) async { table.withLock { $0.remove(id) } }
}

/// Sessions with the order in which they were saved.
///
/// The order is a queue of what was saved when. Of a session that was saved again or removed the old place stays, and is passed
/// over; when such places are more than the sessions, the queue is made anew. So every step is constant on average.
struct SessionTable {
    private struct Entry {
        var content: [UInt8]
        var expiry: ContinuousClock.Instant
        var number: UInt64
    }

    private struct Place {
        var id: String
        var number: UInt64
    }

    private let maximumCount: Int
    private let maximumBytes: Int
    private var entries: [String: Entry] = [:]
    private var queue: [Place] = []
    private var head = 0
    private var bytes = 0
    private var lastNumber: UInt64 = 0

    init(maximumCount: Int, maximumBytes: Int) {
        self.maximumCount = maximumCount
        self.maximumBytes = maximumBytes
    }

    var count: Int { entries.count }
    /// The places in the queue.
    var places: Int { queue.count }

    mutating func content(of id: String, at now: ContinuousClock.Instant) -> [UInt8]? {
        guard let entry = entries[id] else { return nil }
        guard entry.expiry > now else {
            remove(id)
            return nil
        }
        return entry.content
    }

    mutating func save(
        _ id: String, _ content: [UInt8], expiry: ContinuousClock.Instant, at now: ContinuousClock.Instant
    ) {
        remove(id)
        lastNumber += 1
        entries[id] = Entry(content: content, expiry: expiry, number: lastNumber)
        bytes += content.count
        queue.append(Place(id: id, number: lastNumber))
        removeOldest(at: now)
        if queue.count > 2 * entries.count + 64 { compact() }
    }

    mutating func remove(_ id: String) {
        if let entry = entries.removeValue(forKey: id) { bytes -= entry.content.count }
    }

    /// Removes the oldest for as long as they are over, or too many.
    private mutating func removeOldest(at now: ContinuousClock.Instant) {
        while head < queue.count {
            let place = queue[head]
            if let entry = entries[place.id], entry.number == place.number {
                let isTooMuch = entries.count > maximumCount || bytes > maximumBytes
                guard isTooMuch || entry.expiry <= now else { return }
                remove(place.id)
            }
            head += 1
        }
    }

    private mutating func compact() {
        queue = queue[head...].filter { entries[$0.id]?.number == $0.number }
        head = 0
    }
}
