import HTTPTypes
import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyHTTP

@Suite("WebSockets: policies, pings, values, the end")
struct WebSocketSendingTests {
    /// Sends until something is not sent, and says so when the client reads again.
    private func outcome(
        _ policy: WebSocketSendPolicy?, _ flood: @escaping @Sendable (WebSocket) async throws -> String
    ) async throws -> String {
        let result = Lock<String?>(nil)
        func routes(_ app: Application) {
            var options = WebSocketOptions()
            if let policy { options.slowPeer = policy }
            app.webSocket("/", options: options) { socket in
                let text = try await flood(socket)
                result.withLock { $0 = text }
            }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/")
            for _ in 0..<500 where result.withLock({ $0 }) == nil {
                try await Task.sleep(for: .milliseconds(10))
            }
            withExtendedLifetime(client) {}
        }
        return try #require(result.withLock { $0 })
    }

    private static let piece = [UInt8](repeating: 7, count: 100_000)

    @Test("drop: what a slow peer can't take is not sent, and that is told")
    func drop() async throws {
        let outcome = try await outcome(nil) { socket in
            var sent = 0
            while try await socket.send(.binary(Self.piece), policy: .drop) { sent += 1 }
            return
                "\(sent > 5 && sent < 300) \(socket.isOpen) \(socket.isWritable) \(socket.pendingBytes > 500_000)"
        }
        #expect(outcome == "true true false true")
    }

    @Test("trySend never waits")
    func trySend() async throws {
        let outcome = try await outcome(nil) { socket in
            var sent = 0
            while socket.trySend(.binary(Self.piece)) { sent += 1 }
            socket.close()
            return "\(sent > 5 && sent < 300) \(socket.trySend(.text("late")))"
        }
        #expect(outcome == "true false")
    }

    @Test("disconnect: a slow peer is closed with 1008, by the route's option too")
    func disconnect() async throws {
        let outcome = try await outcome(.disconnect) { socket in
            do {
                while true { try await socket.send(Self.piece) }
            } catch let closed as WebSocketClosed {
                return "\(closed.code) \(socket.isOpen) \(closed.reason.contains("limit"))"
            }
        }
        #expect(outcome == "1008 false true")
    }

