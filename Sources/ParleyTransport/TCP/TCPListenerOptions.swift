#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How a ``TCPListener`` listens, and what its connections are like.
public struct TCPListenerOptions: Sendable {
    /// Connections that the kernel keeps until they are accepted, for each loop; the kernel has a limit of its
    /// own (`net.core.somaxconn`). 1,024 by default.
    public var backlog: Int32 = 1024
    /// Sends small messages at once (`TCP_NODELAY`; TCP only). True by default.
    public var noDelay = true
    /// Makes every connection a TLS connection with these certificates: the listener's accept handler then gets a
    /// ``TLSStream``, once the handshake is done. Nil, the default, serves plain TCP.
    public var tls: TLSContext?
    /// Bounds of what waits to be sent.
    public var limits = StreamLimits()
    /// Connections that may be open at once; further ones are accepted and closed. Nil, the default, stands for
    /// the process's limit of file descriptors less 64.
    public var maxConnections: Int?
    /// Listeners with the same one count their connections together.
    package var budget: ConnectionBudget?
    /// How long sent bytes may stay unacknowledged before the kernel gives the connection up
    /// (`TCP_USER_TIMEOUT`, Linux only); the kernel's default when nil.
    public var userTimeout: Duration?
    /// Lets other processes (of the same user) listen on the same port, so that the kernel spreads connections
    /// over them. False by default: a port in use is an error.
    public var sharesPort = false
    /// The size of the kernel's send buffer in bytes (`SO_SNDBUF`); the kernel chooses when nil.
    public var sendBufferSize: Int32?
    /// The size of the kernel's receive buffer in bytes (`SO_RCVBUF`); the kernel chooses when nil.
    public var receiveBufferSize: Int32?

    /// The defaults.
    public init() {}

    /// The limit of connections in force, as the process's limits are now.
    var connectionLimit: Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let status = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #else
            let status = getrlimit(RLIMIT_NOFILE, &limit)
        #endif
        let descriptors = status == 0 ? Int(clamping: limit.rlim_cur) : 1024
        return min(maxConnections ?? .max, max(1, descriptors - 64))
    }
}
