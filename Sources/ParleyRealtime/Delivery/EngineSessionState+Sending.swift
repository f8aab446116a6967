import ParleyHTTP
import ParleyWire

// What is sent goes straight into the WebSocket's outbox. Where the client is behind and its namespace has a policy
// for that, it waits in the session's queue instead, and everything that is sent later waits behind it.
extension EngineSessionState {
    /// A WebSocket with more bytes than this under way is behind.
    static let behindMark = 64 << 10

    enum SendAction {
        /// Nothing is left to do.
        case none
        /// The event waits.
        case queued
        /// The event waits for the parked poll, which is to be answered at the end of the turn.
        case scheduleFlush
        /// The event was not taken, for the namespace's policy.
        case dropped
        /// Too much waits: the session is to be closed.
        case overflow
        /// The session is closed.
        case refused
    }

    /// True when a message would leave at once: what volatile messages ask for.
    var isWritable: Bool {
        guard phase == .open, queue.isEmpty else { return false }
        switch transport {
        case .webSocket(let connection): return connection.pendingBytes < Self.behindMark
        case .polling: return poll != nil
        }
    }

    /// True when nothing that was sent is held up.
    var isDrained: Bool {
        guard queue.isEmpty else { return false }
        guard case .webSocket(let connection) = transport else { return true }
        return connection.pendingBytes < Self.behindMark
    }

    mutating func send(_ frame: EngineFrame, attachments: [EngineFrame] = [], limit: Int) -> SendAction {
        guard phase == .open else { return .refused }
        if case .webSocket(let connection) = transport, queue.isEmpty {
            put(frame, into: connection)
            for attachment in attachments { put(attachment, into: connection) }
            return .none
        }
        return enqueue(frame, attachments, limit: limit)
    }

    /// Sends an event under the rule of its namespace.
    mutating func send(
        _ frame: EngineFrame, attachments: [EngineFrame], under rule: SlowClientRule, limit: Int,
        counters: DeliveryCounters
    ) -> SendAction {
        guard phase == .open, !isOverflowing else { return .refused }
        if isDrained, case .webSocket = transport {
            return send(frame, attachments: attachments, limit: limit)
        }
        let cost = attachments.reduce(frame.cost) { $0 + $1.cost }
        // A client that is not behind gets an event of any size; a polling one, with its next poll.
        guard isDrained || makeRoom(for: cost, rule, counters) else {
            if case .disconnect = rule.policy {
                counters.disconnected.add(1, ordering: .relaxed)
                return overflow()
            }
            counters.droppedNewest.add(1, ordering: .relaxed)
            return .dropped
        }
        return enqueue(
            frame, attachments, limit: limit, isDroppable: rule.policy != .suspend, key: rule.key)
    }

    /// A ping, or the answer to one, does not wait behind what a slow client has yet to take.
    mutating func sendHeartbeat(_ frame: EngineFrame, limit: Int) -> SendAction {
        guard phase == .open, case .webSocket(let connection) = transport else {
            return send(frame, limit: limit)
        }
        connection.send(frame)
        return .none
    }

    /// Whether an event that costs so much may wait, too. What it replaces makes room first, and stays where that is not
    /// enough.
    private mutating func makeRoom(
        for cost: Int, _ rule: SlowClientRule, _ counters: DeliveryCounters
    ) -> Bool {
        let replaced = rule.key.map { queue.cost(of: $0) } ?? 0
        switch rule.policy {
        case .suspend: break
        case .dropNewest(let limit), .disconnect(let limit):
            guard queue.bytes - replaced + cost <= limit else { return false }
        case .dropOldest(let limit):
            guard cost <= limit else { return false }
        }
        if let key = rule.key, queue.remove(key) { counters.coalesced.add(1, ordering: .relaxed) }
        guard case .dropOldest(let limit) = rule.policy else { return true }
        while queue.bytes + cost > limit {
            guard queue.dropOldest() else { return false }
            counters.droppedOldest.add(1, ordering: .relaxed)
        }
        return true
    }

    private mutating func enqueue(
        _ frame: EngineFrame, _ attachments: [EngineFrame], limit: Int, isDroppable: Bool = false,
        key: CoalescingKey? = nil
    ) -> SendAction {
        guard !isOverflowing else { return .refused }
        queue.append(frame, attachments: attachments, isDroppable: isDroppable, key: key)
        guard queue.bytes <= limit else { return overflow() }
        switch transport {
        case .webSocket(let connection):
            awaitWritable(connection)
            return .queued
        case .polling: return scheduleFlush()
        }
    }

    private mutating func overflow() -> SendAction {
        isOverflowing = true
        _ = queue.takeAll()
        return .overflow
    }

    private mutating func scheduleFlush() -> SendAction {
        guard poll != nil else { return .queued }
        guard !isFlushScheduled else { return .none }
        isFlushScheduled = true
        return .scheduleFlush
    }

    // MARK: When the client catches up

    private mutating func awaitWritable(_ connection: WebSocketConnection) {
        guard !isAwaitingWritable else { return }
        isAwaitingWritable = true
        connection.awaitWritable()
    }

    /// The WebSocket takes more: passes on as much of the queue as it takes.
    mutating func becameWritable(_ connection: WebSocketConnection) {
        guard isAwaitingWritable, case .webSocket(let current) = transport, current === connection else {
            return
        }
        isAwaitingWritable = false
        while connection.pendingBytes < Self.behindMark, let next = queue.popFirst() {
            put(next.frame, into: connection)
            for attachment in next.attachments { put(attachment, into: connection) }
        }
        if isDrained { wakeWaiters() }
        if !queue.isEmpty || !waiters.isEmpty { awaitWritable(connection) }
    }

    typealias DrainContinuation = CheckedContinuation<Bool, Never>

    /// Returns false when there is nothing to wait for.
    mutating func waitForDrain(_ id: UInt64, _ continuation: DrainContinuation) -> Bool {
        guard phase == .open, !isDrained else { return false }
        waiters.append((id, continuation))
        if case .webSocket(let connection) = transport { awaitWritable(connection) }
        return true
    }

    mutating func cancelDrain(_ id: UInt64) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        waiters.remove(at: index).continuation.resume(returning: false)
    }

    /// Resuming only queues a task's job: nobody's code runs within the transition.
    mutating func wakeWaiters() {
        guard !waiters.isEmpty else { return }
        for waiter in waiters { waiter.continuation.resume(returning: phase == .open) }
        waiters = []
    }

    /// What waits goes over the WebSocket that has become the transport.
    mutating func moveQueue(to connection: WebSocketConnection) {
        for frame in queue.takeAll() { put(frame, into: connection) }
        if !waiters.isEmpty { awaitWritable(connection) }
    }
}
