import HTTP2Peer
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("HTTP/2: what takes too much or too long (H22)")
struct HTTP2LimitTests {
    /// Counts the handlers that run; they don't listen to their cancellation.
    private final class Holding: Sendable {
        private let counts = Lock((now: 0, most: 0))
        let gate = Gate()

        var most: Int { counts.withLock { $0.most } }
        var now: Int { counts.withLock { $0.now } }

        func routes(_ app: Application) {
            app.get("/hold") { [self] _ async in
                counts.withLock {
                    $0.now += 1
                    $0.most = max($0.most, $0.now)
                }
                await gate.wait()
                counts.withLock { $0.now -= 1 }
                return "held"
            }
            app.get("/hello") { _ in "hello" }
            app.get("/large") { _ in String(repeating: "x", count: 300_000) }
            app.post("/echo") { request in try await request.body.collect() }
            app.post("/ignore") { _ in "ignored" }
        }
    }

    @Test(
        "handlers count until they end, also those of streams that are gone (CVE-2023-44487, CVE-2025-8671)")
    func handlers() async throws {
        let holding = Holding()
        try await withServer(
            configure: { $0.http2?.concurrentStreams = 5 }, routes: holding.routes
        ) { server in
            let client = try HTTP2Client(server)
            for _ in 0..<5 {
                let stream = client.peer.request("GET", "/hold")
                try await client.flush()
                client.peer.reset(stream)
            }
            let refused = try await client.exchange("GET", "/hello")
            #expect(refused.closeCode == 7 && refused.status == nil)
            #expect(holding.most == 5)
            holding.gate.open()
            while holding.now > 0 { try await Task.sleep(for: .milliseconds(5)) }
            // The loop hears of a handler's end a moment later.
            try await Task.sleep(for: .milliseconds(20))
            #expect(try await client.exchange("GET", "/hello").text == "hello")
        }
    }

    @Test("a connection that only begins its preface, or never sends SETTINGS, is closed")
    func preface() async throws {
        try await withServer(
            configure: { $0.prefaceTimeout = .milliseconds(150) }, routes: Holding().routes
        ) { server in
            let partial = try RawClient(port: server.port)
            try await partial.send("PRI * HTTP")
            #expect(try await partial.readToEnd() == "")
            let silent = try HTTP2Client(server)
            try await silent.raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            var bytes: [UInt8] = []
            while case let more = try await silent.raw.read(), !more.isEmpty { bytes += more }
            #expect(String(decoding: bytes, as: UTF8.self).contains("headerTimeout"))
        }
    }

    @Test("a header section that doesn't end, and an idle connection, end with GOAWAY")
    func headersAndIdle() async throws {
        try await withServer(
            configure: {
                $0.headerTimeout = .milliseconds(150)
                $0.keepAliveTimeout = .milliseconds(300)
            }, routes: Holding().routes
        ) { server in
            let slow = try HTTP2Client(server)
            try await slow.run { $0.settings[8] == 1 }
            // HEADERS without END_HEADERS.
            try await slow.raw.send([0, 0, 1, 1, 1, 0, 0, 0, 1, 0x82])
            try await slow.runToEnd()
            #expect(slow.peer.goAways.map(\.code) == [11])
            let idle = try HTTP2Client(server)
            _ = try await idle.exchange("GET", "/hello")
            try await idle.runToEnd()
            #expect(idle.peer.goAways == [.init(code: 0, lastStream: 1, text: "")])
        }
    }

    @Test(
        "content that comes too slowly is 408, and content that is discarded for too long resets the stream")
    func slowContent() async throws {
        try await withServer(
            configure: {
                $0.bodyTimeout = .milliseconds(150)
                $0.drainTimeout = .milliseconds(150)
            }, routes: Holding().routes
        ) { server in
            let client = try HTTP2Client(server)
            let slow = client.peer.request("POST", "/echo", content: [1], isLast: false)
            try await client.run { $0.streams[slow]?.status != nil }
            #expect(client.peer.streams[slow]?.status == "408")
            let ignored = client.peer.request("POST", "/ignore", content: [1], isLast: false)
            let answer = try await client.finish(ignored)
            #expect(answer.text == "ignored" && answer.closeCode == 0)
        }
    }

    @Test("a stream whose window stays closed, or opens by drips, is reset; then the connection ends")
    func stalls() async throws {
        try await withServer(
            configure: {
                $0.streamStallTimeout = .milliseconds(200)
                $0.connectionStallTimeout = .milliseconds(600)
            }, routes: Holding().routes
        ) { server in
            let client = try HTTP2Client(server, peer: HTTP2Peer(window: 1000, opensWindows: false))
            let stream = client.peer.request("GET", "/large")
            try await client.run { $0.streams[stream]?.content.count == 1000 }
            let dripping = ContinuousClock.now
            while client.peer.streams[stream]?.closeCode == nil, dripping.duration(to: .now) < .seconds(3) {
                client.peer.consume(1, of: stream)
                try await client.flush()
                let bytes = try await client.raw.read()
                guard client.peer.receive(bytes), !bytes.isEmpty else { break }
            }
            #expect(client.peer.streams[stream]?.closeCode == 8)
            try await client.runToEnd()
            #expect(client.peer.goAways.last?.text.contains("connectionStallTimeout") == true)
        }
    }

