public import ParleyWire

/// The settings of a ``Realtime`` server.
public struct RealtimeOptions: Sendable {
    /// The Engine.IO layer: transports, heartbeat, origins, limits of bytes.
    public var engine = EngineOptions()
    /// How packets are written; all clients must use the same.
    public var parser = PacketParser.json
    /// What packets may look like.
    public var limits = SocketIOLimits()
    /// How long the attachments of a packet may take to come.
    public var assemblyTimeout: Duration = .seconds(60)
    /// The bytes of all attachments of one packet together. One attachment of `engine.maxPayload` is always accepted.
    public var maxAttachmentBytes = 4 << 20
    /// The namespaces that one client may be in.
    public var maxNamespacesPerClient = 32
    /// The namespaces that clients may make by asking for them, for each parent that allows it.
    public var maxChildNamespaces = 10_000
    /// The concurrent handlers (`HandlerOrder.concurrent`) of one socket that may run at a time; beyond it, its next event
    /// waits.
    public var maxConcurrentHandlers = 100
    /// Connection state recovery; nil: a client that comes back is a new one.
    public var recovery: RecoveryOptions?
    /// What becomes of events for clients that take them too slowly, in namespaces that don't say otherwise
    /// (``Namespace/slowClients``).
    public var slowClients = SlowClientPolicy.suspend
    /// How much a client may send; nil: as much as its events are handled.
    public var flood: FloodLimit?
    /// What happens before a client's identity expires.
    public var identity = IdentityOptions()
    /// Makes the adapter of the namespace of this name.
    public var adapter: @Sendable (String) -> any Adapter = { _ in InMemoryAdapter() }

    /// The defaults.
    public init() {}

    var attachmentLimit: Int { max(maxAttachmentBytes, engine.maxPayload) }
}
