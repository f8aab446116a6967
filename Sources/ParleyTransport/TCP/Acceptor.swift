/// Turns accepted sockets of one listener into connections with handlers.
final class Acceptor: Sendable {
    let origin: ConnectionOrigin
    let group: EventLoopGroup
    private let limit: Int
    private let noDelay: Bool
    private let proxyProtocol: ProxyProtocol?
    /// True when each loop serves what it accepts; otherwise one loop accepts for all, and hands out in turn.
    private let isOneSocketPerLoop: Bool
    private let makeHandler: @Sendable (any ByteStream) -> any ByteStreamHandler

    init(
        group: EventLoopGroup, options: TCPListenerOptions, proxyProtocol: ProxyProtocol?,
        isOneSocketPerLoop: Bool,
        makeHandler: @escaping @Sendable (any ByteStream) -> any ByteStreamHandler
    ) {
        self.group = group
        self.proxyProtocol = proxyProtocol
        self.isOneSocketPerLoop = isOneSocketPerLoop
        let limits = options.limits
        if let tls = options.tls {
            self.makeHandler = {
                TLSStream(over: $0, context: tls, limits: limits, makeHandler: makeHandler)
            }
            origin = ConnectionOrigin(limits: limits.below, budget: options.budget)
        } else {
            self.makeHandler = makeHandler
            origin = ConnectionOrigin(limits: limits, budget: options.budget)
        }
        limit = options.connectionLimit
        noDelay = options.noDelay
    }

    /// Takes over an accepted descriptor; called on the accepting loop.
    func adopt(_ descriptor: Int32, peer: SocketAddress?, on loop: EventLoop) {
        guard !isUnwelcome(peer), origin.admit(limit: limit) else { return systemClose(descriptor) }
        let target = isOneSocketPerLoop ? loop : group.next()
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
            if noDelay, peer?.isUnix != true { ListenSocketFactory.setNoDelay(descriptor) }
        #endif
        connection.open(handler: firstHandler(of: connection))
    }

    private func isUnwelcome(_ peer: SocketAddress?) -> Bool {
        guard let proxyProtocol, proxyProtocol.strangers == .closed else { return false }
        return !proxyProtocol.trusts(peer)
    }

    private func firstHandler(of connection: TCPConnection) -> any ByteStreamHandler {
        guard let proxyProtocol, proxyProtocol.trusts(connection.remoteAddress) else {
            return makeHandler(connection)
        }
        return ProxyHeaderReader(connection: connection, options: proxyProtocol, makeHandler: makeHandler)
    }

    private func refuse(_ descriptor: Int32) {
        systemClose(descriptor)
        origin.leave()
    }
}
