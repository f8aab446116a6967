import Glibc
import Logging
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct TCPListenerTests {
    private func listen(
        _ host: String = "127.0.0.1", _ port: UInt16 = 0, options: TCPListenerOptions = TCPListenerOptions(),
        group: EventLoopGroup
    ) async throws -> TCPListener {
        try await TCPListener.bind(host: host, port: port, options: options, group: group) { _ in
            EchoHandler()
        }
    }

    @Test func `port 0 is one port for all loops, and each loop serves`() async throws {
        try await withLoops(3) { group in
            let server = try await Server.start(on: group)
            #expect(server.port != 0)
            let clients = try (0..<200).map { _ in try RawSocket(port: server.port) }
            try await eventually { server.accepted.all.count == 200 }
            for loop in group.loops { #expect(server.accepted.all.contains { $0.loop === loop }) }
            _ = clients
        }
    }

    @Test(arguments: [
        ("127.0.0.1", ["127.0.0.1"]), ("::1", ["::1"]), ("[::1]", ["::1"]),
        ("localhost", ["127.0.0.1", "::1"]),
        ("0.0.0.0", ["127.0.0.1"]), ("::", ["::1", "127.0.0.1"]),
    ]) func `listens on IPv4, IPv6, both and localhost`(host: String, reachable: [String]) async throws {
        try await withLoops(2) { group in
            let listener = try await listen(host, group: group)
            let port = listener.localAddress.port
            #expect(listener.localAddresses.allSatisfy { $0.port == port })
            for address in reachable {
                let client = try RawSocket(port: port, host: address)
                client.send("hello")
                #expect(try await blocking { client.receiveText(5) } == "hello")
            }
        }
    }

    @Test(arguments: [1, 2]) func `a port in use is an error, whoever uses it`(loops: Int) async throws {
        try await withLoops(loops) { group in
            let first = try await listen(group: group)
            let port = first.localAddress.port
            for host in ["127.0.0.1", "0.0.0.0"] {
                do {
                    _ = try await listen(host, port, group: group)
                    Issue.record("two listeners on one port")
                } catch let error as TransportError {
                    #expect(error.isAddressInUse)
                    #expect("\(error)" == "bind \(host):\(port): address already in use (EADDRINUSE)")
                }
            }
            await first.close()
            let second = try await listen("127.0.0.1", port, group: group)
            #expect(second.localAddress.port == port)
        }
    }

    @Test func `listeners that ask for it share a port`() async throws {
        try await withLoops { group in
            var options = TCPListenerOptions()
            options.sharesPort = true
            let first = try await listen(options: options, group: group)
            let second = try await listen(
                "127.0.0.1", first.localAddress.port, options: options, group: group)
            #expect(first.localAddress == second.localAddress)
        }
    }

    @Test func `addresses that cannot be listened on are clear errors`() async throws {
        try await withLoops { group in
            await #expect(throws: TransportError.system(operation: "bind 192.0.2.1:0", code: EADDRNOTAVAIL)) {
                _ = try await listen("192.0.2.1", group: group)
            }
            await #expect(throws: TransportError.self) {
                _ = try await listen("no.such.host.invalid", group: group)
            }
        }
    }

    @Test func `accepted sockets have TCP_NODELAY and the options of the listener`() async throws {
        try await withLoops { group in
            var options = TCPListenerOptions()
            options.userTimeout = .seconds(20)
            let server = try await Server.start(on: group, options: options)
            let client = try RawSocket(port: server.port)
            let (stream, _) = try await server.accepted.first()
            let connection = try #require(stream as? TCPConnection)
            let values = try await stream.loop.run {
                [TCP_NODELAY, TCP_USER_TIMEOUT].map { option in
                    var value: Int32 = -1
                    var size = socklen_t(4)
                    getsockopt(connection.descriptor, Int32(IPPROTO_TCP), option, &value, &size)
                    return value
                }
            }
            #expect(values == [1, 20_000])
            #expect(stream.remoteAddress?.host == "127.0.0.1" && !stream.isSecure)
            #expect(try await stream.loop.run { connection.localAddress } == server.listener.localAddress)
            _ = client
        }
    }

    @Test func `connections beyond the limit are closed, and admitted again when others are gone`()
        async throws
    {
        try await withLoops(2) { group in
            var options = TCPListenerOptions()
            options.maxConnections = 3
            let listener = try await listen(options: options, group: group)
            let port = listener.localAddress.port
            var clients = try (0..<3).map { _ in try RawSocket(port: port) }
            try await eventually { listener.connectionCount == 3 }
            let refused = try RawSocket(port: port)
            #expect(try await blocking { refused.receive() } == [])
            #expect(listener.connectionCount == 3)
            clients.removeLast()
            try await eventually { listener.connectionCount == 2 }
            let late = try RawSocket(port: port)
            late.send("x")
            #expect(try await blocking { late.receiveText(1) } == "x")
        }
    }

    @Test func `close serves the connections that the kernel had completed, and then refuses`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let listener = try await listen(group: group)
            let port = listener.localAddress.port
            let isBlocked = Shared(false)
            loop.execute {
                isBlocked.value.withLock { $0 = true }
                usleep(200_000)
            }
            try await eventually { isBlocked.value.withLock { $0 } }
            let clients = try (0..<10).map { _ in try RawSocket(port: port) }
            await listener.close()
            await listener.close()
            for client in clients {
                client.send("x")
                #expect(try await blocking { client.receiveText(1) } == "x")
            }
            #expect(throws: SocketFailure.self) { try RawSocket(port: port) }
        }
    }
}
