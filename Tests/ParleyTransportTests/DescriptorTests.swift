import Foundation
import Testing

@testable import ParleyTransport

// Descriptors are counted for the whole process: each of these tests runs in a process of its own.
@Suite(.timeLimit(.minutes(2))) struct DescriptorTests {
    struct Failure: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    /// A process that throws would die of a trap: this one says why, and `show` reads it.
    private static func reportingErrors(_ body: () async throws -> Void) async {
        do {
            try await body()
        } catch {
            FileHandle.standardError.write(Data("failed: \(error)\n".utf8))
        }
    }

    /// What every open descriptor refers to; but timers, which are the Swift runtime's.
    private static func openDescriptors() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }.filter { !$0.contains("timerfd") }.sorted()
    }

    /// Opens what the thread pool, the resolver and the runtime's timers keep from their first use on.
    private static func warmUp() async throws {
        try await withLoops { _ = try await $0.next().offload { 1 } }
        try await Task.sleep(for: .milliseconds(1))
    }

    @Test func `a group that shut down with connections open leaves no descriptor behind`() async {
        let outcome = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            await Self.reportingErrors {
                try await Self.warmUp()
                let before = try Self.openDescriptors()
                let large = pattern(3_000_000)
                for _ in 0..<5 {
                    let group = try EventLoopGroup(count: 2)
                    let server = try await Server.start(on: group)
                    let clients = try (0..<50).map { _ in try RawSocket(port: server.port) }
                    try await eventually { server.accepted.all.count == 50 }
                    for (index, stream) in server.accepted.all.enumerated() {
                        if index % 5 == 0 { stream.send(large.span) }
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
                guard after.count == before.count else { throw Failure("\(before) before, \(after) after") }
            }
        }
        show(outcome)
    }

    @Test func `when descriptors run out connections are refused, and served again when there are some`()
        async
    {
        let outcome = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            await Self.reportingErrors {
                try await withLoops { group in
                    let server = try await Server.start(on: group) { handler, _ in
                        handler.onReceive = { bytes, stream in stream.send(bytes.span) }
                        handler.onEnd = { $0.close(linger: .zero) }
                    }
                    let port = server.port
                    let first = try RawSocket(port: port)
                    try await eventually { server.listener.connectionCount == 1 }
                    // The client's socket takes the last descriptor, and the server's side has none.
                    let used = try Self.openDescriptors().count
                    var hoard: [Int32] = []
                    var limit = rlimit()
                    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                    let usual = limit.rlim_cur
                    limit.rlim_cur = rlim_t(used + 40)
                    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                    while case let fd = dup(0), fd >= 0 { hoard.append(fd) }
                    if let last = hoard.popLast() { close(last) }
                    let refused = try RawSocket(port: port)
                    guard refused.receive()?.isEmpty ?? true else {
                        throw Failure("served without a descriptor")
                    }
                    first.send("x")
                    guard first.receiveText(1) == "x" else { throw Failure("an open connection suffered") }
                    for fd in hoard { close(fd) }
                    limit.rlim_cur = usual
                    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                    let late = try RawSocket(port: port)
                    late.send("y")
                    guard late.receiveText(1) == "y" else { throw Failure("did not recover") }
                }
            }
        }
        let log = show(outcome)
        #expect(log.components(separatedBy: "cannot accept connections").count == 2, "logged once a second")
    }

    @Test func `10,000 connections that come and go, some by RST, leave nothing behind`() async {
        let outcome = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            await Self.reportingErrors {
                try await withLoops { group in
                    let listener = try await TCPListener.bind(host: "127.0.0.1", port: 0, group: group) { _ in
                        EchoHandler()
                    }
                    let port = listener.localAddress.port
                    try await Self.warmUp()
                    // libuv keeps a descriptor of its own from a loop's first socket on.
                    let first = try RawSocket(port: port)
                    first.send("x")
                    guard first.receiveText(1) == "x" else { throw Failure("not served") }
                    let before = try Self.openDescriptors()
                    for index in 0..<10_000 {
                        let client = try RawSocket(port: port)
                        if index % 2 == 0 { client.resetOnClose() }
                        if index % 3 == 0 { client.send("x") }
                    }
                    try await eventually { listener.connectionCount == 1 }
                    let loop = group.next()
                    try await eventually {
                        try await loop.run { loop.openResources == 2 && loop.timers.count == 0 }
                    }
                    let after = try Self.openDescriptors()
                    guard after.count == before.count else {
                        throw Failure("\(before) before, \(after) after")
                    }
                }
            }
        }
        show(outcome)
    }

    /// Tells why the other process failed, and returns what it logged.
    @discardableResult
    private func show(_ outcome: ExitTest.Result?) -> String {
        let text = String(decoding: outcome?.standardErrorContent ?? [], as: UTF8.self)
        #expect(!text.contains("failed:"))
        return text
    }
}
