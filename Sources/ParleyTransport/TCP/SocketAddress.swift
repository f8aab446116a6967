import CUV

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The address of a socket: an IPv4 or IPv6 address with a port, or the path of a Unix domain socket.
///
/// It is kept as the bytes that the system gave, and formatted only when its text is asked for.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    enum Storage: Sendable, Hashable {
        /// The address in host byte order.
        case internet4(UInt32)
        /// The address's halves in host byte order, and the scope (interface index) of a link-local one.
        case internet6(high: UInt64, low: UInt64, scope: UInt32)
        case unix(String)
    }

    let storage: Storage
    /// The port number; 0 for a Unix domain socket.
    public let port: UInt16

    init(storage: Storage, port: UInt16) {
        self.storage = storage
        self.port = port
    }

    /// A numeric IPv4 or IPv6 address (`127.0.0.1`, `::1`, without brackets). Nil when the text is neither;
    /// names are not resolved.
    public init?(host: String, port: UInt16) {
        var four = in_addr()
        if uv_inet_pton(AF_INET, host, &four) == 0 {
            self.init(storage: .internet4(UInt32(bigEndian: four.s_addr)), port: port)
            return
        }
        var six = in6_addr()
        guard uv_inet_pton(AF_INET6, host, &six) == 0 else { return nil }
        self.init(six: six, scope: 0, port: port)
    }

    /// The path of a Unix domain socket.
    public init(unixPath: String) {
        self.init(storage: .unix(unixPath), port: 0)
    }

    private init(six: in6_addr, scope: UInt32, port: UInt16) {
        let halves = unsafeBitCast(six, to: (UInt64, UInt64).self)
        self.init(
            storage: .internet6(
                high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1), scope: scope),
            port: port)
    }

    /// The address in a system structure of at least the size that its family needs; nil for another family.
    ///
    /// - Parameter length: the bytes that the system has filled in, by which the path of a Unix domain socket ends.
    init?(_ address: UnsafePointer<sockaddr>, length: socklen_t) {
        let raw = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            let four = raw.loadUnaligned(as: sockaddr_in.self)
            self.init(
                storage: .internet4(UInt32(bigEndian: four.sin_addr.s_addr)),
                port: UInt16(bigEndian: four.sin_port))
        case AF_INET6:
            let six = raw.loadUnaligned(as: sockaddr_in6.self)
            self.init(six: six.sin6_addr, scope: six.sin6_scope_id, port: UInt16(bigEndian: six.sin6_port))
        case AF_UNIX:
            self.init(unixPath: Self.path(in: raw, length: Int(length)))
        default:
            return nil
        }
    }

    /// The address without its port: `127.0.0.1`, `::1`, or the path of a Unix domain socket.
    public var host: String {
        switch storage {
        case .internet4(let address):
            var bytes = address.bigEndian
            return Self.text(family: AF_INET, &bytes)
        case .internet6(let high, let low, _):
            var bytes = (high.bigEndian, low.bigEndian)
            return Self.text(family: AF_INET6, &bytes)
        case .unix(let path):
            return path
        }
    }

    /// The address as a URL writes it: `127.0.0.1:80`, `[::1]:80`, `unix:/run/app.sock`.
    public var description: String {
        switch storage {
        case .internet4: return "\(host):\(port)"
        case .internet6: return "[\(host)]:\(port)"
        case .unix(let path): return "unix:\(path)"
        }
    }

    /// True for a Unix domain socket.
    public var isUnix: Bool {
        if case .unix = storage { return true }
        return false
    }

    /// True for an IPv6 address.
    public var isIPv6: Bool {
        if case .internet6 = storage { return true }
        return false
    }

    /// The same address as IPv4 when it is an IPv4 one mapped into IPv6 (`::ffff:192.0.2.1`), as a socket that
    /// listens on `::` reports IPv4 peers (RFC 4291, section 2.5.5.2); otherwise unchanged.
    public var unmapped: SocketAddress {
        guard case .internet6(0, let low, _) = storage, low >> 32 == 0xFFFF else { return self }
        return SocketAddress(storage: .internet4(UInt32(truncatingIfNeeded: low)), port: port)
    }

    /// True for 127.0.0.0/8, `::1`, and Unix domain sockets.
    public var isLoopback: Bool {
        switch unmapped.storage {
        case .internet4(let address): return address >> 24 == 127
        case .internet6(let high, let low, _): return high == 0 && low == 1
        case .unix: return true
        }
    }

    /// The address without port, scope, and the bits of an IPv6 address behind so many: what a client's addresses have in
    /// common. An IPv4 one mapped into IPv6 is an IPv4 one.
    package func network(ofIPv6Bits bits: Int) -> SocketAddress {
        guard case .internet6(let high, let low, _) = unmapped.storage else { return unmapped.withPort(0) }
        let masks = (UInt64.max << (64 - min(bits, 64)), UInt64.max << (128 - max(bits, 64)))
        return SocketAddress(storage: .internet6(high: high & masks.0, low: low & masks.1, scope: 0), port: 0)
    }

    func withPort(_ port: UInt16) -> SocketAddress {
        SocketAddress(storage: storage, port: port)
    }

    private static func text(family: Int32, _ bytes: UnsafeRawPointer) -> String {
        // INET6_ADDRSTRLEN, with its final NUL.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { buffer in
            guard let start = buffer.baseAddress, uv_inet_ntop(family, bytes, start, buffer.count) == 0 else {
                return ""
            }
            return String(cString: start)
        }
    }
}

extension SocketAddress {
    /// Calls the body with the address as the system wants it; nil, without a call, for a path that is too long or has a NUL.
    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result? {
        switch storage {
        case .internet4(let address):
            var four = sockaddr_in()
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = port.bigEndian
            four.sin_addr.s_addr = address.bigEndian
            return Self.rebound(&four, body)
        case .internet6(let high, let low, let scope):
            var six = sockaddr_in6()
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_port = port.bigEndian
            six.sin6_addr = unsafeBitCast((high.bigEndian, low.bigEndian), to: in6_addr.self)
            six.sin6_scope_id = scope
            return Self.rebound(&six, body)
        case .unix(let path):
            guard path.utf8.count <= Self.unixPathLimit, !path.utf8.contains(0) else { return nil }
            var unix = sockaddr_un()
            unix.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &unix.sun_path) { $0.copyBytes(from: path.utf8) }
            return Self.rebound(&unix, body)
        }
    }

    /// The bytes that a path may have: a NUL follows it.
    static var unixPathLimit: Int { MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1 }

    /// The path of a Unix domain socket: empty for one without a name, as clients are; `@` stands for the NUL of an abstract one
    /// (Linux).
    private static func path(in address: UnsafeRawPointer, length: Int) -> String {
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        let count = min(length - offset, unixPathLimit + 1)
        guard count > 0 else { return "" }
        let bytes = UnsafeRawBufferPointer(start: address + offset, count: count)
        guard bytes[0] == 0 else { return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
        let name = bytes.dropFirst()
        return name.allSatisfy { $0 == 0 } ? "" : "@" + String(decoding: name, as: UTF8.self)
    }

    private static func rebound<Address, Result>(
        _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                body(rebound, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }

    /// The address that a call like `getsockname` fills in.
    static func reported(
        by call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                call(rebound, &length) >= 0 ? SocketAddress(rebound, length: length) : nil
            }
        }
    }
}
