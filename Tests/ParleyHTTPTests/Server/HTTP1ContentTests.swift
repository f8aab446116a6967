import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("HTTP/1.1 over a socket: requests' content (H8, H10)")
struct HTTP1ContentTests {
    private func routes(_ app: Application) {
        app.post("/echo") { request in try await request.body.collect(upTo: 4_000_000) }
        app.post("/limit") { request in try await request.body.collect(upTo: 10) }
        app.post("/ignore") { _ in "ignored" }
        app.get("/next") { _ in "next" }
    }

    @Test("100 Continue is sent once, when the handler begins to read")
    func expectContinue() async throws {
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send(
                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            #expect(try await client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("hello")
            let response = try await client.read(until: "hello")
            #expect(response.hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    @Test("an early error closes without 100 Continue", arguments: ["limit", "ignore", "nothing"])
    func earlyError(path: String) async throws {
        try await withServer(routes: routes) { server in
            let answer = try await exchange(
                server,
                "POST /\(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\nExpect: 100-continue\r\n\r\n")
            #expect(!answer.contains("100 Continue"))
            #expect(answer.contains("connection: close\r\n"))
        }
    }

    @Test("a client that doesn't wait for 100 Continue gets none")
    func impatient() async throws {
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send(
                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
            #expect(try await client.read(until: "hello").hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    @Test("content above the handler's limit is 413 and names the limit")
    func tooLarge() async throws {
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send("POST /limit HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world")
            let response = try await client.read(until: "bytes")
            #expect(response.hasPrefix("HTTP/1.1 413 Content Too Large"))
            #expect(response.content.contains("10 bytes"))
        }
    }

    @Test("a little content that nobody read is discarded, and the connection goes on")
    func unreadContent() async throws {
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            let body = String(repeating: "x", count: 100_000)
            try await client.send("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
            #expect(try await client.read(until: "ignored").hasPrefix("HTTP/1.1 200 OK"))
            try await client.send(body + "GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.read(until: "next").hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    @Test(
        "content that came with its head and filled the buffer doesn't stop the connection",
        arguments: ["ignore", "echo"])
    func bufferedContent(path: String) async throws {
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            let head = "POST /\(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
            try await client.send(head + String(repeating: "x", count: 100_000))
            _ = try await client.read(
                until: path == "echo" ? String(repeating: "x", count: 100_000) : "ignored")
            try await client.send("GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.read(until: "next").hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    @Test("much content that nobody read ends the connection, and the response still arrives")
    func muchUnreadContent() async throws {
        try await withServer(routes: routes) { server in
            let announced = try RawClient(port: server.port)
            try await announced.send("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n")
            try await announced.send([UInt8](repeating: 1, count: 1_000_000))
            #expect(try await announced.readToEnd().contains("connection: close\r\n"))
            let chunked = try RawClient(port: server.port)
            try await chunked.send("POST /ignore HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<5 {
                try await chunked.send("20000\r\n" + String(repeating: "x", count: 0x20000) + "\r\n")
            }
            #expect(try await chunked.readToEnd().hasSuffix("ignored"))
        }
    }

    @Test("4 MB arrive whole, announced and in chunks")
    func large() async throws {
        try await withServer(configure: { $0.bodyTimeout = .seconds(5) }, routes: routes) { server in
            let body = [UInt8]((0..<4_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
            let client = try RawClient(port: server.port)
            try await client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n")
            try await client.send(body)
            #expect(try await client.read(atLeast: 4_000_000).suffix(4_000_000) == body[...])
            let chunked = try RawClient(port: server.port)
            try await chunked.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in stride(from: 0, to: 4_000_000, by: 100_000) {
                try await chunked.send("186a0\r\n")
                try await chunked.send(Array(body[start..<start + 100_000]))
                try await chunked.send("\r\n")
            }
            try await chunked.send("0\r\n\r\n")
            #expect(try await chunked.read(atLeast: 4_000_000).suffix(4_000_000) == body[...])
        }
    }

    @Test("while the handler doesn't read, the client can't send much more")
    func backpressure() async throws {
        let gate = Gate()
        func routes(_ app: Application) {
            app.post("/later") { request async throws in
                await gate.wait()
                var sum = 0
                for try await piece in request.body { sum += piece.count }
                return "\(sum)"
            }
        }
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send("POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n")
            let sent = Lock(0)
            let sender = Task {
                let piece = [UInt8](repeating: 7, count: 100_000)
                for _ in 0..<500 {
                    try await client.send(piece)
                    sent.withLock { $0 += 1 }
                }
            }
            try await Task.sleep(for: .milliseconds(300))
            #expect(sent.withLock { $0 } < 400)
            gate.open()
            try await sender.value
            #expect(try await client.read(until: "50000000").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("content that breaks off throws in the handler")
    func brokenOff() async throws {
        let outcome = Lock("")
        func routes(_ app: Application) {
            app.post("/") { request async throws -> String in
                do {
                    return "\(try await request.body.collect().count)"
                } catch {
                    outcome.withLock { $0 = "\(error)" }
                    throw error
                }
            }
        }
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nabc")
            client.finish()
            _ = try await client.readToEnd()
            #expect(outcome.withLock { $0 } == "connectionClosed")
        }
    }
}

/// Lets tasks wait until it is opened.
final class Gate: Sendable {
    private let state = Lock((isOpen: false, waiters: [CheckedContinuation<Void, Never>]()))

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
