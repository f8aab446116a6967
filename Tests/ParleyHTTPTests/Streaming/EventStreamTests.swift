import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("Event streams")
struct EventStreamTests {
    private static let get = "GET /events HTTP/1.1\r\nHost: x\r\n"

    @Test("events are sent when they are there, with the fields that caches and proxies need")
    func events() async throws {
        let gate = Gate()
        try await withServer { app in
            app.get("/events") { request in
                try Response.events(for: request) { stream in
                    try await stream.send(
                        event: "tick", id: "1", data: "after \(stream.lastEventID ?? "none")")
                    await gate.wait()
                    try await stream.send(json: ["n": 2])
                    try await stream.comment("bye")
                }
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send(
                Self.get + "Accept: text/event-stream\r\nLast-Event-ID: 41\r\nConnection: close\r\n\r\n")
            let first = try await client.read(until: "data: after 41\n\n")
            #expect(
                first.hasPrefix("HTTP/1.1 200 OK\r\n")
                    && first.contains("Content-Type: text/event-stream\r\n"))
            #expect(
                first.contains("Cache-Control: no-cache\r\n") && first.contains("X-Accel-Buffering: no\r\n"))
            gate.open()
            let rest = try await client.readToEnd()
            #expect(
                rest.contains("data: {\"n\":2}\n\n") && rest.contains(": bye\n\n")
                    && rest.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test("a client that doesn't accept event streams is told so")
    func acceptance() async throws {
        let client = try MemoryClient { app in
            app.get("/") { request in try Response.events(for: request) { _ in } }
        }
        for accept in ["text/html", "text/event-stream;q=0, */*", "text/*;q=0, */*;q=1", ""] {
            #expect(
                await client.respond(.get, "/", headers: [.accept: accept]).status == .notAcceptable,
                "\(accept)")
        }
        for accept in ["text/event-stream", "*/*", "text/*;q=0.1", "text/html, TEXT/EVENT-STREAM"] {
            #expect(await client.respond(.get, "/", headers: [.accept: accept]).status == .ok, "\(accept)")
        }
        #expect(await client.respond(.get, "/").status == .ok)
    }

    @Test("a silent stream has heartbeats, a busy one has none")
    func heartbeats() async throws {
        try await withServer { app in
            app.get("/events") { request in
                try Response.events(for: request, heartbeat: .milliseconds(60)) { stream in
                    if request.query == nil { return try await Task.sleep(for: .milliseconds(400)) }
                    for _ in 0..<40 {
                        try await stream.send(data: "x")
                        try await Task.sleep(for: .milliseconds(10))
                    }
                }
            }
        } _: { server in
            let silent = try await exchange(server, Self.get + "Connection: close\r\n\r\n")
            #expect((2...7).contains(silent.count(of: ":\n\n")))
            let busy = try await exchange(
                server, Self.get.replacing("/events", with: "/events?busy") + "Connection: close\r\n\r\n")
            #expect(busy.count(of: ":\n\n") <= 2 && busy.count(of: "data: x\n\n") == 40)
        }
    }

