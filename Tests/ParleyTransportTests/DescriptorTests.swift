import Foundation
import Testing

@testable import ParleyTransport

// Descriptors are counted for the whole process: each of these tests runs in a process of its own.
@Suite(.timeLimit(.minutes(2))) struct DescriptorTests {
    private static func openDescriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }

    @Test func `a group that shut down with connections open leaves no descriptor behind`() async {
        await #expect(processExitsWith: .success) {
            // libuv's thread pool and the resolver keep what they opened on first use.
            try await withLoops { _ = try await $0.next().offload { 1 } }
            let before = try Self.openDescriptors()
            for _ in 0..<5 {
                let group = try EventLoopGroup(count: 2)
                let server = try await Server.start(on: group)
                let clients = try (0..<50).map { _ in try RawSocket(port: server.port) }
                try await eventually { server.accepted.all.count == 50 }
                for (index, stream) in server.accepted.all.enumerated() {
                    if index % 5 == 0 { stream.send(pattern(3_000_000).span) }
                    if index % 5 == 1 { stream.close(linger: .seconds(20)) }
                    if index % 5 == 2 { stream.reset() }
                }
                _ = try? await TCPConnection.connect(to: "127.0.0.1", port: 1, on: group.next()) { _ in
                    EchoHandler()
                }
                await group.shutdown()
                withExtendedLifetime(clients) {}
            }
            let after = try Self.openDescriptors()
            guard after == before else { fatalError("\(before) descriptors before, \(after) after") }
        }
    }

    @Test func `when descriptors run out connections are refused, and served again when there are some`()
        async
    {
        await #expect(processExitsWith: .success) {
            try await withLoops { group in
                let server = try await Server.start(on: group) { handler, _ in
                    handler.onReceive = { bytes, stream in stream.send(bytes.span) }
                    handler.onEnd = { $0.close(linger: .zero) }
                }
                let port = server.port
                let first = try RawSocket(port: port)
                try await eventually { server.listener.connectionCount == 1 }
                // The client's socket takes the last descriptor, and the server's side has none.
                let used = try Self.openDescriptors()
                var hoard: [Int32] = []
                var limit = rlimit()
                getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                let usual = limit.rlim_cur
                limit.rlim_cur = rlim_t(used + 40)
                setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                while case let fd = dup(0), fd >= 0 { hoard.append(fd) }
                if let last = hoard.popLast() { close(last) }
                let refused = try RawSocket(port: port)
                guard refused.receive()?.isEmpty ?? true else { fatalError("served without a descriptor") }
                first.send("x")
                guard first.receiveText(1) == "x" else { fatalError("an open connection suffered") }
                for fd in hoard { close(fd) }
                limit.rlim_cur = usual
                setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                let late = try RawSocket(port: port)
                late.send("y")
                guard late.receiveText(1) == "y" else { fatalError("did not recover") }
            }
        }
    }

    @Test func `10,000 connections that come and go, some by RST, leave nothing behind`() async {
        await #expect(processExitsWith: .success) {
            try await withLoops { group in
                let listener = try await TCPListener.bind(host: "127.0.0.1", port: 0, group: group) { _ in
                    EchoHandler()
                }
                let port = listener.localAddress.port
                let before = try Self.openDescriptors()
                for index in 0..<10_000 {
                    let client = try RawSocket(port: port)
                    if index % 2 == 0 { client.resetOnClose() }
                    if index % 3 == 0 { client.send("x") }
                }
                try await eventually { listener.connectionCount == 0 }
                let loop = group.next()
                try await eventually {
                    try await loop.run { loop.openResources == 1 && loop.timers.count == 0 }
                }
                guard try Self.openDescriptors() == before else { fatalError("descriptors leaked") }
            }
        }
    }
}
