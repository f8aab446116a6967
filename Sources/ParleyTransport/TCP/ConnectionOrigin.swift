import Synchronization

/// What the connections of one listener (or one outgoing connection) have in common.
final class ConnectionOrigin: Sendable {
    let limits: StreamLimits
    /// Shared with other listeners.
    private let budget: ConnectionBudget?
    private let count = Atomic<Int>(0)

    init(limits: StreamLimits, budget: ConnectionBudget? = nil) {
        self.limits = limits
        self.budget = budget
    }

    /// The connections that are open now.
    var liveCount: Int { count.load(ordering: .relaxed) }

    /// Counts a new connection, unless that would exceed the limit, or that of all listeners together.
    func admit(limit: Int) -> Bool {
        if let budget, !budget.take(limit: limit) { return false }
        if count.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
        leave()
        return false
    }

    func leave() {
        count.wrappingSubtract(1, ordering: .relaxed)
        budget?.giveBack()
    }
}

/// The count of connections of several listeners that have one limit.
package final class ConnectionBudget: Sendable {
    private let count = Atomic<Int>(0)

    package init() {}

    func take(limit: Int) -> Bool {
        if count.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
        giveBack()
        return false
    }

    func giveBack() {
        count.wrappingSubtract(1, ordering: .relaxed)
    }
}
