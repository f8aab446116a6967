#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The sockets of one listener, bound and not yet watched.
struct BoundSockets {
    private(set) var descriptors: [Int32] = []
    private(set) var addresses: [SocketAddress] = []
    /// What is to be removed in the end.
    private(set) var file: UnixSocketFile?
    /// True when each loop has a socket of its own, among which the kernel spreads the connections; otherwise one loop accepts
    /// for all.
    private(set) var isOnePerLoop = false
    /// True when the sockets listen already.
    private(set) var isListening = false

    /// TCP: for each address one socket a loop, all on one port.
    init(
        tcp addresses: [SocketAddress], loops: Int, options: TCPListenerOptions
    ) throws(TransportError) {
        guard !addresses.isEmpty else { throw .unresolved(host: "", reason: "no address to listen on") }
        isOnePerLoop = Self.canSharePorts
        do throws(TransportError) {
            for address in addresses {
                let port = self.addresses.first?.port ?? address.port
                do throws(TransportError) {
                    try bind(address.withPort(port), count: isOnePerLoop ? loops : 1, options)
                } catch {
                    // A machine without IPv6 still has a `localhost`.
                    guard !self.addresses.isEmpty, error.isAddressMissing else { throw error }
                }
            }
        } catch {
            close()
            throw error
        }
    }

    /// A Unix domain socket. There is no SO_REUSEPORT for these.
    init(unix path: String, permissions: UInt16, options: TCPListenerOptions) throws(TransportError) {
        let (descriptor, file) = try UnixSocketFile.listen(
            at: path, permissions: permissions, options: options)
        self.file = file
        descriptors = [descriptor]
        addresses = [SocketAddress(unixPath: path)]
        isListening = true
    }

    /// Sockets of another process. They are closed when one of them can't be used.
    init(inherited descriptors: [Int32], options: TCPListenerOptions) throws(TransportError) {
        self.descriptors = descriptors
        isListening = true
        do throws(TransportError) {
            for descriptor in descriptors {
                addresses.append(try InheritedSocket.adopt(descriptor, options: options))
            }
        } catch {
            close()
            throw error
        }
    }

    /// Linux spreads connections over sockets of one port; elsewhere one loop accepts for all.
    private static var canSharePorts: Bool {
        #if os(Linux)
            true
        #else
            false
        #endif
    }

    /// Gives everything up.
    private mutating func close() {
        for descriptor in descriptors { systemClose(descriptor) }
        descriptors = []
    }

    private mutating func bind(
        _ address: SocketAddress, count: Int, _ options: TCPListenerOptions
    ) throws(TransportError) {
        let isAlone = count == 1 && !options.sharesPort
        let first = try ListenSocketFactory.bound(to: address, options: options, isShared: options.sharesPort)
        descriptors.append(first)
        if !isAlone { try ListenSocketFactory.share(first) }
        guard let bound = SocketAddress.reported(by: { getsockname(first, $0, $1) }) else {
            throw .system(operation: "getsockname", code: errno)
        }
        for _ in 1..<count {
            descriptors.append(try ListenSocketFactory.bound(to: bound, options: options, isShared: true))
        }
        addresses.append(bound)
    }
}

extension TransportError {
    /// The machine does not have that address, or not that family of addresses.
    fileprivate var isAddressMissing: Bool {
        guard case .system(_, let code) = self else { return false }
        return code == EADDRNOTAVAIL || code == EAFNOSUPPORT
    }
}
