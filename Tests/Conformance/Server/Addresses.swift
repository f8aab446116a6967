import ArgumentParser
import Parley

/// Where the server listens beside or instead of its port, and which proxies it believes.
struct Addresses: ParsableArguments {
    @Option(
        help: """
            `tcp:PORT`, `unix:PATH`, `fd:NUMBER`, `systemd` or `systemd:NAME`, instead of --host and --port; `,clear`, `,tls`, \
            `,proxy` behind it change what is expected there.
            """)
    var address: [String] = []
    @Option(help: "Proxies that may send PROXY headers to addresses with `,proxy`.") var proxyFrom: [String] =
        []
    @Flag(help: "Serves others there under their own addresses.") var serveStrangers = false
    @Option(help: "For a PROXY header.") var proxyTimeout: Int?
    @Option(help: "The connections of all addresses together.") var maximumConnections: Int?
    @Option(help: "Proxies whose forwarded fields count: a network, `unix`, `loopback` or `private`.")
    var trust: [String] = []
    @Option(help: "`x-forwarded` or `forwarded`.") var forwardedKind = "x-forwarded"
    @Option(help: "The proxies that there are at most.") var hops: Int?
    @Flag(help: "Takes host and port from trusted proxies too.") var forwardedHost = false
}

extension Addresses {
    /// The addresses, or the port.
    func all(host: String, port: Int) throws -> [ListenAddress] {
        guard !address.isEmpty else { return [.tcp(host: host, port: UInt16(clamping: port))] }
        return try address.map { try parse($0, host: host) }
    }

    private func parse(_ text: String, host: String) throws -> ListenAddress {
        let words = text.split(separator: ",").map(String.init)
        let parts = words[0].split(separator: ":", maxSplits: 1).map(String.init)
        let value = parts.count == 2 ? parts[1] : nil
        var address: ListenAddress
        switch (parts[0], value) {
        case ("tcp", let port?): address = .tcp(host: host, port: UInt16(port) ?? 0)
        case ("unix", let path?): address = .unix(path: path)
        case ("fd", let number?): address = .inherited(descriptor: Int32(number) ?? -1)
        case ("systemd", let name): address = .systemd(name: name)
        default: throw ValidationError("no address: \(text)")
        }
        if words.contains("clear") { address = address.withoutTLS() }
        if words.contains("tls") { address = address.withTLS() }
        if words.contains("proxy") { address = address.withProxyProtocol(try proxyProtocol) }
        return address
    }

    private var proxyProtocol: ProxyProtocol {
        get throws {
            var options = ProxyProtocol(trusting: try proxyFrom.map(range))
            if serveStrangers { options.strangers = .servedAsItself }
            if let proxyTimeout { options.headerTimeout = .milliseconds(proxyTimeout) }
            return options
        }
    }

    /// Nil where no proxy is trusted.
    var forwardedHeaders: ForwardedHeaders? {
        get throws {
            guard !trust.isEmpty else { return nil }
            return ForwardedHeaders(
                trusting: try trust.map(range), hops: hops,
                kind: forwardedKind == "forwarded" ? .forwarded : .xForwarded,
                parts: forwardedHost ? [.scheme, .host, .port] : .scheme)
        }
    }

    private func range(_ text: String) throws -> AddressRange {
        switch text {
        case "unix": .unix
        case "loopback": .loopback
        case "private": .privateNetworks
        default: try AddressRange(text)
        }
    }
}
