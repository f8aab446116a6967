import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("WebSockets: backpressure, time, the low-level API")
struct WebSocketFlowTests {
    @Test("while nobody reads, the client can't send much more")
    func inboundBackpressure() async throws {
        let gate = Gate()
        func routes(_ app: Application) {
            app.webSocket("/") { socket in
                await gate.wait()
                var sum = 0
                for try await message in socket {
                    sum += message.byteCount
                    if sum == 40_000_000 { try await socket.send("\(sum)") }
                }
            }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/")
            let sent = Lock(0)
            let sender = Task {
                let frame = WebSocketClient.frame(2, [UInt8](repeating: 7, count: 100_000))
                for _ in 0..<400 {
                    try await client.raw.send(frame)
                    sent.withLock { $0 += 1 }
                }
            }
            try await Task.sleep(for: .milliseconds(300))
            #expect(sent.withLock { $0 } < 300)
            gate.open()
            try await sender.value
            #expect(try await client.read().text == "40000000")
        }
    }

    @Test("send suspends while the client doesn't read, and goes on when it does")
    func outboundBackpressure() async throws {
        let sent = Lock(0)
        func routes(_ app: Application) {
            app.webSocket("/") { socket in
                let bytes = [UInt8](repeating: 7, count: 100_000)
                for _ in 0..<500 {
                    try await socket.send(bytes)
                    sent.withLock { $0 += 1 }
                }
            }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/")
            try await Task.sleep(for: .milliseconds(300))
            #expect(sent.withLock { $0 } < 300)
            for _ in 0..<500 { #expect(try await client.read().payload.count == 100_000) }
            #expect(try await client.read().code == 1000)
        }
    }

    @Test("a silent client is pinged, and one that doesn't answer is gone (1006)")
    func pings() async throws {
        let outcome = Lock<String?>(nil)
        func routes(_ app: Application) {
            var options = WebSocketOptions()
            options.pingInterval = .milliseconds(100)
            options.pongTimeout = .milliseconds(300)
            app.webSocket("/", options: options) { socket in
                do {
                    for try await _ in socket {}
                } catch {
                    outcome.withLock { $0 = "\((error as? WebSocketClosed)?.code ?? 0) \(Task.isCancelled)" }
                    throw error
                }
            }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/")
            #expect(try await client.read().opcode == 9)
            await #expect(throws: RawClient.Failure.self) { _ = try await client.read() }
            for _ in 0..<100 where outcome.withLock({ $0 }) == nil {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(outcome.withLock { $0 } == "1006 true")
        }
    }

    @Test("a message that takes too long is closed with 1008")
    func messageTimeout() async throws {
        func routes(_ app: Application) {
            var options = WebSocketOptions()
            options.messageTimeout = .milliseconds(150)
            app.webSocket("/", options: options) { socket in for try await _ in socket {} }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/")
            for _ in 0..<5 {
                try await client.send("quick")
                try await Task.sleep(for: .milliseconds(50))
            }
            try await client.send(1, [0x61], isFinal: false)
            #expect(try await client.read().code == 1008)
        }
    }

    @Test("a client that doesn't answer a close frame is cut off")
    func closeTimeout() async throws {
        func routes(_ app: Application) {
            var options = WebSocketOptions()
            options.closeTimeout = .milliseconds(150)
            app.webSocket("/", options: options) { _ in }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/")
            #expect(try await client.read().code == 1000)
            await #expect(throws: RawClient.Failure.self) { _ = try await client.read() }
        }
    }

    @Test("a low-level handler gets borrowed bytes, frames that are shared, and one end")
    func lowLevel() async throws {
        final class Handler: WebSocketHandler {
            let ends: Ends
            init(ends: Ends) { self.ends = ends }
            func received(text: Span<UInt8>, on connection: WebSocketConnection) {
                connection.send(text: text)
                connection.send(frames: [0x81, 2, 0x68, 0x69, 0x82, 1, 7])
            }
            func received(binary: Span<UInt8>, on connection: WebSocketConnection) {
                connection.close(code: 4000, reason: "enough")
                connection.send(binary: binary)
            }
            func closed(_ connection: WebSocketConnection, code: UInt16, reason: String) {
                ends.list.withLock { $0.append("\(code) \(reason)") }
            }
        }
        final class Ends: Sendable { let list = Lock<[String]>([]) }
        let ends = Ends()
        try await withServer(routes: { app in
            app.get("/") { request in Response.webSocket(for: request) { _ in Handler(ends: ends) } }
        }) { server in
            let client = try await WebSocketClient(server, "/")
            try await client.send("a")
            #expect(try await client.read().text == "a")
            #expect(try await client.read().text == "hi")
            #expect(try await client.read() == .init(opcode: 2, payload: [7]))
            try await client.send(2, [1])
            let close = try await client.read()
            #expect(close.code == 4000)
            #expect(String(decoding: close.payload.dropFirst(2), as: UTF8.self) == "enough")
            try await client.send(8, [0x0F, 0xA0])
            #expect(try await client.raw.readToEnd() == "")
            #expect(ends.list.withLock { $0 } == ["4000 "])
        }
    }

    @Test("sends of many threads arrive whole")
    func manyThreads() async throws {
        func routes(_ app: Application) {
            app.webSocket("/") { socket in
                await withTaskGroup(of: Void.self) { group in
                    for sender in 0..<8 {
                        group.addTask(executorPreference: globalConcurrentExecutor) {
                            for _ in 0..<200 {
                                try? await socket.send(String(repeating: "\(sender)", count: 50 + sender))
                            }
                        }
                    }
                }
            }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/")
            var counts = [Int](repeating: 0, count: 8)
            for _ in 0..<1600 {
                let text = try await client.read().text
                let sender = try #require(text.first.flatMap { Int(String($0)) })
                #expect(text == String(repeating: "\(sender)", count: 50 + sender))
                counts[sender] += 1
            }
            #expect(counts == [Int](repeating: 200, count: 8))
        }
    }
}