    @Test(
        "requests whose content is still to come count too, and what was reset before it began never begins")
    func unfinishedRequests() async throws {
        let holding = Holding()
        try await withServer(configure: { $0.http2?.concurrentStreams = 5 }, routes: holding.routes) {
            server in
            let client = try HTTP2Client(server)
            try await client.run { $0.settings[8] == 1 }
            for _ in 0..<5 {
                let stream = client.peer.request("GET", "/hold")
                try await client.flush()
                client.peer.reset(stream)
            }
            try await client.flush()
            for _ in 0..<5 { _ = client.peer.request("GET", "/hold", content: [], isLast: false) }
            _ = try await client.exchange("GET", "/hello")
            #expect(holding.most == 5)
            holding.gate.open()
        }
    }

    @Test("a refused request whose content doesn't end holds neither its stream nor the connection")
    func refusedContent() async throws {
        try await withServer(
            configure: {
                $0.drainTimeout = .milliseconds(150)
                $0.keepAliveTimeout = .milliseconds(300)
            }, routes: Holding().routes
        ) { server in
            let client = try HTTP2Client(server)
            let fields = [(":method", "POST"), (":scheme", "http"), (":authority", "a@b"), (":path", "/")]
            let stream = client.peer.request(raw: fields, content: [1], isLast: false)
            let answer = try await client.finish(stream)
            #expect(answer.status == "400" && answer.closeCode == 0)
            try await client.runToEnd()
            #expect(client.peer.goAways.last?.code == 0)
        }
    }

    @Test("the connection's stall is not forgotten because another stream has nothing more to send")
    func connectionStall() async throws {
        try await withServer(
            configure: {
                $0.streamStallTimeout = .seconds(30)
                $0.connectionStallTimeout = .milliseconds(400)
            }, routes: Holding().routes
        ) { server in
            let client = try HTTP2Client(server, peer: HTTP2Peer(window: 100, opensWindows: false))
            _ = client.peer.request("GET", "/large")
            for _ in 0..<3 {
                let hello = try await client.exchange("GET", "/hello")
                #expect(hello.text == "hello")
                try await Task.sleep(for: .milliseconds(50))
            }
            try await client.runToEnd()
            #expect(client.peer.goAways.last?.text.contains("connectionStallTimeout") == true)
        }
    }

    @Test("while the connection itself is full nothing counts as a stall")
    func slowConnection() async throws {
        try await withServer(
            configure: {
                $0.streamStallTimeout = .milliseconds(200)
                $0.connectionStallTimeout = .milliseconds(200)
                $0.streamLimits.highWatermark = 256 * 1024
                $0.streamLimits.lowWatermark = 1024
            },
            routes: { app in
                app.get("/endless") { _ in
                    Response(
                        body: .stream { writer in
                            for _ in 0..<1000 { try await writer.write([UInt8](repeating: 1, count: 10_000)) }
                        })
                }
            }
        ) { server in
            let client = try HTTP2Client(server, peer: HTTP2Peer(window: 1 << 30), receiveBuffer: 4096)
            try await client.run { $0.settings[8] == 1 }
            client.peer.openConnectionWindow(to: 1 << 30)
            let stream = client.peer.request("GET", "/endless")
            try await client.flush()
            try await Task.sleep(for: .milliseconds(700))
            #expect(try await client.finish(stream).content.count == 10_000_000)
        }
    }

    @Test("a connection, its exchanges and its tunnels are freed when it is closed")
    func freed() async throws {
        final class Weak: @unchecked Sendable { weak var object: AnyObject? }
        let weak = Weak()
        func routes(_ app: Application) {
            Holding().routes(app)
            app.webSocket("/ws") { socket in
                for try await message in socket { try await socket.send(message) }
            }
        }
        try await withServer(routes: routes) { server in
            let loop = server.loops[0].loop
            do {
                let client = try HTTP2Client(server)
                _ = try await client.exchange("POST", "/echo", content: [1])
                let socket = try await client.openWebSocket("/ws")
                client.send(1, [0x61], on: socket)
                try await client.run { $0.streams[socket]?.content == [0x81, 1, 0x61] }
                _ = client.peer.request("POST", "/echo", content: [1], isLast: false)
                try await client.flush()
                try await loop.run { weak.object = loop.connections.first?.handler }
                #expect(weak.object is HTTP2Connection)
            }
            for _ in 0..<200 where weak.object != nil { try await Task.sleep(for: .milliseconds(10)) }
            #expect(weak.object == nil)
        }
    }
}
