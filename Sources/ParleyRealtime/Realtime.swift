public import Logging
public import ParleyHTTP
import ParleyTransport
import ParleyWire

/// A Socket.IO server, to be mounted on an HTTP application at one path or several.
///
/// ```swift
/// let realtime = Realtime()
/// let chat = realtime.namespace("/chat")
/// chat.on("message") { (socket, text: String) in socket.broadcast.emit("message", text) }
/// app.mount(realtime, at: "/socket.io")
/// ```
public final class Realtime: Sendable {
    let core: RealtimeCore
    let engine: EngineServer

    /// Creates a server.
    public init(
        options: RealtimeOptions = RealtimeOptions(), logger: Logger = Logger(label: "parley.realtime")
    ) {
        let core = RealtimeCore(options: options, logger: logger)
        self.core = core
        engine = EngineServer(options: options.engine, logger: logger) { session, request in
            Client(session: session, request: request, realtime: core)
        }
        _ = core.namespace("/")
    }

    /// The namespace of this name, made when it is asked for first: a child where a pattern or regular expression of
    /// ``namespace(matching:removesEmpty:limit:_:)`` matches the name. A client that asks for another is refused.
    public func namespace(_ name: String) -> Namespace { core.namespace(name) }

    /// The namespace `/`, which clients join that name none.
    public var root: Namespace { core.namespace("/") }

    var counters: DeliveryCounters { core.counters }

    /// The number of sessions, each one client's connection.
    public var sessionCount: Int { engine.sessionCount }

    /// Answers a request that belongs to this server: what `mount` routes here.
    public func respond(to request: Request) async throws -> Response {
        try await engine.answer(request).response()
    }

    /// Disconnects the clients as the server shuts down, each at a random moment within the time, so that they don't all
    /// come back at once; a client whose events are being handled at its moment, when they are. New sessions are refused
    /// meanwhile.
    /// A mounted server does this by itself, over `ServerConfiguration.shutdownSpread`.
    public func drain(over spread: Duration) async {
        await engine.drain(over: spread)
    }

    /// Disconnects every client, as the server shuts down, and admits none from here on.
    public func close() {
        engine.close(.serverShuttingDown)
    }
}

extension RouteBuilder {
    /// Mounts a realtime server: requests at the path, with or without a trailing slash, are its. The
    /// middleware of the application and of the group runs for them first, so what it refuses never becomes a
    /// session, and what it stores on the request is in the handshake.
    public func mount(_ realtime: Realtime, at path: String = "/socket.io") {
        let bare = path.hasSuffix("/") ? String(path.dropLast()) : path
        for variant in [bare, bare + "/"] where !variant.isEmpty {
            route.answering(variant) { request in try realtime.engine.answer(request) }
        }
        onDrain { spread in await realtime.drain(over: spread) }
        onShutdown { realtime.close() }
    }
}
