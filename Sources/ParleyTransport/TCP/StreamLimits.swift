/// How much a connection may have waiting to be sent, in bytes, and for how long.
public struct StreamLimits: Sendable, Hashable {
    /// Above this many pending bytes ``ByteStream/isWritable`` is false. 1 MiB by default.
    public var highWatermark: Int
    /// Below this many, ``ByteStreamHandler/becameWritable(_:)`` is called. 256 KiB by default.
    public var lowWatermark: Int
    /// A connection on which more is sent while this many bytes wait for the peer is closed with
    /// ``CloseReason/slowPeer``. 4 MiB by default. One send may be larger: only what waited before it counts.
    public var maximumPending: Int
    /// A connection whose peer takes nothing for this long while bytes wait is closed with
    /// ``CloseReason/slowPeer``. 15 seconds by default.
    public var stallTimeout: Duration

    /// Limits; each has the default that its property documents.
    public init(
        highWatermark: Int = 1024 * 1024, lowWatermark: Int = 256 * 1024,
        maximumPending: Int = 4 * 1024 * 1024, stallTimeout: Duration = .seconds(15)
    ) {
        self.highWatermark = highWatermark
        self.lowWatermark = lowWatermark
        self.maximumPending = maximumPending
        self.stallTimeout = stallTimeout
    }
}

extension StreamLimits {
    /// The limits of the stream below one with these limits (TCP below TLS): little waits there, so that what is
    /// pending is held, and bounded, once.
    var below: StreamLimits {
        var limits = self
        // No higher than the low mark above: then whoever is told there that it can send again has that much room.
        limits.highWatermark = min(128 * 1024, lowWatermark)
        limits.lowWatermark = limits.highWatermark / 2
        return limits
    }
}
