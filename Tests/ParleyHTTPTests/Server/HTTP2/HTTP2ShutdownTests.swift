import HTTP2Peer
import Logging
import ParleyTransport
import ServiceLifecycle
import Testing

@testable import ParleyHTTP

@Suite("Shutting down HTTP/2, WebSockets, and as a service (H21)")
struct HTTP2ShutdownTests {
    private func start(
        _ gate: Gate, _ configure: (inout ServerConfiguration) -> Void = { _ in }
    ) async throws
        -> RunningServer
    {
        var configuration = ServerConfiguration()
        configuration.loopCount = 1
        configure(&configuration)
        let application = Application(configuration: configuration, logger: .silent)
        application.get("/wait") { _ async in
            await gate.wait()
            return "done"
        }
        application.get("/hello") { _ in "hello" }
        // Clients that keep their sockets open shall not hold the tests up.
        var options = WebSocketOptions()
        options.closeTimeout = .milliseconds(200)
        application.webSocket("/ws", options: options) { socket in
            for try await message in socket { try await socket.send(message) }
        }
        return try await application.start(port: 0)
    }

    @Test("two GOAWAY frames, a round trip apart; what is in flight is answered")
    func goAway() async throws {
        let gate = Gate()
        let server = try await start(gate)
        let client = try HTTP2Client(server)
        let waiting = client.peer.request("GET", "/wait")
        try await client.run { $0.settings[8] == 1 }
        async let stopped: Void = server.shutdown(deadline: .seconds(5))
        // Without an answer to the PING: it was read, but isn't sent.
        while client.peer.goAways.isEmpty { _ = client.peer.receive(try await client.raw.read()) }
        #expect(client.peer.goAways == [.init(code: 0, lastStream: .max, text: "")])
        try await client.run { $0.goAways.count == 2 }
        #expect(client.peer.goAways[1] == .init(code: 0, lastStream: waiting, text: ""))
        gate.open()
        #expect(try await client.finish(waiting).text == "done")
        try await client.runToEnd()
        await stopped
    }

    @Test("WebSockets say goodbye with 1001, over both versions")
    func webSockets() async throws {
        let server = try await start(Gate())
        let client = try HTTP2Client(server)
        let stream = try await client.openWebSocket("/ws")
        let plain = try await WebSocketClient(server, "/ws")
        async let stopped: Void = server.shutdown(deadline: .seconds(5))
        try await client.run { $0.streams[stream]?.content.count == 4 }
        #expect(client.peer.streams[stream]?.content == [0x88, 2, 0x03, 0xE9])
        client.send(8, [0x03, 0xE9], on: stream, isLast: true)
        try await client.runToEnd()
        let goodbye = try await plain.read()
        #expect(goodbye.opcode == 8 && Array(goodbye.payload.prefix(2)) == [0x03, 0xE9])
        try await plain.send(8, [0x03, 0xE9])
        await stopped
    }

