import CUV

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Makes the sockets that listeners listen on. Accepted sockets inherit their options.
enum ListenSocketFactory {
    /// A bound socket that does not listen yet.
    ///
    /// - Parameter isShared: whether other sockets may be bound to the same port. A listener binds its first
    ///   socket alone, so that a port in use is found, and shares the port only then.
    static func bound(
        to address: SocketAddress, options: TCPListenerOptions, isShared: Bool
    ) throws(TransportError) -> Int32 {
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let descriptor = try unbound(family)
        do throws(TransportError) {
            try set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            if address.isIPv6 {
                // `::` takes IPv4 too; any other address is IPv6's alone anyway.
                try set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, address.host == "::" ? 0 : 1)
            }
            if isShared { try share(descriptor) }
            try configure(descriptor, options, isTCP: true)
            try bindSocket(descriptor, to: address)
            return descriptor
        } catch {
            systemClose(descriptor)
            throw error
        }
    }

    /// Lets further sockets be bound to the port of this one, which is bound already or not.
    static func share(_ descriptor: Int32) throws(TransportError) {
        try set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1)
    }

    static func bindSocket(_ descriptor: Int32, to address: SocketAddress) throws(TransportError) {
        try checkCall(address.withSocketAddress { bind(descriptor, $0, $1) } ?? -1, "bind \(address)")
    }

    /// A non-blocking socket.
    static func unbound(_ family: Int32) throws(TransportError) -> Int32 {
        try checkCall(newSocket(family), "create a socket")
    }

    private static func newSocket(_ family: Int32) -> Int32 {
        #if canImport(Glibc)
            let kind =
                Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            return socket(family, kind, 0)
        #else
            let descriptor = socket(family, SOCK_STREAM, 0)
            if descriptor >= 0 { makeNonblocking(descriptor) }
            return descriptor
        #endif
    }

    static func configure(
        _ descriptor: Int32, _ options: TCPListenerOptions, isTCP: Bool
    ) throws(TransportError) {
        if let size = options.sendBufferSize { try set(descriptor, SOL_SOCKET, SO_SNDBUF, size) }
        if let size = options.receiveBufferSize { try set(descriptor, SOL_SOCKET, SO_RCVBUF, size) }
        guard isTCP else { return }
        if options.noDelay { try set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
        #if os(Linux)
            if let timeout = options.userTimeout {
                let milliseconds = Int32(clamping: timeout.wholeMilliseconds)
                try set(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, milliseconds)
            }
        #endif
    }

    private static func set(
        _ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32
    ) throws(TransportError) {
        var value = value
        let status = setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        try checkCall(status, "set socket option \(option)")
    }

    /// What is sent is to leave at once; a socket that can't do so serves all the same.
    static func setNoDelay(_ descriptor: Int32) {
        try? set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// Accepts a connection as a non-blocking socket, and tells its peer's address.
    static func accept(_ descriptor: Int32) -> (descriptor: Int32, peer: SocketAddress?) {
        var accepted: Int32 = -1
        let peer = SocketAddress.reported { address, length in
            #if canImport(Glibc)
                let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
                accepted = accept4(descriptor, address, length, flags)
            #else
                accepted = Darwin.accept(descriptor, address, length)
                if accepted >= 0 { makeNonblocking(accepted) }
            #endif
            return accepted
        }
        return (accepted, peer)
    }

    #if canImport(Darwin)
        private static func makeNonblocking(_ descriptor: Int32) {
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    #endif
}
