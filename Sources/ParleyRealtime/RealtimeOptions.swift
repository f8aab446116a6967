public import ParleyWire

/// The settings of a ``Realtime`` server.
public struct RealtimeOptions: Sendable {
    /// The Engine.IO layer: transports, heartbeat, origins, limits of bytes.
    public var engine = EngineOptions()
    /// What packets may look like.
    public var limits = SocketIOLimits()
    /// How long the attachments of a packet may take to come.
    public var assemblyTimeout: Duration = .seconds(60)
    /// The namespaces that one client may be in.
    public var maxNamespacesPerClient = 32
    /// Makes the adapter of a namespace.
    public var adapter: @Sendable (Namespace) -> any Adapter = { InMemoryAdapter($0) }

    /// The defaults.
    public init() {}
}