    @Test("a WebSocket that is opened behind the notice says goodbye too")
    func lateWebSocket() async throws {
        let server = try await start(Gate())
        let client = try HTTP2Client(server)
        let first = try await client.openWebSocket("/ws")
        // What crosses the notice: it was sent before it is read.
        let second = client.peer.request(
            raw: [
                (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/ws"),
                (":authority", "localhost"), ("sec-websocket-version", "13"),
            ], content: [], isLast: false)
        let crossing = client.peer.output()
        async let stopped: Void = server.shutdown(deadline: .seconds(5))
        try await Task.sleep(for: .milliseconds(100))
        try await client.raw.send(crossing)
        try await client.run { $0.streams[second]?.content.count == 4 }
        #expect(client.peer.streams[second]?.content == [0x88, 2, 0x03, 0xE9])
        for stream in [first, second] { client.send(8, [0x03, 0xE9], on: stream, isLast: true) }
        try await client.runToEnd()
        await stopped
    }

    @Test("the notice goes out before its PING, and a request that had begun is answered in either version")
    func notice() async throws {
        let server = try await start(Gate())
        let client = try HTTP2Client(server)
        _ = try await client.exchange("GET", "/hello")
        let plain = try RawClient(port: server.port)
        try await plain.send("P")
        try await Task.sleep(for: .milliseconds(50))
        async let stopped: Void = server.shutdown(deadline: .seconds(5))
        let frames = try await client.raw.read()
        let types = frames.count > 9 + 8 + 3 ? [frames[3], frames[9 + 8 + 3]] : []
        #expect(types == [7, 6])
        try await plain.send("OST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        #expect(try await plain.readToEnd().hasPrefix("HTTP/1.1 404"))
        await stopped
    }

    @Test("WebSockets hear of it at random moments within the spread")
    func spread() async throws {
        let server = try await start(Gate()) { $0.shutdownSpread = .milliseconds(400) }
        var clients: [WebSocketClient] = []
        for _ in 0..<20 { clients.append(try await WebSocketClient(server, "/ws")) }
        let began = ContinuousClock.now
        async let stopped: Void = server.shutdown(deadline: .seconds(5))
        var moments: [Duration] = []
        for client in clients {
            _ = try await client.read()
            moments.append(began.duration(to: .now))
            // One that heard of it early has waited too long for this.
            try? await client.send(8, [0x03, 0xE9])
        }
        await stopped
        // In a row, so that each moment is at least the one before: they spread when the last is late.
        #expect(try #require(moments.last) > .milliseconds(150))
        #expect(try #require(moments.first) < .milliseconds(420))
    }

    @Test("a handler that blocks its loop doesn't hang the shutdown")
    func blocked() async throws {
        let application = Application(logger: .silent)
        let release = Lock(false)
        application.get("/block") { _ in
            while !release.withLock({ $0 }) {}
            return ""
        }
        let server = try await application.start(port: 0)
        let client = try RawClient(port: server.port)
        try await client.send("GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
        try await Task.sleep(for: .milliseconds(50))
        let elapsed = await ContinuousClock().measure { await server.shutdown(deadline: .milliseconds(200)) }
        #expect(elapsed < .seconds(3))
        release.withLock { $0 = true }
    }

    @Test("as a service it serves until its group shuts down, and lets requests finish")
    func service() async throws {
        let gate = Gate()
        let started = Gate()
        let port = Lock(0)
        var configuration = ServerConfiguration()
        configuration.loopCount = 1
        let application = Application(configuration: configuration, logger: .silent)
        application.get("/wait") { _ async in
            started.open()
            await gate.wait()
            return "done"
        }
        // A port that is free now.
        let probe = try await application.start(port: 0)
        port.withLock { $0 = probe.port }
        await probe.shutdown()
        let number = port.withLock { $0 }
        let group = ServiceGroup(services: [application.service(port: UInt16(number))], logger: .silent)
        async let running: Void = group.run()
        var client: RawClient?
        while client == nil {
            client = try? RawClient(port: number)
            try await Task.sleep(for: .milliseconds(10))
        }
        try await client?.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await started.wait()
        await group.triggerGracefulShutdown()
        try await Task.sleep(for: .milliseconds(50))
        gate.open()
        #expect(try await client?.readToEnd().content == "done")
        try await running
    }

    @Test("a deadline waits for what ends in time, and no longer")
    func deadlines() async throws {
        #expect(await Deadline(after: .seconds(5)).wait {})
        let elapsed = await ContinuousClock().measure {
            #expect(
                await !Deadline(after: .milliseconds(50)).wait { try? await Task.sleep(for: .seconds(1)) })
        }
        #expect(elapsed < .milliseconds(800))
        let cancelled = Task {
            await Deadline(after: .seconds(60)).wait { try? await Task.sleep(for: .seconds(60)) }
        }
        cancelled.cancel()
        #expect(await !cancelled.value)
    }
}
