import CUV

/// Turns accepted sockets of one listener into connections with handlers.
final class Acceptor: Sendable {
    let origin: ConnectionOrigin
    let group: EventLoopGroup
    private let limit: Int
    private let noDelay: Bool
    private let makeHandler: @Sendable (any ByteStream) -> any ByteStreamHandler

    /// Linux spreads connections over the loops' own sockets; elsewhere one loop accepts for all.
    static var isOneSocketPerLoop: Bool {
        #if os(Linux)
            true
        #else
            false
        #endif
    }

    init(
        group: EventLoopGroup, options: TCPListenerOptions,
        makeHandler: @escaping @Sendable (any ByteStream) -> any ByteStreamHandler
    ) {
        self.group = group
        let limits = options.limits
        if let tls = options.tls {
            self.makeHandler = {
                TLSStream(over: $0, context: tls, limits: limits, makeHandler: makeHandler)
            }
            origin = ConnectionOrigin(limits: limits.below)
        } else {
            self.makeHandler = makeHandler
            origin = ConnectionOrigin(limits: limits)
        }
        limit = options.connectionLimit
        noDelay = options.noDelay
    }

    /// Takes over an accepted descriptor; called on the accepting loop.
    func adopt(_ descriptor: Int32, peer: SocketAddress?, on loop: EventLoop) {
        guard origin.admit(limit: limit) else { return systemClose(descriptor) }
        let target = Self.isOneSocketPerLoop ? loop : group.next()
        if target === loop { return open(descriptor, peer: peer, on: target) }
        let isTaken = target.execute { self.open(descriptor, peer: peer, on: target) }
        if !isTaken { refuse(descriptor) }
    }

    private func open(_ descriptor: Int32, peer: SocketAddress?, on loop: EventLoop) {
        guard !loop.isStopping else { return refuse(descriptor) }
        let connection = TCPConnection(loop: loop, origin: origin)
        connection.remoteAddress = peer
        do throws(TransportError) {
            try connection.attach(descriptor: descriptor)
        } catch {
            loop.logger.error("cannot serve a connection", metadata: ["error": "\(error)"])
            return
        }
        #if !os(Linux)
            // On Linux it is inherited from the listening socket.
            if noDelay { uv_tcp_nodelay(connection.handle, 1) }
        #endif
        connection.open(handler: makeHandler(connection))
    }

    private func refuse(_ descriptor: Int32) {
        systemClose(descriptor)
        origin.leave()
    }
}
