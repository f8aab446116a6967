/// A bound on how often something may happen: so many times in 10 seconds, at once or spread (a leaky bucket).
struct HTTP2RateLimit {
    private static let period: UInt64 = 10_000
    private let limit: UInt64
    /// Events that have not leaked away, each counted as ``period`` units, of which ``limit`` leak in a millisecond.
    private var level: UInt64 = 0
    private var updated: UInt64 = 0

    init(_ limit: Int) { self.limit = UInt64(clamping: min(max(0, limit), 1_000_000_000)) }

    /// Counts an event at a time in milliseconds. False when it is one too many.
    mutating func admit(at now: UInt64) -> Bool {
        leak(to: now)
        level += Self.period
        return level <= limit * Self.period
    }

    /// Takes back so many events, which turned out to be justified.
    mutating func forgive(_ count: UInt64 = 1) {
        level -= min(level, count * Self.period)
    }

    private mutating func leak(to now: UInt64) {
        guard now > updated else { return }
        // More than a period empties the bucket, whatever the numbers.
        level -= min(level, min(now - updated, Self.period) * limit)
        updated = now
    }
}
