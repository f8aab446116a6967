/// Where a server listens, and what it expects there.
///
/// ```swift
/// try await app.run(on: [
///     .tcp(host: "::", port: 443),
///     .tcp(host: "::", port: 80).withoutTLS(),
///     .unix(path: "/run/app/http.sock"),
/// ])
/// ```
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    enum Place: Sendable, Hashable {
        case tcp(host: String, port: UInt16)
        case unix(path: String, permissions: UInt16)
        case inherited(descriptor: Int32)
        case systemd(name: String?)
    }

    let place: Place
    /// Nil leaves it to whether there are certificates.
    private(set) var usesTLS: Bool?
    private(set) var proxyProtocol: ProxyProtocol?

    private init(_ place: Place, usesTLS: Bool? = nil) {
        self.place = place
        self.usesTLS = usesTLS
    }

    /// A TCP port, with TLS where the server has certificates.
    ///
    /// - Parameters:
    ///   - host: a numeric address, a name, `localhost`, `0.0.0.0` for all of IPv4, or `::` for all of both.
    ///   - port: the port; 0 lets the system choose one.
    public static func tcp(host: String = "127.0.0.1", port: UInt16) -> ListenAddress {
        ListenAddress(.tcp(host: host, port: port))
    }

    /// A Unix domain socket, without TLS.
    ///
    /// A socket that was left behind, on which nobody listens, is replaced; any other file is not touched, and an error. The file
    /// is removed at shutdown, if it is still this socket's.
    ///
    /// - Parameters:
    ///   - path: of the socket's file; 107 bytes (macOS: 103) at most.
    ///   - permissions: the file's mode, whatever the process's umask; who may write to it may connect. They are set before
    ///     anybody can. 0o660 by default: the process's user and group.
    public static func unix(path: String, permissions: UInt16 = 0o660) -> ListenAddress {
        ListenAddress(.unix(path: path, permissions: permissions), usesTLS: false)
    }

    /// A socket that another process has opened and passed on: TCP or Unix, and listening. It is closed at shutdown.
    public static func inherited(descriptor: Int32) -> ListenAddress {
        ListenAddress(.inherited(descriptor: descriptor))
    }

    /// The sockets of that name (`FileDescriptorName=`) that systemd passes on (socket activation, `sd_listen_fds(3)`), or all
    /// that no other address has taken before.
    public static func systemd(name: String? = nil) -> ListenAddress {
        ListenAddress(.systemd(name: name))
    }

    /// The address as `tcp:[::1]:80`, `unix:/run/app.sock`, `inherited:3` or `systemd:name`.
    public var description: String {
        switch place {
        case .tcp(let host, let port): "tcp:\(host.contains(":") ? "[\(host)]" : host):\(port)"
        case .unix(let path, _): "unix:\(path)"
        case .inherited(let descriptor): "inherited:\(descriptor)"
        case .systemd(let name): name.map { "systemd:\($0)" } ?? "systemd"
        }
    }
}

extension ListenAddress {
    /// The same address in clear text, also where the server has certificates.
    public func withoutTLS() -> ListenAddress {
        var address = self
        address.usesTLS = false
        return address
    }

    /// The same address with TLS. Without certificates it can't be listened on.
    public func withTLS() -> ListenAddress {
        var address = self
        address.usesTLS = true
        return address
    }

    /// The same address behind proxies that begin each connection with a PROXY protocol header.
    public func withProxyProtocol(_ options: ProxyProtocol) -> ListenAddress {
        var address = self
        address.proxyProtocol = options
        return address
    }

    /// The certificates that connections to this address use.
    func tls(among context: TLSContext?) throws(TransportError) -> TLSContext? {
        if usesTLS == true, context == nil {
            throw .unusable(address: description, reason: "it is to use TLS, and there is no certificate")
        }
        return usesTLS == false ? nil : context
    }
}
