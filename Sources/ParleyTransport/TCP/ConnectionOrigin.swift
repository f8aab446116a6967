import Synchronization

/// What the connections of one listener (or one outgoing connection) have in common.
final class ConnectionOrigin: Sendable {
    let limits: StreamLimits
    private let count = Atomic<Int>(0)

    init(limits: StreamLimits) {
        self.limits = limits
    }

    /// The connections that are open now.
    var liveCount: Int { count.load(ordering: .relaxed) }

    /// Counts a new connection, unless that would exceed the limit.
    func admit(limit: Int) -> Bool {
        if count.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
        leave()
        return false
    }

    func leave() {
        count.wrappingSubtract(1, ordering: .relaxed)
    }
}
