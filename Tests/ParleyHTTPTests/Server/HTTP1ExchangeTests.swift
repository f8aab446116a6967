import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("HTTP/1.1 over a socket: exchanges, pipelining, persistence (H1, H2, H10)")
struct HTTP1ExchangeTests {
    private func routes(_ app: Application) {
        app.get("/sync") { _ in "sync" }
        app.get("/async") { _ async throws in
            try await Task.sleep(for: .milliseconds(5))
            return "async"
        }
        app.get("/immediate") { _ async in "immediate" }
        app.get("/n/:n") { request in request.parameters["n"] }
        app.get("/slow/:n") { request async throws in
            try await Task.sleep(for: .milliseconds(1))
            return request.parameters["n"]
        }
        app.post("/echo") { request in try await request.body.collect(upTo: 4_000_000) }
        app.post("/ignore") { _ in "ignored" }
        app.get("/nocontent") { _ in HTTPResponse.Status.noContent }
        app.get("/notmodified") { _ in HTTPResponse.Status.notModified }
    }

    @Test("synchronous and asynchronous handlers answer on a persistent connection")
    func keepAlive() async throws {
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            for path in ["sync", "async", "immediate", "sync"] {
                try await client.send("GET /\(path) HTTP/1.1\r\nHost: x\r\n\r\n")
                let response = try await client.read(until: "\r\n\r\n\(path)")
                #expect(response.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(!response.contains("connection:"))
            }
        }
    }

    @Test("handlers run on the connection's loop", arguments: ["/sync", "/async"])
    func executor(path: String) async throws {
        func routes(_ app: Application) {
            app.get("/sync") { request in "\(request.loop.isCurrent)" }
            app.get("/async") { request async throws in
                try await Task.sleep(for: .milliseconds(1))
                return "\(request.loop.isCurrent)"
            }
        }
        try await withServer(loops: 2, routes: routes) { server in
            let request = "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            let answer = try await exchange(server, request)
            #expect(answer.content == "true")
        }
    }

    @Test("pipelined requests are answered in their order", arguments: ["n", "slow"])
    func pipelining(path: String) async throws {
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            var text = (1...300).map { "GET /\(path)/<\($0)> HTTP/1.1\r\nHost: x\r\n\r\n" }.joined()
            text += "GET /n/last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            try await client.send(text)
            let answers = try await client.readToEnd()
            var position = answers.startIndex
            for number in 1...300 {
                let found = try #require(answers.range(of: "<\(number)>", range: position..<answers.endIndex))
                position = found.upperBound
            }
            #expect(answers.hasSuffix("last"))
        }
    }

    @Test("5,000 requests in one piece, synchronous and asynchronous mixed, need no deep stack")
    func deepPipelining() async throws {
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            let pair = "GET /immediate HTTP/1.1\r\nHost: x\r\n\r\nGET /sync HTTP/1.1\r\nHost: x\r\n\r\n"
            async let sending: Void = client.send(
                String(repeating: pair, count: 2500)
                    + "GET /sync HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let answers = try await client.readToEnd()
            try await sending
            #expect(answers.count(of: "HTTP/1.1 200 OK") == 5001)
        }
    }

    @Test("a request in pieces of one byte is understood")
    func byteByByte() async throws {
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            let text =
                "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            for byte in text.utf8 { try await client.send([byte]) }
            #expect(try await client.read(until: "abcde").hasSuffix("\r\n\r\nabcde"))
        }
    }

    @Test("HEAD, 204 and 304 carry no content, and the connection goes on")
    func noContent() async throws {
        try await withServer(routes: routes) { server in
            let answers = try await exchange(
                server,
                "HEAD /sync HTTP/1.1\r\nHost: x\r\n\r\nGET /nocontent HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "GET /notmodified HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "GET /sync HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            let parts = answers.components(separatedBy: "HTTP/1.1 ").dropFirst()
            #expect(parts.map { $0.prefix(3) } == ["200", "204", "304", "200"])
            #expect(parts.map(\.content) == ["", "", "", "sync"])
            #expect(parts.first?.contains("content-length: 4") == true)
        }
    }

    @Test("HTTP/1.0 ends the connection unless it asks to keep it")
    func http10() async throws {
        try await withServer(routes: routes) { server in
            let last = try await exchange(server, "GET /sync HTTP/1.0\r\n\r\n")
            #expect(last.hasSuffix("\r\n\r\nsync"))
            let client = try RawClient(port: server.port)
            try await client.send("GET /sync HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try await client.read(until: "sync").contains("connection: keep-alive\r\n"))
            try await client.send("GET /sync HTTP/1.0\r\n\r\n")
            #expect(try await client.readToEnd().contains("connection: close\r\n"))
        }
    }

    @Test("after a malformed request nothing is answered, but everything before it is")
    func malformed() async throws {
        try await withServer(routes: routes) { server in
            let answers = try await exchange(
                server,
                "GET /slow/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /n/2 HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "GET /n/3 HTTP/1.1\r\nHost : x\r\n\r\nGET /n/4 HTTP/1.1\r\nHost: x\r\n\r\n")
            let parts = answers.components(separatedBy: "HTTP/1.1 ").dropFirst()
            #expect(parts.map { $0.prefix(3) } == ["200", "200", "400"])
            #expect(parts.last?.contains("connection: close\r\n") == true)
            #expect(parts.last?.content.contains("RFC 9112") == true)
            let last = try await exchange(server, "GET /sync HTTP/1.0\r\n\r\n")
            #expect(last.hasSuffix("\r\n\r\nsync"))
        }
    }

    @Test("malformed content ends the exchange with 400")
    func malformedContent() async throws {
        try await withServer(routes: routes) { server in
            let answer = try await exchange(
                server, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX")
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(answer.count(of: "HTTP/1.1") == 1)
        }
    }

    @Test("a client that ends its side gets the answers to what it asked")
    func halfClose() async throws {
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send(
                "GET /slow/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /n/2 HTTP/1.1\r\nHost: x\r\n\r\n")
            client.finish()
            let answers = try await client.readToEnd()
            #expect(answers.count(of: "HTTP/1.1") == 2)
            #expect(answers.hasSuffix("\r\n\r\n2"))
        }
    }

    @Test("the end of the client's side cancels its handler; what it answers nevertheless is sent")
    func cancellation() async throws {
        func routes(_ app: Application) {
            app.get("/wait") { _ async -> String in
                do {
                    try await Task.sleep(for: .seconds(60))
                    return "slept"
                } catch {
                    return "cancelled"
                }
            }
        }
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
            try await Task.sleep(for: .milliseconds(50))
            client.finish()
            #expect(try await client.readToEnd().content == "cancelled")
        }
    }

    @Test("a field with a line end or NUL is never sent")
    func injection() async throws {
        func routes(_ app: Application) {
            app.get("/") { request in
                Response(headers: [.location: request.query("to") ?? ""], body: .bytes([0x78]))
            }
        }
        try await withServer(routes: routes) { server in
            let answer = try await exchange(
                server,
                "GET /?to=a%0d%0aSet-Cookie:%20x=1%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(!answer.contains("\nSet-Cookie"))
            #expect(answer.count(of: "\r\n\r\n") == 1)
        }
    }

    @Test("every response has a date, and framing fields of a handler don't count")
    func serverFields() async throws {
        func routes(_ app: Application) {
            app.get("/") { _ in
                Response(
                    headers: [
                        .contentLength: "100", .transferEncoding: "chunked", .connection: "keep-alive",
                    ],
                    body: .bytes([0x78]))
            }
        }
        try await withServer(routes: routes) { server in
            let answer = try await exchange(server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                .lowercased()
            #expect(answer.count(of: "content-length") == 1)
            #expect(answer.contains("content-length: 1\r\n"))
            #expect(!answer.contains("transfer-encoding"))
            #expect(answer.contains("connection: close\r\n"))
            #expect(answer.contains("\r\ndate: "))
        }
    }
}