    @Test("a ping's pong can be awaited; one that never comes ends with the connection")
    func pings() async throws {
        let failure = Lock<UInt16?>(nil)
        func routes(_ app: Application) {
            app.webSocket("/") { socket in
                let time = try await socket.ping()
                async let first = socket.ping()
                async let second = socket.ping()
                _ = try await (first, second)
                try await socket.send(time >= .milliseconds(20) ? "slow" : "fast")
                do {
                    _ = try await socket.ping()
                } catch let closed as WebSocketClosed {
                    failure.withLock { $0 = closed.code }
                }
            }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/")
            let ping = try await client.read()
            #expect(ping.opcode == 9 && ping.payload.count == 8)
            try await client.send(10, [1, 2, 3])
            try await Task.sleep(for: .milliseconds(30))
            try await client.send(10, ping.payload)
            _ = try await client.read()
            // RFC 6455 5.5.3: the pong of the latest ping is enough.
            let latest = try await client.read()
            try await client.send(10, latest.payload)
            #expect(try await client.read().text == "slow")
            #expect(try await client.read().opcode == 9)
            try await client.send(8, [0x03, 0xE9])
            #expect(try await client.read().code == 1001)
            for _ in 0..<200 where failure.withLock({ $0 }) == nil {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(failure.withLock { $0 } == 1001)
        }
    }

    private struct Move: Codable, Equatable {
        var x: Int
        var y: Int
    }

    @Test("values come and go as JSON; what isn't one is closed with 1007")
    func values() async throws {
        try await withServer(routes: { app in
            app.webSocket("/") { socket in
                for try await move in socket.values(of: Move.self) {
                    try await socket.send(json: Move(x: move.y, y: move.x))
                }
            }
        }) { server in
            let client = try await WebSocketClient(server, "/")
            try await client.send(#"{"x":1,"y":2}"#)
            #expect(try await client.read() == .init(opcode: 1, payload: Array(#"{"x":2,"y":1}"#.utf8)))
            try await client.send(2, Array(#"{"y":3,"x":4}"#.utf8))
            #expect(try await client.read().text == #"{"x":3,"y":4}"#)
            try await client.send("[]")
            #expect(try await client.read().code == 1007)
        }
    }

    @Test("who waits for the end gets the peer's code and reason, and the handler's task is cancelled")
    func waiting() async throws {
        let ends = Lock<[String]>([])
        try await withServer(routes: { app in
            app.webSocket("/") { socket in
                let closed = await socket.waitUntilClosed()
                ends.withLock { $0.append("\(closed.code) \(closed.reason) \(Task.isCancelled)") }
                let again = await socket.waitUntilClosed()
                ends.withLock { $0.append("\(again.code)") }
            }
        }) { server in
            let client = try await WebSocketClient(server, "/")
            try await client.send(8, [0x0F, 0xA1] + Array("why".utf8))
            #expect(try await client.read().code == 4001)
            for _ in 0..<200 where ends.withLock({ $0.count }) < 2 {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(ends.withLock { $0 } == ["4001 why true", "4001"])
        }
    }

    @Test("a closure chooses the subprotocol among those that are offered (RFC 6455 4.2.2)")
    func subprotocols() async throws {
        func routes(_ app: Application) {
            var options = WebSocketOptions()
            options.selectSubprotocol = { offered, request in
                request.query("none") == nil ? offered.last { $0.hasPrefix("v") } : "v9"
            }
            app.webSocket("/", options: options) { socket in
                try await socket.send(socket.subprotocol ?? "none")
            }
        }
        try await withServer(routes: routes) { server in
            let fields = "Sec-WebSocket-Protocol: v1, x\r\nSec-WebSocket-Protocol: v2\r\n"
            let client = try await WebSocketClient(server, "/", fields: fields)
            #expect(client.head.contains("v2\r\n"))
            #expect(try await client.read().text == "v2")
            // What nobody offered can't be agreed on.
            let none = try await WebSocketClient(server, "/?none", fields: fields)
            #expect(!none.head.lowercased().contains("sec-websocket-protocol"))
        }
    }

    @Test("a route decides by itself, and adds fields")
    func accept() async throws {
        try await withServer(routes: { app in
            app.get("/room/:name") { request in
                guard request.query("token") == "good" else { throw HTTPError(.forbidden, "no") }
                var response = WebSocket.accept(request) { socket in
                    try await socket.send(socket.request.parameters["name"] ?? "")
                }
                response.headers[.setCookie] = "seen=1"
                return response
            }
        }) { server in
            let client = try await WebSocketClient(server, "/room/lobby?token=good")
            #expect(client.head.lowercased().contains("set-cookie: seen=1"))
            #expect(try await client.read().text == "lobby")
            let refused = try RawClient(port: server.port)
            try await refused.send(WebSocketClient.handshake("/room/lobby"))
            #expect(try await refused.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 403 "))
        }
    }

    @Test("while closing, what nobody reads is not collected")
    func closingFlood() async throws {
        let handler = Lock<WebSocket?>(nil)
        func routes(_ app: Application) {
            var options = WebSocketOptions()
            options.inboundBufferBytes = 10_000
            options.closeTimeout = .seconds(30)
            app.webSocket("/", options: options) { socket in
                handler.withLock { $0 = socket }
                socket.close()
                _ = await socket.waitUntilClosed()
                var count = 0
                while try await socket.receive() != nil { count += 1 }
                #expect(count > 0 && count <= 110)
                handler.withLock { $0 = nil }
            }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/")
            #expect(try await client.read().code == 1000)
            for _ in 0..<1000 { try await client.send(2, [UInt8](repeating: 1, count: 100)) }
            try await client.send(8, [0x03, 0xE8])
            #expect(try await client.raw.readToEnd() == "")
            for _ in 0..<200 where handler.withLock({ $0 != nil }) {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(handler.withLock { $0 == nil })
        }
    }
}
