import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("WebSockets: tasks that read and write, and a peer that is faster or slower")
struct WebSocketInboxTests {
    @Test("who was cancelled before it waits for room doesn't wait")
    func cancelled() async throws {
        let fake = try await FakeConnection()
        let socket = await fake.openSocket()
        fake.stream.state.withLock { $0.isWritable = false }
        let wasCancelled = Lock(false)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            do {
                try await socket.send("text")
            } catch {
                wasCancelled.withLock { $0 = error is CancellationError }
            }
        }
        try await waitUntil { wasCancelled.withLock { $0 } }
        task.cancel()
    }

    @Test("several senders wait before they send to a peer that is too slow")
    func senders() async throws {
        let fake = try await FakeConnection()
        let socket = await fake.openSocket()
        fake.stream.state.withLock { $0.isWritable = false }
        for _ in 0..<8 { Task { try await socket.send("text") } }
        try await Task.sleep(for: .milliseconds(100))
        #expect(fake.stream.sent.isEmpty)
        fake.stream.state.withLock { $0.isWritable = true }
        await fake.run { $0.becameWritable(fake.stream) }
        try await waitUntil { fake.stream.sent.count == 8 * 6 }
    }

    @Test("a full buffer is read down to its half, and then filled again")
    func lowMark() async throws {
        let fake = try await FakeConnection { $0.inboundBufferBytes = 10_000 }
        let socket = await fake.openSocket()
        await fake.receive(FakeConnection.frames([Int](repeating: 968, count: 11)))
        #expect(fake.stream.isPaused)
        for _ in 0..<5 { _ = try await socket.receive() }
        await fake.run { _ in }
        #expect(fake.stream.isPaused)
        _ = try await socket.receive()
        try await waitUntil { !fake.stream.isPaused }
    }

    @Test("who waits for room on a loop that has stopped is told")
    func stopped() async throws {
        let fake = try await FakeConnection()
        let socket = await fake.openSocket()
        fake.stream.state.withLock { $0.isWritable = false }
        await fake.group.shutdown()
        await #expect(throws: WebSocketClosed.self) { try await socket.send("text") }
    }

    @Test("a slow reader with a small buffer gets everything in order, from the first read on")
    func slowReader() async throws {
        func routes(_ app: Application) {
            var options = WebSocketOptions()
            options.inboundBufferBytes = 300
            app.webSocket("/", options: options) { socket in
                for number in 0..<3000 {
                    #expect(try await socket.receive() == .text("\(number)"))
                    if number % 500 == 0 { try await Task.sleep(for: .milliseconds(5)) }
                }
                try await socket.send("done")
            }
        }
        try await withServer(routes: routes) { server in
            let frames = (0..<3000).map { WebSocketClient.frame(1, Array("\($0)".utf8)) }
            let behind = frames[..<1000].flatMap { $0 }
            let client = try await WebSocketClient(server, "/", behind: behind)
            try await client.raw.send(frames[1000...].flatMap { $0 })
            #expect(try await client.read().text == "done")
        }
    }
}
