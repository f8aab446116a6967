import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("Limits of time, content and concurrency")
struct LimitTests {
    @Test("a handler that takes too long is 503 at once and cancelled; it may be one that doesn't care")
    func timeout() async throws {
        let cancelled = Lock(false)
        let isReleased = Lock(false)
        func routes(_ app: Application) {
            app.use(Timeout(.milliseconds(50)))
            app.get("/fast") { _ async in "fast" }
            app.get("/fails") { _ async throws -> String in throw HTTPError(.conflict) }
            app.get("/slow") { _ in
                do { try await Task.sleep(for: .seconds(60)) } catch { cancelled.withLock { $0 = true } }
                return "slow"
            }
            app.get("/stubborn") { _ in
                while !isReleased.withLock({ $0 }) { await Task.yield() }
                return "stubborn"
            }
            app.webSocket("/socket") { socket in
                try await Task.sleep(for: .milliseconds(150))
                try await socket.send("still here")
            }
        }
        try await withServer(routes: routes) { server in
            let client = try HTTP2Client(server)
            #expect(try await client.exchange("GET", "/fast").text == "fast")
            #expect(try await client.exchange("GET", "/fails").status == "409")
            let slow = try await client.exchange("GET", "/slow")
            #expect(slow.status == "503" && slow.text == "no response within 0.05 seconds")
            for _ in 0..<500 where !cancelled.withLock({ $0 }) {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(cancelled.withLock { $0 })
            let plain = try await exchange(
                server, "GET /stubborn HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(plain.hasPrefix("HTTP/1.1 503"))
            isReleased.withLock { $0 = true }
            let socket = try await WebSocketClient(server, "/socket")
            #expect(try await socket.read().text == "still here")
        }
    }

    @Test("a client that leaves cancels the handler behind a timeout too")
    func cancellation() async throws {
        let started = Lock(false)
        let cancelled = Lock(false)
        func routes(_ app: Application) {
            app.use(Timeout(.seconds(60)))
            app.get("/slow") { _ in
                started.withLock { $0 = true }
                do { try await Task.sleep(for: .seconds(60)) } catch { cancelled.withLock { $0 = true } }
                return "slow"
            }
        }
        try await withServer(routes: routes) { server in
            do {
                let client = try RawClient(port: server.port)
                try await client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
                for _ in 0..<500 where !started.withLock({ $0 }) {
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            for _ in 0..<500 where !cancelled.withLock({ $0 }) {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(cancelled.withLock { $0 })
        }
    }

    private func uploads(_ app: Application) {
        app.use(BodyLimit { request in request.route == "/large" ? 100 : 10 })
        for path in ["/upload", "/large"] {
            app.post(path) { request in
                var count = 0
                for try await piece in request.body { count += piece.count }
                return "\(count)"
            }
        }
        app.post("/ignores") { _ async in "ignored" }
    }

    @Test(
        "content that is announced as too large is 413 before it comes, in chunks when there is too much of it"
    )
    func body() async throws {
        func chunked(_ count: Int) -> String {
            let chunks = String(repeating: "5\r\nabcde\r\n", count: count)
            return "Host: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)0\r\n\r\n"
        }
        try await withServer(routes: uploads) { server in
            let announced = try RawClient(port: server.port)
            try await announced.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n")
            let early = try await announced.read(until: "exceeds 10 bytes")
            #expect(early.hasPrefix("HTTP/1.1 413"))
            #expect(try await exchange(server, "POST /upload HTTP/1.1\r\n" + chunked(2)).hasSuffix("10"))
            let late = try await exchange(server, "POST /upload HTTP/1.1\r\n" + chunked(3))
            #expect(late.hasPrefix("HTTP/1.1 413") && late.contains("exceeds 10 bytes"))
            #expect(try await exchange(server, "POST /large HTTP/1.1\r\n" + chunked(3)).hasSuffix("15"))
            #expect(
                try await exchange(server, "POST /ignores HTTP/1.1\r\n" + chunked(3)).hasSuffix("ignored"))
        }
    }

    @Test("the limit holds while content is streamed, over HTTP/2 without an announced length")
    func streamed() async throws {
        try await withServer(routes: uploads) { server in
            let client = try HTTP2Client(server)
            #expect(try await client.exchange("POST", "/upload", content: [1, 2, 3]).text == "3")
            let large = try await client.exchange(
                "POST", "/upload", content: [UInt8](repeating: 1, count: 5000))
            #expect(large.status == "413")
        }
    }

    @Test(
        "more requests than are let in at a time are 503 with Retry-After, and count no longer than they run")
    func concurrency() async throws {
        let isReleased = Lock(false)
        let running = Lock(0)
        let memory = try InMemory { app in
            app.use(ConcurrencyLimit(2, retryAfter: .seconds(7)))
            app.get("/") { _ in
                running.withLock { $0 += 1 }
                while !isReleased.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(1)) }
                return "ok"
            }
        }
        async let first = memory.respond("GET", "/")
        async let second = memory.respond("GET", "/")
        for _ in 0..<500 where running.withLock({ $0 }) < 2 { try await Task.sleep(for: .milliseconds(10)) }
        let third = try await memory.respond("GET", "/")
        #expect(third.status == .serviceUnavailable && third.headers[.retryAfter] == "7")
        isReleased.withLock { $0 = true }
        #expect(try await [first.text, second.text] == ["ok", "ok"])
        #expect(try await memory.respond("GET", "/").text == "ok")
    }
}
