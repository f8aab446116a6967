/// What becomes of events for a client that takes them more slowly than they are emitted, for WebSocket and polling
/// alike.
///
/// A client is behind while 64 KiB wait in its connection, or anything for its next poll. Up to `maxBytes` of events
/// wait behind that. Acknowledgements, events that ask for one, and the protocol's own packets are never dropped;
/// `EngineOptions.maxPendingBytes` bounds everything together, and beyond it the client is disconnected.
public enum SlowClientPolicy: Sendable, Equatable {
    /// Nothing is dropped: whoever emits waits for ``Socket/drained()``, or uses ``Socket/emitWhenWritable(_:_:)``.
    /// The limits of the connection and `EngineOptions.maxPendingBytes` hold. The default.
    case suspend
    /// An event that does not fit is dropped.
    case dropNewest(maxBytes: Int = 256 << 10)
    /// The events that wait longest make room for one that does not fit.
    case dropOldest(maxBytes: Int = 256 << 10)
    /// The client is disconnected when an event does not fit.
    case disconnect(maxBytes: Int = 256 << 10)
}

/// How one event is to be delivered.
struct Delivery: Sendable {
    /// Only to clients that can take it at once.
    var isVolatile = false
    /// Replaces what waits under this key.
    var key: String?
    /// Whether a slow client's policy spares it.
    var isReliable = false
    /// Whether connections that compress may compress it.
    var isCompressible = true

    static let reliable = Delivery(isReliable: true)

    /// The same, spared by slow clients' policies.
    var reliably: Delivery {
        var copy = self
        copy.isReliable = true
        return copy
    }
}

/// What makes a later event replace an earlier one.
struct CoalescingKey: Hashable, Sendable {
    let namespace: ObjectIdentifier
    let name: String
}

/// What a session does with an event for a client that is behind.
struct SlowClientRule: Sendable {
    let policy: SlowClientPolicy
    let key: CoalescingKey?
}
