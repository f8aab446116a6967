import Foundation
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct UnixSocketTests {
    private func listen(
        _ path: String, permissions: UInt16 = 0o660, options: TCPListenerOptions = TCPListenerOptions(),
        group: EventLoopGroup
    ) async throws -> TCPListener {
        try await TCPListener.bind(
            .unix(path: path, permissions: permissions), options: options, group: group
        ) {
            _ in EchoHandler()
        }
    }

    private func echoes(_ path: String) async throws -> Bool {
        let client = try RawSocket(path: path)
        client.send("hello")
        return try await blocking { client.receiveText(5) } == "hello"
    }

    @Test func `serves, with the mode that was asked for, and removes its file`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.sock"
        try await withLoops { group in
            for mode in [0o600, 0o666] as [UInt16] {
                let listener = try await listen(path, permissions: mode, group: group)
                #expect(listener.localAddress == SocketAddress(unixPath: path))
                #expect(TemporaryFolder.mode(path) == Int(mode))
                #expect(try await echoes(path))
                await listener.close()
                #expect(TemporaryFolder.mode(path) == nil)
                await listener.close()
            }
        }
    }

    @Test func `connections spread evenly over the loops, and know that their peer has no name`() async throws
    {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.sock"
        try await withLoops(3) { group in
            let accepted = Accepted()
            let listener = try await TCPListener.bind(.unix(path: path), group: group) { stream in
                let handler = RecordingHandler()
                accepted.add(stream, handler)
                return handler
            }
            let clients = try (0..<30).map { _ in try RawSocket(path: path) }
            try await eventually { accepted.all.count == 30 }
            for loop in group.loops { #expect(accepted.all.count { $0.loop === loop } == 10) }
            let stream = accepted.all[0]
            #expect(stream.remoteAddress == SocketAddress(unixPath: ""))
            let connection = try #require(stream as? TCPConnection)
            #expect(try await stream.loop.run { connection.localAddress } == listener.localAddress)
            _ = clients
        }
    }

    @Test func `a socket on which nobody listens any more is replaced`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.sock"
        try leaveSocket(path)
        try await withLoops { group in
            _ = try await listen(path, group: group)
            #expect(try await echoes(path))
        }
    }

    @Test func `a socket on which somebody listens is in use`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.sock"
        try await withLoops { group in
            let first = try await listen(path, group: group)
            let error = await #expect(throws: TransportError.self) { try await listen(path, group: group) }
            #expect(error?.isAddressInUse == true && "\(error!)".contains(path))
            #expect(try await echoes(path))
            await first.close()
        }
    }

    @Test func `another file is not touched`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/precious"
        try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
        symlink(path, folder.path + "/link")
        try await withLoops { group in
            for path in [path, folder.path + "/link", folder.path] {
                let error = await #expect(throws: TransportError.self) {
                    try await listen(path, group: group)
                }
                #expect("\(error!)" == "cannot listen on unix:\(path): the file exists and is no socket")
            }
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    }

    @Test func `at the end only its own file is removed`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.sock"
        try await withLoops { group in
            let listener = try await listen(path, group: group)
            unlink(path)
            let other = try await listen(path, group: group)
            await listener.close()
            #expect(try await echoes(path))
            await other.close()
            #expect(TemporaryFolder.mode(path) == nil)
        }
    }

    @Test(arguments: [0, 108, 500]) func `a path that is too long is a clear error`(length: Int) async throws
    {
        let path = String(repeating: "x", count: length)
        try await withLoops { group in
            let error = await #expect(throws: TransportError.self) { try await listen(path, group: group) }
            #expect("\(error!)".hasSuffix("a path has 1 to 107 bytes, this one \(length)"))
        }
        let folder = try TemporaryFolder()
        let longest = folder.path + "/" + String(repeating: "y", count: 106 - folder.path.utf8.count)
        try await withLoops { group in
            _ = try await listen(longest, group: group)
            #expect(try await echoes(longest))
        }
    }

    @Test func `a folder that is missing is a clear error`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/none/a.sock"
        try await withLoops { group in
            await #expect(throws: TransportError.system(operation: "bind unix:\(path)", code: ENOENT)) {
                try await listen(path, group: group)
            }
        }
    }

    @Test func `a limit is one for all listeners that share a budget`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a.sock"
        try await withLoops(2) { group in
            var options = TCPListenerOptions()
            options.maxConnections = 3
            options.budget = ConnectionBudget()
            let unix = try await listen(path, options: options, group: group)
            let tcp = try await TCPListener.bind(host: "127.0.0.1", port: 0, options: options, group: group) {
                _ in
                EchoHandler()
            }
            var clients = try (0..<2).map { _ in try RawSocket(path: path) }
            clients.append(try RawSocket(port: tcp.localAddress.port))
            try await eventually { unix.connectionCount == 2 && tcp.connectionCount == 1 }
            let refused = [try RawSocket(path: path), try RawSocket(port: tcp.localAddress.port)]
            for socket in refused { #expect(try await blocking { socket.receive() } == []) }
            clients.removeFirst()
            try await eventually { unix.connectionCount == 1 }
            let late = try RawSocket(port: tcp.localAddress.port)
            late.send("x")
            #expect(try await blocking { late.receiveText(1) } == "x")
        }
    }

    /// A socket's file without the socket.
    private func leaveSocket(_ path: String) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        let status = SocketAddress(unixPath: path).withSocketAddress { bind(descriptor, $0, $1) }
        guard status == 0, listenOn(descriptor) == 0 else { throw SocketFailure(call: "bind", code: errno) }
    }

    private func listenOn(_ descriptor: Int32) -> Int32 { Glibc.listen(descriptor, 1) }
}
