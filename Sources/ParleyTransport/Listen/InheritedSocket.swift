#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Sockets that another process opened.
enum InheritedSocket {
    /// Makes a listening stream socket ready for a listener, and tells its address. The descriptor stays the caller's when
    /// that fails.
    static func adopt(
        _ descriptor: Int32, options: TCPListenerOptions
    ) throws(TransportError) -> SocketAddress {
        func unusable(_ reason: String) -> TransportError {
            .unusable(address: "descriptor \(descriptor)", reason: reason)
        }
        guard fcntl(descriptor, F_GETFD) != -1 else { throw unusable("it is not open") }
        guard let kind = option(descriptor, SO_TYPE) else { throw unusable("it is no socket") }
        guard kind == streamKind else { throw unusable("it is no stream socket") }
        guard option(descriptor, SO_ACCEPTCONN) == 1 else { throw unusable("it does not listen") }
        guard let address = SocketAddress.reported(by: { getsockname(descriptor, $0, $1) }) else {
            throw unusable("it is neither a TCP nor a Unix domain socket")
        }
        closeOnExec(descriptor)
        let flags = fcntl(descriptor, F_GETFL)
        try checkCall(fcntl(descriptor, F_SETFL, flags | O_NONBLOCK), "set O_NONBLOCK")
        try ListenSocketFactory.configure(descriptor, options, isTCP: !address.isUnix)
        return address
    }

    static func closeOnExec(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    private static var streamKind: Int32 {
        #if canImport(Glibc)
            Int32(SOCK_STREAM.rawValue)
        #else
            SOCK_STREAM
        #endif
    }

    private static func option(_ descriptor: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }
}
