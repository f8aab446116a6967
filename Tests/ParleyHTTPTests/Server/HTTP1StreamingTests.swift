import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("HTTP/1.1 over a socket: streamed responses (H9)")
struct HTTP1StreamingTests {
    private func routes(_ app: Application) {
        app.get("/chunked") { _ in
            Response(
                body: .stream { writer in
                    for piece in ["one", "", "two"] { try await writer.write(Array(piece.utf8)) }
                })
        }
        app.get("/length") { _ async in
            Response(
                body: .stream(length: 6) { writer in
                    try await writer.write(Array("abc".utf8))
                    try await Task.sleep(for: .milliseconds(5))
                    try await writer.write(Array("def".utf8))
                })
        }
        app.get("/short") { _ in Response(body: .stream(length: 6) { try await $0.write([0x61]) }) }
        app.get("/long") { _ in
            Response(
                body: .stream(length: 3) { writer in
                    try await writer.write(Array("abc".utf8))
                    try await writer.write(Array("def".utf8))
                })
        }
        app.get("/fails") { _ in
            Response(
                body: .stream { writer in
                    try await writer.write(Array("part".utf8))
                    throw HTTPError(.badGateway)
                })
        }
        app.get("/next") { _ in "next" }
    }

    private static let next = "GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    @Test("a stream without length is chunked, one with length is not; the connection goes on")
    func framing() async throws {
        try await withServer(routes: routes) { server in
            let chunked = try await exchange(server, "GET /chunked HTTP/1.1\r\nHost: x\r\n\r\n" + Self.next)
            #expect(chunked.contains("transfer-encoding: chunked\r\n"))
            #expect(chunked.contains("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\nHTTP/1.1 200 OK"))
            let fixed = try await exchange(server, "GET /length HTTP/1.1\r\nHost: x\r\n\r\n" + Self.next)
            #expect(fixed.contains("content-length: 6\r\n"))
            #expect(fixed.contains("\r\n\r\nabcdefHTTP/1.1 200 OK"))
        }
    }

    @Test("HTTP/1.0 knows no chunks: the connection's end is the stream's")
    func http10() async throws {
        try await withServer(routes: routes) { server in
            let answer = try await exchange(server, "GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(answer.content == "onetwo")
            #expect(answer.contains("connection: close\r\n"))
        }
    }

    @Test("HEAD gets the head only, and nothing is produced")
    func head() async throws {
        try await withServer(routes: routes) { server in
            let answer = try await exchange(server, "HEAD /length HTTP/1.1\r\nHost: x\r\n\r\n" + Self.next)
            #expect(answer.contains("content-length: 6\r\n"))
            #expect(answer.contains("\r\n\r\nHTTP/1.1 200 OK"))
        }
    }

    @Test(
        "a stream that is too short, too long or fails ends the connection",
        arguments: ["short", "long", "fails"])
    func broken(path: String) async throws {
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /\(path) HTTP/1.1\r\nHost: x\r\n\r\n")
            await #expect(throws: RawClient.Failure.self) { _ = try await client.readToEnd() }
            let last = try await exchange(server, Self.next)
            #expect(last.hasSuffix("next"))
        }
    }

    @Test("a writer waits while the client doesn't read, and goes on when it does")
    func backpressure() async throws {
        let written = Lock(0)
        func routes(_ app: Application) {
            app.get("/") { _ in
                Response(
                    body: .stream(length: 60_000_000) { writer in
                        let piece = [UInt8](repeating: 7, count: 100_000)
                        for _ in 0..<600 {
                            try await writer.write(piece)
                            written.withLock { $0 += 1 }
                        }
                    })
            }
        }
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port, receiveBuffer: 64 * 1024)
            try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try await Task.sleep(for: .milliseconds(300))
            #expect(written.withLock { $0 } < 300)
            #expect(try await client.read(atLeast: 60_000_000).count > 60_000_000)
        }
    }

    @Test("a writer whose client is gone throws, and its task is cancelled")
    func clientGone() async throws {
        let outcome = Lock<String?>(nil)
        func routes(_ app: Application) {
            app.get("/") { _ in
                Response(
                    body: .stream { writer in
                        do {
                            while true { try await writer.write([UInt8](repeating: 7, count: 100_000)) }
                        } catch {
                            outcome.withLock { $0 = "\(error) \(Task.isCancelled)" }
                            throw error
                        }
                    })
            }
        }
        try await withServer(routes: routes) { server in
            do {
                let client = try RawClient(port: server.port)
                try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                _ = try await client.read()
            }
            for _ in 0..<200 where outcome.withLock({ $0 }) == nil {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(outcome.withLock { $0 } == "connectionClosed true")
        }
    }

    @Test("pipelined requests of a client that never reads don't fill the memory")
    func neverReading() async throws {
        let answered = Lock(0)
        func routes(_ app: Application) {
            app.get("/") { _ in
                answered.withLock { $0 += 1 }
                return [UInt8](repeating: 7, count: 100_000)
            }
        }
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port, receiveBuffer: 64 * 1024)
            let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
            try await client.send(String(repeating: request, count: 1000))
            try await Task.sleep(for: .milliseconds(300))
            #expect(answered.withLock { $0 } < 100)
            _ = try await client.read(atLeast: 100_000_000)
            #expect(answered.withLock { $0 } == 1000)
        }
    }
}
