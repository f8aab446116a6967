import Glibc
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct ConnectTests {
    @Test(arguments: ["127.0.0.1", "localhost"]) func `a client connects and talks`(host: String) async throws
    {
        try await withLoops(2) { group in
            let listener = try await TCPListener.bind(host: "127.0.0.1", port: 0, group: group) { _ in
                EchoHandler()
            }
            let handler = RecordingHandler()
            let connection = try await TCPConnection.connect(
                to: host, port: listener.localAddress.port, on: group.next()
            ) { _ in handler }
            send("hello", on: connection)
            try await eventually { handler.received == Array("hello".utf8) }
            #expect(connection.remoteAddress == listener.localAddress)
            connection.close(linger: .seconds(5))
            try await eventually { handler.reason == .closed && listener.connectionCount == 0 }
        }
    }

    @Test func `the next address is tried when one refuses`() async throws {
        try await withLoops { group in
            // `localhost` is 127.0.0.1 first, where nothing listens.
            let listener = try await TCPListener.bind(host: "::1", port: 0, group: group) { _ in EchoHandler()
            }
            let connection = try await TCPConnection.connect(
                to: "localhost", port: listener.localAddress.port, on: group.next()
            ) { _ in EchoHandler() }
            #expect(connection.remoteAddress?.host == "::1")
        }
    }

    @Test func `a refused connection is an error, and leaves nothing open`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let listener = try await TCPListener.bind(host: "127.0.0.1", port: 0, group: group) { _ in
                EchoHandler()
            }
            let port = listener.localAddress.port
            await listener.close()
            await #expect(
                throws: TransportError.system(
                    operation: "connect to 127.0.0.1, port \(port)", code: ECONNREFUSED)
            ) {
                try await TCPConnection.connect(to: "127.0.0.1", port: port, on: loop) { _ in EchoHandler() }
            }
            await #expect(throws: TransportError.self) {
                try await TCPConnection.connect(to: "no.such.host.invalid", port: 1, on: loop) { _ in
                    EchoHandler()
                }
            }
            try await eventually { try await loop.run { loop.openResources == 0 && loop.connectors.isEmpty } }
        }
    }

    /// A listener whose backlog is full: the kernel drops further connection requests, so that they hang.
    private final class FullBacklog {
        let port: UInt16
        private var descriptors: [Int32] = []

        init() throws {
            let listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            descriptors = [listening]
            let address = SocketAddress(storage: .internet4(0x7F00_0001), port: 0)
            _ = address.withSocketAddress { bind(listening, $0, $1) }
            listen(listening, 0)
            let bound = try #require(SocketAddress.reported { getsockname(listening, $0, $1) })
            port = bound.port
            for _ in 0..<8 {
                let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
                _ = bound.withSocketAddress { connect(filler, $0, $1) }
                descriptors.append(filler)
            }
            usleep(50_000)
        }

        deinit { for descriptor in descriptors { close(descriptor) } }
    }

    @Test func `a connection that is not answered times out`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let full = try FullBacklog()
            let start = ContinuousClock.now
            await #expect(
                throws: TransportError.timedOut(
                    operation: "connect to 127.0.0.1, port \(full.port)")
            ) {
                try await TCPConnection.connect(
                    to: "127.0.0.1", port: full.port, on: loop, timeout: .milliseconds(200)
                ) { _ in EchoHandler() }
            }
            #expect(ContinuousClock.now - start >= .milliseconds(199))
            try await eventually { try await loop.run { loop.openResources == 0 } }
        }
    }

    @Test func `a cancelled task gives its connection up`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let full = try FullBacklog()
            let port = full.port
            let task = Task {
                try await TCPConnection.connect(to: "127.0.0.1", port: port, on: loop) { _ in EchoHandler() }
            }
            try await Task.sleep(for: .milliseconds(50))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await eventually { try await loop.run { loop.openResources == 0 } }
        }
    }

    @Test func `a loop that stops gives its connections up`() async throws {
        let group = try EventLoopGroup(count: 1)
        let full = try FullBacklog()
        let port = full.port
        let loop = group.next()
        let task = Task {
            try await TCPConnection.connect(to: "127.0.0.1", port: port, on: loop) { _ in EchoHandler() }
        }
        try await Task.sleep(for: .milliseconds(50))
        await group.shutdown()
        await #expect(throws: TransportError.loopStopped) { try await task.value }
    }
}
