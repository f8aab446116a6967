import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("Starting and stopping (H21)")
struct ShutdownTests {
    @Test("idle connections are closed, requests in flight finish and say so, nothing new is accepted")
    func graceful() async throws {
        let gate = Gate()
        let application = Application(logger: .silent)
        application.get("/wait") { _ async in
            await gate.wait()
            return "done"
        }
        application.get("/") { _ in "" }
        let server = try await application.start(port: 0)
        let idle = try RawClient(port: server.port)
        try await idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        _ = try await idle.read(until: "\r\n\r\n")
        let busy = try RawClient(port: server.port)
        try await busy.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        try await Task.sleep(for: .milliseconds(50))
        async let stopped: Void = server.shutdown(deadline: .seconds(5))
        #expect(try await idle.readToEnd() == "")
        #expect(throws: RawClient.Failure.self) { _ = try RawClient(port: server.port) }
        gate.open()
        let answer = try await busy.readToEnd()
        #expect(answer.content == "done")
        #expect(answer.contains("connection: close\r\n"))
        await stopped
    }

    @Test(
        "a request that crosses the shutdown is answered, and told that the connection ends",
        arguments: [0, 1])
    func crossing(requestsBefore: Int) async throws {
        let application = Application(logger: .silent)
        application.get("/") { _ in "answered" }
        let server = try await application.start(port: 0)
        let client = try RawClient(port: server.port)
        for _ in 0..<requestsBefore {
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await client.read(until: "answered")
        }
        try await Task.sleep(for: .milliseconds(50))
        async let stopped: Void = server.shutdown(deadline: .seconds(5))
        try await Task.sleep(for: .milliseconds(100))
        try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        let answer = try await client.readToEnd()
        #expect(answer.content == "answered" && answer.contains("connection: close\r\n"))
        await stopped
    }

    @Test("what isn't done by the deadline is cut off, and a hook that hangs too")
    func deadline() async throws {
        let application = Application(logger: .silent)
        application.get("/hang") { _ async in
            await Gate().wait()
            return ""
        }
        application.onShutdown { await Gate().wait() }
        let server = try await application.start(port: 0)
        let client = try RawClient(port: server.port)
        try await client.send("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        try await Task.sleep(for: .milliseconds(50))
        let elapsed = await ContinuousClock().measure { await server.shutdown(deadline: .milliseconds(200)) }
        #expect(elapsed < .seconds(3))
        await #expect(throws: RawClient.Failure.self) { _ = try await client.readToEnd() }
    }

    @Test("hooks run once, in their order, of groups too")
    func hooks() async throws {
        let order = Lock<[Int]>([])
        let application = Application(logger: .silent)
        application.onShutdown { order.withLock { $0.append(1) } }
        application.group("/group").onShutdown { order.withLock { $0.append(2) } }
        let server = try await application.start(port: 0)
        await server.shutdown()
        await server.shutdown()
        #expect(order.withLock { $0 } == [1, 2])
    }

    @Test("a port in use, and one that doesn't exist, are errors")
    func ports() async throws {
        let application = Application(logger: .silent)
        let server = try await application.start(port: 0)
        await #expect(throws: (any Error).self) { _ = try await application.start(port: server.port) }
        await #expect(throws: (any Error).self) { _ = try await application.start(port: 70000) }
        await server.shutdown()
    }
}
