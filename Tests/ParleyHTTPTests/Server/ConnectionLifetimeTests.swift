import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("Connections leave nothing behind")
struct ConnectionLifetimeTests {
    private final class Weak: Sendable {
        private let object = Lock<Reference?>(nil)
        private struct Reference: @unchecked Sendable { weak var object: AnyObject? }

        func hold(_ object: AnyObject) {
            let reference = Reference(object: object)
            self.object.withLock { $0 = reference }
        }
        var isGone: Bool { object.withLock { $0?.object == nil } }

        func waitUntilGone() async throws -> Bool {
            for _ in 0..<300 {
                if isGone { return true }
                try await Task.sleep(for: .milliseconds(10))
            }
            return false
        }
    }

    private func holdConnection(of server: RunningServer, in weak: Weak) async throws {
        let loop = server.loops[0]
        try await loop.loop.run {
            if let handler = loop.loop.connections.first?.handler { weak.hold(handler) }
        }
        #expect(!weak.isGone)
    }

    @Test("an HTTP connection is freed when it is closed, or handed over")
    func http() async throws {
        func routes(_ app: Application) {
            app.get("/") { _ async in "x" }
            app.webSocket("/ws") { socket in for try await _ in socket {} }
        }
        try await withServer(routes: routes) { server in
            let closed = Weak()
            do {
                let client = try RawClient(port: server.port)
                try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                _ = try await client.read(until: "\r\n\r\nx")
                try await holdConnection(of: server, in: closed)
            }
            #expect(try await closed.waitUntilGone())
            let upgraded = Weak()
            let client = try RawClient(port: server.port)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await client.read(until: "\r\n\r\nx")
            try await holdConnection(of: server, in: upgraded)
            try await client.send(WebSocketClient.handshake("/ws"))
            _ = try await client.read(until: "\r\n\r\n")
            #expect(try await upgraded.waitUntilGone())
            #expect(server.connectionCount == 1)
        }
    }

    @Test("a WebSocket is freed, however it ends", arguments: ["close", "reset", "violation", "timeout"])
    func webSocket(end: String) async throws {
        let connection = Weak()
        let socket = Weak()
        func routes(_ app: Application) {
            var options = WebSocketOptions()
            options.messageTimeout = .milliseconds(100)
            options.closeTimeout = .milliseconds(100)
            app.webSocket("/", options: options) { opened in
                connection.hold(opened.connection)
                socket.hold(opened)
                for try await message in opened { try await opened.send(message) }
            }
        }
        try await withServer(routes: routes) { server in
            do {
                let client = try await WebSocketClient(server, "/")
                try await client.send("x")
                #expect(try await client.read().text == "x")
                #expect(!connection.isGone)
                switch end {
                case "close": try await client.send(8, [3, 0xE8])
                case "violation": try await client.raw.send([0xFF, 0xFF])
                case "timeout": try await client.send(1, [0x61], isFinal: false)
                default: break
                }
                if end != "reset" { _ = try await client.read() }
            }
            #expect(try await connection.waitUntilGone())
            #expect(try await socket.waitUntilGone())
        }
    }
}
