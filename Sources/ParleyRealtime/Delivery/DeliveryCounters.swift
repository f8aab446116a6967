import Synchronization

/// Counts what does not go the ordinary way; touched on those ways only.
final class DeliveryCounters: Sendable {
    let volatileDropped = Atomic(0)
    let droppedNewest = Atomic(0)
    let droppedOldest = Atomic(0)
    let coalesced = Atomic(0)
    let disconnected = Atomic(0)
    let floods = Atomic(0)
    let floodDropped = Atomic(0)
    let recovered = Atomic(0)
    let expired = Atomic(0)
}

/// What a realtime server counted since it was made, over all namespaces.
public struct RealtimeMetrics: Sendable, Codable, Equatable {
    /// Volatile events that were dropped for clients that could not take them at once, one for each client.
    public var volatileDropped = 0
    /// Events that were dropped for slow clients as they were emitted (``SlowClientPolicy/dropNewest(maxBytes:)``).
    public var droppedNewest = 0
    /// Events that made room for later ones (``SlowClientPolicy/dropOldest(maxBytes:)``).
    public var droppedOldest = 0
    /// Events that were replaced by later ones of the same key.
    public var coalesced = 0
    /// Slow clients that were disconnected by ``SlowClientPolicy/disconnect(maxBytes:)``.
    public var slowClientsDisconnected = 0
    /// How often a client began to send more than ``FloodLimit`` allows.
    public var floods = 0
    /// Events from clients that were dropped for it.
    public var floodDropped = 0
    /// Sessions that were recovered.
    public var recovered = 0
    /// Sessions that could not be recovered any more.
    public var recoveryExpired = 0

    init(_ counters: DeliveryCounters) {
        volatileDropped = counters.volatileDropped.load(ordering: .relaxed)
        droppedNewest = counters.droppedNewest.load(ordering: .relaxed)
        droppedOldest = counters.droppedOldest.load(ordering: .relaxed)
        coalesced = counters.coalesced.load(ordering: .relaxed)
        slowClientsDisconnected = counters.disconnected.load(ordering: .relaxed)
        floods = counters.floods.load(ordering: .relaxed)
        floodDropped = counters.floodDropped.load(ordering: .relaxed)
        recovered = counters.recovered.load(ordering: .relaxed)
        recoveryExpired = counters.expired.load(ordering: .relaxed)
    }
}

extension Realtime {
    /// What was dropped, replaced, recovered and refused so far.
    public var metrics: RealtimeMetrics { RealtimeMetrics(counters) }
}
