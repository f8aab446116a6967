/// Accepts connections on the loops of a group: of a TCP port, a Unix domain socket, or sockets of another process.
public final class TCPListener: Sendable {
    /// All addresses that are listened on, at least one: `localhost` stands for both the IPv4 and the IPv6 one.
    public let localAddresses: [SocketAddress]
    /// The address that is listened on, with the port that the system chose when 0 was asked for.
    public var localAddress: SocketAddress { localAddresses[0] }

    private let sockets: [(loop: EventLoop, socket: ListeningSocket)]
    private let acceptor: Acceptor
    /// What is left to be removed.
    private let file: Lock<UnixSocketFile?>

    private init(bound: BoundSockets, acceptor: Acceptor) {
        localAddresses = bound.addresses
        file = Lock(bound.file)
        self.acceptor = acceptor
        let loops = acceptor.group.loops
        sockets = bound.descriptors.enumerated().map { index, descriptor in
            // Which loop accepts for all, where one does, is left to chance.
            let loop = bound.isOnePerLoop ? loops[index % loops.count] : acceptor.group.next()
            let socket = ListeningSocket(
                loop: loop, descriptor: descriptor, acceptor: acceptor, isListening: bound.isListening)
            return (loop, socket)
        }
    }

    /// Connections that were accepted and are not yet closed.
    public var connectionCount: Int { acceptor.origin.liveCount }

    /// Listens on a TCP port: on Linux with one socket a loop, among which the kernel spreads the connections.
    ///
    /// - Parameters:
    ///   - host: a numeric address, a name, `localhost`, `0.0.0.0` for all of IPv4, or `::` for all of both.
    ///   - port: the port; 0 lets the system choose one, which ``localAddress`` then tells.
    ///   - options: see ``TCPListenerOptions``.
    ///   - group: the loops that serve the connections.
    ///   - acceptHandler: called on a new connection's loop for the handler of its events.
    /// - Throws: ``TransportError``; see ``TransportError/isAddressInUse``.
    public static func bind(
        host: String, port: UInt16, options: TCPListenerOptions = TCPListenerOptions(), group: EventLoopGroup,
        acceptHandler: @escaping @Sendable (any ByteStream) -> any ByteStreamHandler
    ) async throws -> TCPListener {
        try await bind(
            .tcp(host: host, port: port), options: options, group: group, acceptHandler: acceptHandler)
    }

    /// Listens on an address of any kind. Where the loops can't have a socket each, one of them accepts, and hands the
    /// connections out to all in turn.
    ///
    /// - Parameters:
    ///   - address: the address, which says whether ``TCPListenerOptions/tls`` is used there.
    ///   - options: see ``TCPListenerOptions``.
    ///   - group: the loops that serve the connections.
    ///   - acceptHandler: called on a new connection's loop for the handler of its events.
    /// - Throws: ``TransportError``; see ``TransportError/isAddressInUse``.
    public static func bind(
        _ address: ListenAddress, options: TCPListenerOptions = TCPListenerOptions(), group: EventLoopGroup,
        acceptHandler: @escaping @Sendable (any ByteStream) -> any ByteStreamHandler
    ) async throws -> TCPListener {
        var options = options
        options.tls = try address.tls(among: options.tls)
        let bound = try await sockets(for: address, options: options, group: group)
        let acceptor = Acceptor(
            group: group, options: options, proxyProtocol: address.proxyProtocol,
            isOneSocketPerLoop: bound.isOnePerLoop, makeHandler: acceptHandler)
        let listener = TCPListener(bound: bound, acceptor: acceptor)
        let backlog = options.backlog
        do {
            for (loop, socket) in listener.sockets {
                try await loop.run { try socket.start(backlog: backlog) }
            }
        } catch {
            await listener.close()
            throw error
        }
        return listener
    }

    private static func sockets(
        for address: ListenAddress, options: TCPListenerOptions, group: EventLoopGroup
    ) async throws -> BoundSockets {
        switch address.place {
        case .tcp(let host, let port):
            let addresses = try await Resolver.addresses(
                of: host, port: port, passive: true, on: group.next())
            return try BoundSockets(tcp: addresses, loops: group.loops.count, options: options)
        case .unix(let path, let permissions):
            return try BoundSockets(unix: path, permissions: permissions, options: options)
        case .inherited(let descriptor):
            return try BoundSockets(inherited: [descriptor], options: options)
        case .systemd(let name):
            return try BoundSockets(inherited: SystemdSockets.take(name), options: options)
        }
    }

    /// Stops accepting. Connections that the kernel had completed are still served; open ones are not touched.
    /// Calling it again is harmless.
    public func close() async {
        // Before the sockets, so that nobody comes to one that is about to close.
        file.withLock { $0.take() }?.remove()
        for (loop, socket) in sockets {
            // A stopped loop has closed its sockets already.
            try? await loop.run { socket.close(draining: true) }
        }
    }

    /// Asks the handlers of all open connections to finish and to close; see ``ByteStreamHandler/shutDown(_:spread:)``.
    /// It does not wait for that: ``connectionCount`` tells how many are left.
    public func shutDownConnections(spread: Duration = .zero) async {
        for loop in acceptor.group.loops {
            try? await loop.run { [origin = acceptor.origin] in
                for connection in loop.connections where connection.origin === origin {
                    connection.handler?.shutDown(connection, spread: spread)
                }
            }
        }
    }
}
