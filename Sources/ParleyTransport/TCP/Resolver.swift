import CUV

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Finds the addresses of a host name, on libuv's thread pool.
final class Resolver {
    typealias Completion = (Result<[SocketAddress], TransportError>) -> Void

    private let loop: EventLoop
    private let host: String
    private let port: UInt16
    private let completion: Completion
    private let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)

    private init(loop: EventLoop, host: String, port: UInt16, completion: @escaping Completion) {
        self.loop = loop
        self.host = host
        self.port = port
        self.completion = completion
    }

    deinit {
        request.deallocate()
    }

    /// What needs no resolver: numeric addresses, with or without brackets, and `localhost` (RFC 6761, 6.3).
    static func knownAddresses(of host: String, port: UInt16) -> [SocketAddress]? {
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        let plain = isBracketed ? String(host.dropFirst().dropLast()) : host
        if let address = SocketAddress(host: plain, port: port) { return [address] }
        guard host.lowercased() == "localhost" else { return nil }
        return ["127.0.0.1", "::1"].compactMap { SocketAddress(host: $0, port: port) }
    }

    /// Calls the completion on the loop, inline when the addresses are known.
    static func resolve(
        _ host: String, port: UInt16, passive: Bool, on loop: EventLoop, completion: @escaping Completion
    ) {
        if let known = knownAddresses(of: host, port: port) { return completion(.success(known)) }
        Resolver(loop: loop, host: host, port: port, completion: completion).start(passive: passive)
    }

    static func addresses(
        of host: String, port: UInt16, passive: Bool, on loop: EventLoop
    ) async throws -> [SocketAddress] {
        if let known = knownAddresses(of: host, port: port) { return known }
        return try await withCheckedThrowingContinuation { continuation in
            let isQueued = loop.execute {
                resolve(host, port: port, passive: passive, on: loop) { continuation.resume(with: $0) }
            }
            if !isQueued { continuation.resume(throwing: TransportError.loopStopped) }
        }
    }

    private func start(passive: Bool) {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        hints.ai_flags = passive ? AI_PASSIVE : 0
        request.pointee.data = Unmanaged.passRetained(self).toOpaque()
        loop.resourceOpened()
        let status = uv_getaddrinfo(
            loop.handles.loop, request,
            { request, status, list in
                guard let data = request?.pointee.data else { return }
                Unmanaged<Resolver>.fromOpaque(data).takeUnretainedValue().finish(status, list)
            }, host, nil, &hints)
        if status < 0 { finish(status, nil) }
    }

    private func finish(_ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?) {
        defer { Unmanaged.passUnretained(self).release() }
        loop.resourceClosed()
        var addresses: [SocketAddress] = []
        var entry = list
        while let current = entry {
            let length = current.pointee.ai_addrlen
            if let address = current.pointee.ai_addr.flatMap({ SocketAddress($0, length: length) }) {
                addresses.append(address.withPort(port))
            }
            entry = current.pointee.ai_next
        }
        uv_freeaddrinfo(list)
        guard status == 0, !addresses.isEmpty else {
            let reason = status == 0 ? "it has no address" : SystemError.text(uv: status)
            return completion(.failure(.unresolved(host: host, reason: reason)))
        }
        completion(.success(addresses))
    }
}
