import Glibc
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct InheritedSocketTests {
    /// A socket as a parent would pass it on: blocking, and left open on exec.
    private func makeSocket(
        _ family: Int32 = AF_INET, kind: Int32 = Int32(SOCK_STREAM.rawValue), path: String? = nil,
        listens: Bool = true
    ) throws -> Int32 {
        let descriptor = socket(family, kind, 0)
        let address = path.map { SocketAddress(unixPath: $0) } ?? SocketAddress(host: "127.0.0.1", port: 0)
        let status = address?.withSocketAddress { bind(descriptor, $0, $1) } ?? -1
        guard status == 0, !listens || listen(descriptor, 100) == 0 else {
            throw SocketFailure(call: "bind", code: errno)
        }
        return descriptor
    }

    @Test func `a TCP socket serves on all loops, with the options of others`() async throws {
        try await withLoops(3) { group in
            let descriptor = try makeSocket()
            let accepted = Accepted()
            let listener = try await TCPListener.bind(.inherited(descriptor: descriptor), group: group) {
                stream in
                let handler = RecordingHandler()
                accepted.add(stream, handler)
                return handler
            }
            #expect(fcntl(descriptor, F_GETFD) == FD_CLOEXEC)
            let clients = try (0..<30).map { _ in try RawSocket(port: listener.localAddress.port) }
            try await eventually { accepted.all.count == 30 }
            for loop in group.loops { #expect(accepted.all.count { $0.loop === loop } == 10) }
            let connection = try #require(accepted.all[0] as? TCPConnection)
            let noDelay = try await connection.loop.run {
                var value: Int32 = -1
                var size = socklen_t(4)
                getsockopt(connection.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &value, &size)
                return value
            }
            #expect(noDelay == 1)
            await listener.close()
            #expect(throws: SocketFailure.self) { try RawSocket(port: listener.localAddress.port) }
            _ = clients
        }
    }

    @Test func `a Unix socket's file stays its owner's`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.sock"
        try await withLoops(2) { group in
            let descriptor = try makeSocket(AF_UNIX, path: path)
            let listener = try await TCPListener.bind(.inherited(descriptor: descriptor), group: group) { _ in
                EchoHandler()
            }
            #expect(listener.localAddress.description == "unix:\(path)")
            let client = try RawSocket(path: path)
            client.send("hello")
            #expect(try await blocking { client.receiveText(5) } == "hello")
            await listener.close()
            #expect(TemporaryFolder.mode(path) != nil)
        }
    }

    @Test func `what is no listening stream socket is a clear error`() async throws {
        try await withLoops { group in
            for (descriptor, reason) in [
                (Int32(-1), "it is not open"), (open("/dev/null", O_RDONLY), "it is no socket"),
                (try makeSocket(kind: Int32(SOCK_DGRAM.rawValue), listens: false), "it is no stream socket"),
                (try makeSocket(listens: false), "it does not listen"),
            ] {
                await #expect(
                    throws: TransportError.unusable(address: "descriptor \(descriptor)", reason: reason)
                ) {
                    try await TCPListener.bind(.inherited(descriptor: descriptor), group: group) { _ in
                        EchoHandler()
                    }
                }
            }
        }
    }

    // MARK: - systemd

    private func sockets(
        _ process: String?, _ count: String?, _ names: String?
    ) throws(TransportError) -> SystemdSockets {
        try SystemdSockets(process: process, count: count, names: names, ownProcess: 42)
    }

    @Test func `systemd's sockets are taken by their names, or all that are left`() throws {
        var named = try sockets("42", "4", "http:admin:http:")
        #expect(try named.take("http") == [3, 5])
        #expect(throws: TransportError.self) { try named.take("http") }
        #expect(try named.take(nil) == [4, 6])
        let error = #expect(throws: TransportError.self) { try named.take(nil) }
        #expect(error.map { "\($0)" } == "cannot listen on systemd: there is no socket left, but: none")
        var unnamed = try sockets("42", "2", nil)
        #expect(try unnamed.take("unknown") == [3, 4])
    }

    @Test(
        arguments: [
            (nil, "1", nil, "not set"), ("42", nil, nil, "not set"), ("41", "1", nil, "LISTEN_PID is 41"),
            ("42 ", "1", nil, "LISTEN_PID"), ("42", "0", nil, "LISTEN_FDS is 0"),
            ("42", "-1", nil, "LISTEN_FDS"),
            ("42", "99999999999", nil, "LISTEN_FDS"), ("42", "+1", nil, "LISTEN_FDS"),
            ("42", "2", "a", "1 names for 2 sockets"),
        ] as [(String?, String?, String?, String)])
    func `variables for another process, or without sense, are clear errors`(
        process: String?, count: String?, names: String?, reason: String
    ) {
        let error = #expect(throws: TransportError.self) { try sockets(process, count, names) }
        #expect(error.map { "\($0)".contains(reason) } == true)
    }
}
