package import ParleyTransport

/// Serves an application to connections that are nothing but memory: the same decoders, limits, timers and upgrades as behind
/// a socket, for tests.
///
/// Sound as `Sendable`: the connections are touched on the loop only.
package final class MemoryServer: @unchecked Sendable {
    /// The one loop on which everything happens.
    package let loop: EventLoop

    private let group: EventLoopGroup
    private let server: HTTPServerLoop
    private let hooks: ShutdownHooks
    private var connections: [ObjectIdentifier: MemoryStream] = [:]

    /// - Parameter prepare: called on the loop, before it has timers.
    package init(
        _ application: Application, prepare: @escaping @Sendable (EventLoop) -> Void = { _ in }
    ) async throws {
        group = try EventLoopGroup(count: 1, name: "parley-test", logger: application.logger)
        loop = group.loops[0]
        server = HTTPServerLoop(
            loop: loop, configuration: application.configuration,
            responder: Responder(scope: application.scope, logger: application.logger))
        hooks = application.scope.hooks
        let loop = loop
        try await loop.run { prepare(loop) }
    }

    /// Opens a connection, and returns the client's end of it.
    ///
    /// - Parameters:
    ///   - handler: receives what the server sends. It is called on the loop.
    ///   - address: what requests have as their peer's address.
    package func connect(
        _ handler: any ByteStreamHandler & Sendable, from address: SocketAddress?
    ) async throws -> any ByteStream {
        try await loop.run { [self] in
            let limits = server.configuration.streamLimits
            let (client, serving) = MemoryStream.pair(on: loop, clientAddress: address, limits: limits)
            client.handler = handler
            serving.handler = server.accept(serving)
            connections = connections.filter { $0.value.handler != nil }
            connections[ObjectIdentifier(serving)] = serving
            return client
        }
    }

    /// Shuts down as a server does: hooks first, then every connection says goodbye; what is left is reset.
    package func shutdown() async {
        try? await loop.run { [self] in server.beginShutdown() }
        for hook in hooks.take() { await hook() }
        try? await loop.run { [self] in
            for stream in connections.values { stream.handler?.shutDown(stream, spread: .zero) }
        }
        try? await loop.run { [self] in
            for stream in connections.values { stream.reset() }
            connections = [:]
        }
        await group.shutdown()
    }
}
