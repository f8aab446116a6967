#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The file of a Unix domain socket that this process listens on.
struct UnixSocketFile {
    private let path: String
    private let identity: Identity

    /// Which file a path leads to.
    private struct Identity: Equatable {
        let device: UInt64
        let number: UInt64

        init?(_ path: String) {
            guard let status = Self.status(path) else { return nil }
            device = UInt64(truncatingIfNeeded: status.st_dev)
            number = UInt64(truncatingIfNeeded: status.st_ino)
        }

        static func status(_ path: String) -> stat? {
            var status = stat()
            return lstat(path, &status) == 0 ? status : nil
        }
    }

    /// Binds a socket to a path and listens.
    ///
    /// Nobody can connect between `bind` and `listen`, and the mode is set there: with it there is no moment at which somebody
    /// gets in who should not.
    static func listen(
        at path: String, permissions: UInt16, options: TCPListenerOptions
    ) throws(TransportError) -> (descriptor: Int32, file: UnixSocketFile) {
        let address = SocketAddress(unixPath: path)
        guard address.withSocketAddress({ _, _ in true }) != nil, !path.isEmpty else {
            throw .unusable(
                address: "\(address)",
                reason: "a path has 1 to \(SocketAddress.unixPathLimit) bytes, this one \(path.utf8.count)")
        }
        let descriptor = try ListenSocketFactory.unbound(AF_UNIX)
        do throws(TransportError) {
            try ListenSocketFactory.configure(descriptor, options, isTCP: false)
            try bind(descriptor, to: address, path)
            guard let identity = Identity(path) else {
                throw .system(operation: "look at \(path)", code: errno)
            }
            let file = UnixSocketFile(path: path, identity: identity)
            do throws(TransportError) {
                try checkCall(chmod(path, mode_t(permissions)), "set the permissions of \(path)")
                try checkCall(Self.systemListen(descriptor, options.backlog), "listen on \(address)")
            } catch {
                file.remove()
                throw error
            }
            return (descriptor, file)
        } catch {
            systemClose(descriptor)
            throw error
        }
    }

    /// Removes the file unless it is another one by now. While the socket is open no other file can get its number: call this
    /// before the socket is closed.
    func remove() {
        if Identity(path) == identity { unlink(path) }
    }

    private static func systemListen(_ descriptor: Int32, _ backlog: Int32) -> Int32 {
        #if canImport(Glibc)
            Glibc.listen(descriptor, backlog)
        #else
            Darwin.listen(descriptor, backlog)
        #endif
    }

    private static func bind(
        _ descriptor: Int32, to address: SocketAddress, _ path: String
    ) throws(TransportError) {
        do throws(TransportError) {
            try ListenSocketFactory.bindSocket(descriptor, to: address)
        } catch  where error.isAddressInUse {
            try removeStale(path, address, inUse: error)
            try ListenSocketFactory.bindSocket(descriptor, to: address)
        }
    }

    /// Removes a socket on which nobody listens.
    private static func removeStale(
        _ path: String, _ address: SocketAddress, inUse: TransportError
    ) throws(TransportError) {
        guard let status = Identity.status(path), let identity = Identity(path) else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw .unusable(address: "\(address)", reason: "the file exists and is no socket")
        }
        guard isAbandoned(address) else { throw inUse }
        // Another server that starts now has bound its socket and listens at once.
        usleep(20_000)
        guard isAbandoned(address), Identity(path) == identity else { throw inUse }
        guard unlink(path) == 0 || errno == ENOENT else {
            throw .system(operation: "remove the stale socket \(path)", code: errno)
        }
    }

    /// True when a connection is refused, as it is by nobody who listens.
    private static func isAbandoned(_ address: SocketAddress) -> Bool {
        guard let probe = try? ListenSocketFactory.unbound(AF_UNIX) else { return false }
        defer { systemClose(probe) }
        let status = address.withSocketAddress { connect(probe, $0, $1) } ?? 0
        return status == -1 && (errno == ECONNREFUSED || errno == ENOENT)
    }
}