    @Test("heartbeats and several senders don't get into each other's way while the client doesn't read")
    func slowClient() async throws {
        try await withServer { app in
            app.get("/events") { request in
                try Response.events(for: request, heartbeat: .milliseconds(1)) { stream in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for sender in 0..<4 {
                            group.addTask {
                                for _ in 0..<20 {
                                    try await stream.send(
                                        data: String(repeating: "\(sender)", count: 100_000))
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
            }
        } _: { server in
            let client = try RawClient(port: server.port, receiveBuffer: 4096)
            try await client.send(Self.get + "Connection: close\r\n\r\n")
            try await Task.sleep(for: .milliseconds(300))
            let text = try await client.readToEnd()
            #expect(text.hasSuffix("0\r\n\r\n") && text.count(of: "data: ") == 80)
        }
    }

    @Test(
        "the handler is cancelled when the client goes away, whether it answered at once or later",
        arguments: [false, true])
    func cancellation(waits: Bool) async throws {
        let ended = Lock(false)
        try await withServer { app in
            app.get("/events") { request async throws -> Response in
                if waits { try await Task.sleep(for: .milliseconds(10)) }
                return try Response.events(for: request) { stream in
                    defer { ended.withLock { $0 = true } }
                    try await stream.send(data: "x")
                    try await Task.sleep(for: .seconds(60))
                }
            }
        } _: { server in
            var client: RawClient? = try RawClient(port: server.port)
            try await client?.send(Self.get + "\r\n")
            _ = try await client?.read(until: "data: x")
            #expect(!ended.withLock { $0 })
            client = nil
            try await waitUntil { ended.withLock { $0 } }
        }
    }

    @Test("the same over HTTP/2, when the stream is reset")
    func cancellationOverHTTP2() async throws {
        let ended = Lock(false)
        try await withServer { app in
            app.get("/events") { request async throws -> Response in
                try Response.events(for: request) { stream in
                    defer { ended.withLock { $0 = true } }
                    try await stream.send(data: "x")
                    try await Task.sleep(for: .seconds(60))
                }
            }
        } _: { server in
            var client: HTTP2Client? = try HTTP2Client(server)
            let stream = try #require(client?.peer.request("GET", "/events"))
            try await client?.run { $0.streams[stream]?.content.isEmpty == false }
            #expect(!ended.withLock { $0 })
            client = nil
            try await waitUntil { ended.withLock { $0 } }
        }
    }

    @Test(
        "a shutdown ends event streams, whole, long before its deadline, compressed ones too",
        arguments: [false, true], [false, true])
    func shutdown(isHTTP2: Bool, isCompressed: Bool) async throws {
        try await withServer { app in
            if isCompressed { app.use(Compression()) }
            app.get("/events") { request in
                try Response.events(for: request) { stream in
                    try await stream.send(data: "x")
                    try await Task.sleep(for: .seconds(60))
                }
            }
        } _: { server in
            let start = ContinuousClock.now
            if isHTTP2 {
                let client = try HTTP2Client(server)
                let coding = isCompressed ? [("accept-encoding", "gzip")] : []
                let stream = client.peer.request("GET", "/events", fields: coding)
                try await client.run { $0.streams[stream]?.content.isEmpty == false }
                async let down: Void = server.shutdown(deadline: .seconds(30))
                try await client.runToEnd()
                #expect(client.peer.streams[stream]?.closeCode == 0)
                await down
            } else {
                let client = try RawClient(port: server.port)
                try await client.send(Self.get + (isCompressed ? "Accept-Encoding: gzip\r\n\r\n" : "\r\n"))
                _ = try await client.read(until: isCompressed ? "Content-Encoding: gzip" : "data: x")
                async let down: Void = server.shutdown(deadline: .seconds(30))
                #expect(try await client.readToEnd().hasSuffix("0\r\n\r\n"))
                await down
            }
            #expect(start.duration(to: .now) < .seconds(10))
        }
    }

    @Test("events, pieces, texts and JSON lines come from sequences")
    func sequences() async throws {
        try await withServer { app in
            app.get("/events") { request in
                try Response.events(
                    for: request, Self.sequence([ServerSentEvent(data: "a"), ServerSentEvent(data: "b")]))
            }
            app.get("/bytes") { _ in
                Response(body: .stream(Self.sequence([[1], [2, 3]] as [[UInt8]]), length: 3))
            }
            app.get("/texts") { _ in Response(body: .stream(Self.sequence(["ä", "b"]))) }
            app.get("/lines") { _ in Response.jsonLines(Self.sequence([["a": 1], ["b": 2]])) }
        } _: { server in
            func get(_ path: String) async throws -> String {
                try await exchange(server, "GET \(path) HTTP/1.0\r\nHost: x\r\n\r\n")
            }
            #expect(try await get("/events").content == "data: a\n\ndata: b\n\n")
            #expect(try await get("/bytes").content == "\u{1}\u{2}\u{3}")
            #expect(try await get("/texts").content == "äb")
            let lines = try await get("/lines")
            #expect(lines.content == "{\"a\":1}\n{\"b\":2}\n" && lines.contains("application/x-ndjson"))
        }
    }

    @Test("a sequence whose client went away is cancelled")
    func sequenceCancellation() async throws {
        let ended = Lock(false)
        let (texts, feed) = AsyncStream.makeStream(of: String.self)
        feed.onTermination = { _ in ended.withLock { $0 = true } }
        try await withServer { app in
            app.get("/texts") { _ async throws in Response(body: .stream(texts)) }
        } _: { server in
            var client: RawClient? = try RawClient(port: server.port)
            try await client?.send("GET /texts HTTP/1.1\r\nHost: x\r\n\r\n")
            feed.yield("hello")
            _ = try await client?.read(until: "hello")
            client = nil
            try await waitUntil { ended.withLock { $0 } }
        }
    }

    private static func sequence<Element: Sendable>(_ elements: [Element]) -> AsyncStream<Element> {
        AsyncStream { feed in
            for element in elements { feed.yield(element) }
            feed.finish()
        }
    }
}
