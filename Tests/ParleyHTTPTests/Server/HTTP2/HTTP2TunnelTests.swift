import HTTP2Peer
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("WebSocket over HTTP/2 (W5, RFC 8441)")
struct HTTP2TunnelTests {
    private func routes(_ app: Application) {
        let group = app.group()
        group.use { request, next in
            var response = try await next(request)
            response.headers[.server] = "\(request.method) \(request.version)"
            return response
        }
        group.webSocket("/ws") { socket in
            for try await message in socket { try await socket.send(message) }
        }
        app.webSocket("/push") { socket in
            let piece = [UInt8](repeating: 7, count: 10_000)
            for _ in 0..<100_000 { try await socket.send(piece) }
        }
        app.get("/hello") { _ in "hello" }
    }

    @Test("the same route and middleware serve it, beside ordinary requests on the connection")
    func echo() async throws {
        try await withServer(routes: routes) { server in
            let client = try HTTP2Client(server)
            let sockets = [try await client.openWebSocket("/ws"), try await client.openWebSocket("/ws")]
            #expect(client.peer.streams[sockets[0]]?.status == "200")
            #expect(client.peer.streams[sockets[0]]?["server"] == "GET HTTP/2")
            #expect(client.peer.streams[sockets[0]]?["upgrade"] == nil)
            for (index, socket) in sockets.enumerated() {
                client.send(1, Array("message \(index)".utf8), on: socket)
                try await client.run { $0.streams[socket]?.content.count == 11 }
                #expect(client.peer.streams[socket]?.text.hasSuffix("message \(index)") == true)
            }
            #expect(try await client.exchange("GET", "/hello").text == "hello")
            client.send(8, [0x03, 0xE8], on: sockets[0], isLast: true)
            let closed = try await client.finish(sockets[0])
            #expect(Array(closed.content.suffix(4)) == [0x88, 2, 0x03, 0xE8] && closed.isEnded)
            client.send(1, [0x61], on: sockets[1])
            try await client.run { $0.streams[sockets[1]]?.content.count == 14 }
        }
    }

    @Test("refusals are ordinary responses on the stream")
    func refusals() async throws {
        try await withServer(routes: routes) { server in
            let client = try HTTP2Client(server)
            for (path, version, status) in [
                ("/nothing", "13", "404"), ("/ws", "8", "426"), ("/hello", "13", "501"),
            ] {
                let stream = try await client.openWebSocket(path, version: version)
                try await client.run { $0.streams[stream]?.isEnded == true }
                #expect(client.peer.streams[stream]?.status == status, "\(path)")
            }
            #expect(try await client.exchange("GET", "/hello").text == "hello")
        }
    }

    @Test("one that doesn't read is bounded, and the others go on")
    func slowReader() async throws {
        try await withServer(routes: routes) { server in
            let client = try HTTP2Client(server, peer: HTTP2Peer(window: 20_000, opensWindows: false))
            let slow = try await client.openWebSocket("/push")
            try await client.run { $0.streams[slow]?.content.count == 20_000 }
            let lively = try await client.openWebSocket("/ws")
            for index in 1...100 {
                client.send(1, [0x61], on: lively)
                try await client.run { $0.streams[lively]?.content.count == 3 * index }
            }
            #expect(client.peer.streams[slow]?.content.count == 20_000)
            client.peer.consume(15_000, of: slow)
            try await client.run { $0.streams[slow]?.content.count ?? 0 > 30_000 }
        }
    }

    @Test("a peer that resets the stream, or the connection, is gone for the handler")
    func reset() async throws {
        let ended = Lock<[UInt16]>([])
        func routes(_ app: Application) {
            app.webSocket("/ws") { socket in
                do {
                    for try await _ in socket {}
                } catch let closed as WebSocketClosed {
                    ended.withLock { $0.append(closed.code) }
                }
            }
        }
        try await withServer(routes: routes) { server in
            do {
                let client = try HTTP2Client(server)
                let socket = try await client.openWebSocket("/ws")
                client.peer.reset(socket)
                try await client.flush()
                while ended.withLock({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(5)) }
                _ = try await client.openWebSocket("/ws")
            }
            while ended.withLock({ $0.count < 2 }) { try await Task.sleep(for: .milliseconds(5)) }
            #expect(ended.withLock { $0 } == [1006, 1006])
        }
    }

    @Test("messages that come before the answer, and while reading is paused, are not lost")
    func early() async throws {
        func routes(_ app: Application) {
            app.use { request, next in
                try await Task.sleep(for: .milliseconds(50))
                return try await next(request)
            }
            app.webSocket("/ws") { socket in
                try await Task.sleep(for: .milliseconds(100))
                var bytes = 0
                for try await case .binary(let message) in socket { bytes += message.count }
                _ = bytes
            }
            app.webSocket("/echo") { socket in
                try await Task.sleep(for: .milliseconds(100))
                for try await message in socket { try await socket.send(message) }
            }
        }
        try await withServer(routes: routes) { server in
            let client = try HTTP2Client(server)
            try await client.run { $0.settings[8] == 1 }
            let stream = client.peer.request(
                raw: [
                    (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
                    (":path", "/echo"),
                    (":authority", "localhost"), ("sec-websocket-version", "13"),
                ], content: [], isLast: false)
            var expected = 0
            for index in 0..<200 {
                client.send(2, [UInt8](repeating: UInt8(index), count: 1000), on: stream)
                expected += 1004
            }
            try await client.run { $0.streams[stream]?.content.count == expected }
        }
    }
}
