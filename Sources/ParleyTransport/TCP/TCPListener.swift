#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Accepts TCP connections on the loops of a group.
public final class TCPListener: Sendable {
    /// The address that is listened on, with the port that the system chose when 0 was asked for.
    public let localAddress: SocketAddress
    /// All addresses that are listened on: `localhost` stands for both the IPv4 and the IPv6 one.
    public let localAddresses: [SocketAddress]

    private let sockets: [(loop: EventLoop, socket: ListeningSocket)]
    private let acceptor: Acceptor

    private init(
        addresses: [SocketAddress], first: SocketAddress,
        sockets: [(loop: EventLoop, socket: ListeningSocket)],
        acceptor: Acceptor
    ) {
        localAddresses = addresses
        localAddress = first
        self.sockets = sockets
        self.acceptor = acceptor
    }

    /// Connections that were accepted and are not yet closed.
    public var connectionCount: Int { acceptor.origin.liveCount }

    /// Listens on an address: on Linux with one socket a loop, among which the kernel spreads the connections.
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
        let addresses = try await Resolver.addresses(of: host, port: port, passive: true, on: group.next())
        let acceptor = Acceptor(group: group, options: options, makeHandler: acceptHandler)
        let loops = Acceptor.isOneSocketPerLoop ? group.loops : Array(group.loops.prefix(1))
        let bound = try BoundSockets(addresses: addresses, count: loops.count, options: options)
        let sockets = bound.descriptors.enumerated().map { index, descriptor in
            let loop = loops[index % loops.count]
            return (
                loop: loop,
                socket: ListeningSocket(loop: loop, descriptor: descriptor, acceptor: acceptor)
            )
        }
        let listener = TCPListener(
            addresses: bound.addresses, first: bound.first, sockets: sockets, acceptor: acceptor)
        do {
            for (loop, socket) in sockets {
                try await loop.run { try socket.start(backlog: options.backlog) }
            }
        } catch {
            await listener.close()
            throw error
        }
        return listener
    }

    /// Stops accepting. Connections that the kernel had completed are still served; open ones are not touched.
    /// Calling it again is harmless.
    public func close() async {
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

/// The sockets of one listener: for each address as many as asked for, all on one port.
struct BoundSockets {
    private(set) var descriptors: [Int32] = []
    private(set) var addresses: [SocketAddress] = []
    let first: SocketAddress

    init(addresses: [SocketAddress], count: Int, options: TCPListenerOptions) throws(TransportError) {
        var sockets: [Int32] = []
        var bound: [SocketAddress] = []
        do throws(TransportError) {
            for address in addresses {
                let port = bound.first?.port ?? address.port
                do throws(TransportError) {
                    bound.append(
                        try Self.bind(address.withPort(port), count: count, options: options, into: &sockets))
                } catch {
                    // A machine without IPv6 still has a `localhost`.
                    guard !bound.isEmpty, error.isAddressMissing else { throw error }
                }
            }
        } catch {
            for socket in sockets { systemClose(socket) }
            throw error
        }
        guard let first = bound.first else {
            throw .unresolved(host: "", reason: "no address to listen on")
        }
        self.first = first
        self.descriptors = sockets
        self.addresses = bound
    }

    private static func bind(
        _ address: SocketAddress, count: Int, options: TCPListenerOptions, into sockets: inout [Int32]
    ) throws(TransportError) -> SocketAddress {
        let isAlone = count == 1 && !options.sharesPort
        let first = try ListenSocketFactory.bound(to: address, options: options, isShared: options.sharesPort)
        sockets.append(first)
        if !isAlone { try ListenSocketFactory.share(first) }
        guard let bound = SocketAddress.reported(by: { getsockname(first, $0, $1) }) else {
            throw .system(operation: "getsockname", code: errno)
        }
        for _ in 1..<count {
            sockets.append(try ListenSocketFactory.bound(to: bound, options: options, isShared: true))
        }
        return bound
    }
}

extension TransportError {
    /// The machine does not have that address, or not that family of addresses.
    var isAddressMissing: Bool {
        guard case .system(_, let code) = self else { return false }
        return code == EADDRNOTAVAIL || code == EAFNOSUPPORT
    }
}
