import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("HTTP/1.1: what takes too long (H22)")
struct HTTP1TimeTests {
    private func routes(_ app: Application) {
        app.post("/echo") { request in try await request.body.collect() }
        app.get("/slow") { _ async throws in
            try await Task.sleep(for: .milliseconds(400))
            return "slow"
        }
        app.get("/next") { _ in "next" }
        app.post("/ignore") { _ in "ignored" }
    }

    @Test("an unfinished header section is 408 at the time from its first byte, however it drips")
    func headerTimeout() async throws {
        try await withServer(configure: { $0.headerTimeout = .milliseconds(200) }, routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await client.read(until: "next")
            let dripping = Task {
                for byte in "GET /next HTTP/1.1\r\nHost: x\r\nX: aaaaaaaaaaaaaaaaaaaaaaaa".utf8 {
                    try await client.send([byte])
                    try await Task.sleep(for: .milliseconds(30))
                }
            }
            let answer = try await client.readToEnd()
            dripping.cancel()
            #expect(answer.hasPrefix("HTTP/1.1 408 Request Timeout"))
            #expect(answer.contains("headerTimeout"))
        }
    }

    @Test("an idle connection is closed without a word, also one that never sent anything")
    func idle() async throws {
        try await withServer(configure: { $0.keepAliveTimeout = .milliseconds(150) }, routes: routes) {
            server in
            #expect(try await exchange(server, "") == "")
            let answer = try await exchange(server, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(answer.content == "next")
            #expect(!answer.contains("connection:"))
        }
    }

    @Test("a handler may take longer than an idle connection may be silent")
    func slowHandler() async throws {
        try await withServer(configure: { $0.keepAliveTimeout = .milliseconds(100) }, routes: routes) {
            server in
            let answer = try await exchange(server, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(answer.content == "slow")
        }
    }

    @Test("content that stops is 408")
    func bodySilence() async throws {
        try await withServer(configure: { $0.bodyTimeout = .milliseconds(150) }, routes: routes) { server in
            let answer = try await exchange(
                server, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
            #expect(answer.contains("bodyTimeout"))
        }
    }

    @Test("content that drips below the rate is 408")
    func bodyRate() async throws {
        func configure(_ configuration: inout ServerConfiguration) {
            configuration.bodyRateGrace = .milliseconds(200)
        }
        try await withServer(configure: configure, routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n")
            let dripping = Task {
                while !Task.isCancelled {
                    try await client.send("x")
                    try await Task.sleep(for: .milliseconds(30))
                }
            }
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 408 "))
            dripping.cancel()
        }
    }

    @Test("a client that waits for 100 Continue isn't timed while the handler doesn't read")
    func waitingForContinue() async throws {
        func routes(_ app: Application) {
            app.post("/") { request async throws in
                try await Task.sleep(for: .milliseconds(1200))
                return try await request.body.collect()
            }
        }
        try await withServer(configure: { $0.bodyTimeout = .seconds(1) }, routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send(
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            _ = try await client.read(until: "100 Continue\r\n\r\n")
            try await client.send("ok")
            #expect(try await client.read(until: "ok").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("content that is to be discarded and doesn't come ends the connection")
    func drainTimeout() async throws {
        try await withServer(configure: { $0.drainTimeout = .milliseconds(150) }, routes: routes) { server in
            let answer = try await exchange(
                server, "POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
            #expect(answer.hasSuffix("ignored"))
        }
    }

    @Test("the time while the server itself doesn't read content doesn't count")
    func pausedContent() {
        let timeouts = ServerTimeouts(ServerConfiguration())
        var watch = HTTP1Watch(now: at(0))
        watch.expectContent(at: at(0))
        watch.receivedContent(1, at: at(1))
        #expect(watch.deadline(timeouts) == at(10))
        watch.pauseContent(at: at(2))
        #expect(watch.deadline(timeouts) == nil)
        watch.resumeContent(at: at(102))
        #expect(watch.deadline(timeouts) == at(110))
        watch.receivedContent(1024 * 20, at: at(103))
        #expect(watch.deadline(timeouts) == at(120))
        watch.receivedContent(1024 * 1000, at: at(103))
        #expect(watch.deadline(timeouts) == at(133))
    }

    private func at(_ seconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: seconds * 1000) }
}
