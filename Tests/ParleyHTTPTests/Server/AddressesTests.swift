import Foundation
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite(.timeLimit(.minutes(2))) struct AddressesTests {
    private func application(_ configure: (inout ServerConfiguration) -> Void = { _ in }) -> Application {
        var configuration = ServerConfiguration()
        configuration.loopCount = 2
        configure(&configuration)
        let app = Application(configuration: configuration, logger: .silent)
        app.get("/") { request in "\(request.clientAddress.map { "\($0)" } ?? "-") \(request.scheme)" }
        return app
    }

    private func socketPath() -> String { "/tmp/parley-\(UInt32.random(in: .min ... .max)).sock" }

    @Test func `one application serves at several addresses, and shutting down ends all`() async throws {
        let path = socketPath()
        let server = try await application().start(on: [
            .unix(path: path), .tcp(port: 0), .tcp(host: "localhost", port: 0),
        ])
        #expect(server.address == SocketAddress(unixPath: path))
        #expect(server.addresses.count >= 3 && server.port == Int(server.addresses[1].port))
        for address in server.addresses.dropFirst() where !address.isIPv6 {
            let client = try RawClient(port: Int(address.port))
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(try await client.readToEnd().content.hasPrefix("127.0.0.1:"))
        }
        await server.shutdown(deadline: .seconds(5))
        #expect(!FileManager.default.fileExists(atPath: path))
        for address in server.addresses.dropFirst() where !address.isIPv6 {
            #expect(throws: RawClient.Failure.self) { try RawClient(port: Int(address.port)) }
        }
    }

    @Test func `an address that can't be listened on closes the others`() async throws {
        let path = socketPath()
        let first = try await application().start(port: 0)
        await #expect(throws: TransportError.self) {
            try await application().start(on: [.unix(path: path), .tcp(port: UInt16(first.port))])
        }
        #expect(!FileManager.default.fileExists(atPath: path))
        await #expect(throws: TransportError.self) { try await application().start(on: []) }
        await first.shutdown(deadline: .zero)
    }

    @Test func `maximumConnections counts the connections of all addresses`() async throws {
        let server = try await application { $0.maximumConnections = 2 }.start(on: [
            .tcp(port: 0), .tcp(port: 0),
        ])
        let ports = server.addresses.map { Int($0.port) }
        let clients = try ports.map { try RawClient(port: $0) }
        while server.connectionCount < 2 { try await Task.sleep(for: .milliseconds(2)) }
        for port in ports { #expect(try await RawClient(port: port).readToEnd() == "") }
        _ = clients
        await server.shutdown(deadline: .zero)
    }

    @Test func `a proxied client's address and scheme are the request's`() async throws {
        let proxy = ProxyProtocol(trusting: [.loopback])
        let server = try await application().start(on: [.tcp(port: 0).withProxyProtocol(proxy)])
        let client = try RawClient(port: server.port)
        try await client.send(
            "PROXY TCP6 2001:db8::1 ::1 4711 443\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(try await client.readToEnd().content == "[2001:db8::1]:4711 http")
        await server.shutdown(deadline: .zero)
    }
}
