public import ParleyHTTP
public import ParleyWire

/// A way to carry Engine.IO packets.
public enum EngineTransport: String, Sendable, Hashable, CaseIterable {
    /// HTTP long-polling.
    case polling
    /// WebSocket, directly or by upgrade from polling.
    case webSocket = "websocket"
}

/// The settings of the Engine.IO layer; the defaults are those of the reference server where LIMITS allow.
public struct EngineOptions: Sendable {
    /// The transports that clients may use.
    public var transports: Set<EngineTransport> = [.polling, .webSocket]
    /// Whether polling sessions may upgrade to WebSocket.
    public var allowUpgrades = true
    /// Whether Socket.IO 1.x and 2.x clients (Engine.IO 3) are served too. Their sockets' ids hold the session's secret id,
    /// since these clients compute them from it: leave it off where no such client is left.
    public var allowsEngineIO3 = false
    /// Whether clients may poll by script tags and forms (`j=`), as pages without XMLHttpRequest across origins do. Browsers
    /// name no origin where they load a script, so that ``origins`` has less to go by: leave it off unless such clients exist.
    public var allowsJSONP = false
    /// How often the server pings.
    public var pingInterval: Duration = .seconds(25)
    /// How long a pong may take.
    public var pingTimeout: Duration = .seconds(20)
    /// How long a started upgrade may take before it is abandoned; the session goes on by polling.
    public var upgradeTimeout: Duration = .seconds(10)
    /// How long a session may live without joining a namespace.
    public var connectTimeout: Duration = .seconds(45)
    /// The bytes of one message, and of one polling payload.
    public var maxPayload = 1_000_000
    /// The packets of one polling payload.
    public var maxPacketsPerPayload = 1000
    /// The bytes that may wait for a slow client's next poll before its session is closed, and those that a
    /// ``SlowClientPolicy`` may hold back from its WebSocket. What is in a WebSocket's own outbox is limited by
    /// `StreamLimits.maximumPending` of the server, like the output of any other connection.
    public var maxPendingBytes = 4 << 20
    /// How messages are compressed over WebSockets whose client offers it (Socket.IO's `perMessageDeflate`); nil doesn't.
    /// A broadcast is compressed once for all, unless the server takes over its context from message to message.
    public var webSocketCompression: WebSocketCompression?
    /// How answers to polls are compressed for clients that accept it (Socket.IO's `httpCompression`); nil doesn't.
    public var pollingCompression: Compression.Options? = pollingCompressionDefault
    /// The cookie that carries a new session's id, for balancers that keep a client at one server; none by default.
    public var cookie: EngineCookie?
    /// Which origins browsers may come from.
    public var origins: OriginPolicy = .sameOrigin
    /// Decides about a client before a session exists; a throw or false is answered with 403, code 4. The client is told the
    /// message of an `HTTPError` or ``ConnectError`` that is thrown, of other errors nothing.
    public var allowRequest: (@Sendable (Request) async throws -> Bool)?
    /// Makes the id of a new session; it must be unique and unguessable. The default has 120 random bits.
    /// A throw is answered with 400, code 3, and so is an id that is taken, empty, or has characters that no cookie may have.
    public var generateID: (@Sendable (Request) async throws -> String)?

    /// From 1 KiB on, binary payloads too.
    private static let pollingCompressionDefault: Compression.Options = {
        var options = Compression.Options()
        options.isCompressible = { _ in true }
        return options
    }()

    /// The defaults.
    public init() {}
}
