import HTTPTypes
import Logging
import ParleyHTTP
import ParleyTesting
import Testing

private struct Item: Codable, Equatable { var name: String }

/// An application that answers with everything that a test may ask about.
private func application(configure: (inout ServerConfiguration) -> Void = { _ in }) -> Application {
    var configuration = ServerConfiguration()
    configuration.loopCount = 1
    configure(&configuration)
    let app = Application(
        configuration: configuration, logger: Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() })
    app.get("/hello") { _ in "hello" }
    app.get("/address") { request in request.remoteAddress?.host ?? "none" }
    app.get("/header") { request in request.headers[HTTPField.Name("X-Test")!] ?? "none" }
    app.get("/fails") { _ -> String in throw HTTPError(.teapot, "no coffee") }
    app.post("/items") { request in try await request.decode(Item.self) }
    app.post("/echo") { request in try await request.body.collect() }
    app.get("/pieces") { _ in
        Response(
            body: .stream { writer in
                for piece in 0..<3 { try await writer.write(Array("piece \(piece);".utf8)) }
                try await writer.setTrailers([HTTPField.Name("X-Count")!: "3"])
            })
    }
    app.webSocket("/socket") { socket in
        for try await message in socket { try await socket.send(message) }
    }
    return app
}

@Suite("Application.test: the same assertions in memory and live")
struct ApplicationTestTests {
    static let servings: [(String, TestServing)] = [("memory", .memory), ("live", .live)]

    @Test("requests are answered with status, fields and content", arguments: servings)
    func requests(name: String, serving: TestServing) async throws {
        try await application().test(serving) { client in
            let hello = try await client.get("/hello")
            #expect(hello.status == .ok && hello.text == "hello" && hello.keepsConnection)
            #expect(hello.headers[.contentLength] == "5" && hello.headers[.date] != nil)
            let head = try await client.head("/hello")
            #expect(head.headers[.contentLength] == "5" && head.body.isEmpty)
            #expect(try await client.get("/nothing").status == .notFound)
            #expect(try await client.delete("/hello").headers[.allow] == "GET, HEAD, OPTIONS")
            let failed = try await client.get("/fails")
            #expect(failed.status.code == 418 && failed.text == "no coffee")
        }
    }

    @Test("contents of every kind are sent", arguments: servings)
    func bodies(name: String, serving: TestServing) async throws {
        try await application().test(serving) { client in
            let item = Item(name: "tea")
            let answer = try await client.post("/items", body: .json(item))
            #expect(try answer.decode(Item.self) == item)
            #expect(try await client.post("/items", body: "no JSON").status == .badRequest)
            #expect(
                try await client.post("/echo", body: .form(["a b": "ü&", "c": "1"])).text
                    == "a+b=%C3%BC%26&c=1")
            let large = [UInt8](repeating: 7, count: 1_000_000)
            #expect(try await client.post("/echo", body: .bytes(large)).body == large)
        }
    }

    @Test("a streamed response is read as it comes, with its trailers", arguments: servings)
    func streams(name: String, serving: TestServing) async throws {
        try await application().test(serving) { client in
            var text = ""
            for try await piece in try await client.stream(.get, "/pieces") {
                text += String(decoding: piece, as: UTF8.self)
            }
            #expect(text == "piece 0;piece 1;piece 2;")
            let whole = try await client.get("/pieces", headers: [.te: "trailers", .connection: "TE"])
            #expect(whole.text == text && whole.trailers[HTTPField.Name("X-Count")!] == "3")
        }
    }

    @Test("WebSockets talk, close and are refused", arguments: servings)
    func webSockets(name: String, serving: TestServing) async throws {
        try await application().test(serving) { client in
            let socket = try await client.webSocket("/socket")
            socket.send("hello")
            #expect(try await socket.next() == .text("hello"))
            let large = [UInt8](repeating: 1, count: 300_000)
            socket.send(large)
            #expect(try await socket.next() == .binary(large))
            socket.close(code: 4000)
            #expect(try await socket.next() == nil && socket.closeCode == 4000)
            await #expect(throws: TestClientError.self) { try await client.webSocket("/hello") }
        }
    }

    @Test(
        "fields of the client go with every request, and give way to the request's own", arguments: servings)
    func headers(name: String, serving: TestServing) async throws {
        let field = HTTPField.Name("X-Test")!
        try await application().test(serving) { original in
            var client = original
            client.headers[field] = "one"
            let response = try await client.get("/header")
            #expect(response.text == "one")
            #expect(try await client.get("/header", headers: [field: "two"]).text == "two")
        }
    }

    @Test("a connection takes bytes that are no HTTP", arguments: servings)
    func rawBytes(name: String, serving: TestServing) async throws {
        try await application().test(serving) { client in
            let connection = try await client.connect()
            connection.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\nHost: a\r\n\r\n")
            let text = try await connection.readToEnd()
            #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("HTTP/1.1 400 "))
        }
    }

    @Test("a handler that never answers is a timeout that names the request")
    func timeout() async throws {
        let app = application()
        app.get("/never") { _ in
            try await Task.sleep(for: .seconds(60))
            return "late"
        }
        try await app.test { original in
            var client = original
            client.timeout = .milliseconds(50)
            let error = try #require(
                await #expect(throws: TestClientError.self) { try await client.get("/never") })
            #expect("\(error)".contains("GET /never"))
        }
    }

    @Test("in memory the client's address is what the test says")
    func address() async throws {
        try await application().test { original in
            var client = original
            let first = try await client.get("/address")
            #expect(first.text == "127.0.0.1")
            client.address = .init(host: "192.0.2.7", port: 1)
            #expect(try await client.get("/address").text == "192.0.2.7")
        }
    }

    @Test("what the body throws is thrown, and the hooks of the shutdown have run", arguments: servings)
    func failures(name: String, serving: TestServing) async throws {
        struct Failure: Error {}
        let app = application()
        await confirmation { stopped in
            app.onShutdown { stopped() }
            await #expect(throws: Failure.self) { try await app.test(serving) { _ in throw Failure() } }
        }
    }
}

@Suite("Application.test: the manual clock")
struct ManualClockTests {
    @Test("an idle connection is closed when its time has passed, in no time")
    func idle() async throws {
        let clock = ManualClock()
        let start = ContinuousClock.now
        try await application().test(.memory(clock: clock)) { client in
            let connection = try await client.connect()
            connection.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await connection.read()
            await clock.advance(by: .seconds(74))
            connection.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await connection.read() != nil)
            await clock.advance(by: .seconds(76))
            #expect(try await connection.read() == nil)
        }
        #expect(start.duration(to: .now) < .seconds(1))
    }

    @Test("a WebSocket that doesn't answer its ping is gone after interval and timeout")
    func heartbeat() async throws {
        let clock = ManualClock()
        let start = ContinuousClock.now
        try await application().test(.memory(clock: clock)) { client in
            let socket = try await client.webSocket("/socket")
            await clock.advance(by: .seconds(29))
            socket.send("still there")
            #expect(try await socket.next() == .text("still there"))
            await clock.advance(by: .seconds(51))
            #expect(try await socket.next() == nil && socket.closeCode == 1006)
        }
        #expect(start.duration(to: .now) < .seconds(1))
    }

    @Test("sleepers wake in the order of their deadlines, each at its own time")
    func sleepers() async throws {
        let clock = ManualClock()
        let woken = await withTaskGroup(of: Duration.self) { group in
            for seconds in [3, 1, 2] {
                group.addTask {
                    try? await clock.sleep(until: .init(offset: .seconds(seconds)))
                    return clock.now.offset
                }
            }
            // Each has to be asleep before the clock goes on.
            for _ in 0..<100 { await Task.yield() }
            try? await Task.sleep(for: .milliseconds(20))
            var times: [Duration] = []
            for _ in 0..<3 {
                await clock.advance(by: .seconds(1))
                times.append(await group.next() ?? .zero)
            }
            return times
        }
        #expect(woken == [.seconds(1), .seconds(2), .seconds(3)])
    }

    @Test("a sleep that is cancelled throws, and one for the past returns")
    func cancellation() async throws {
        let clock = ManualClock()
        try await clock.sleep(until: clock.now)
        let task = Task { try await clock.sleep(for: .seconds(1)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

extension HTTPResponse.Status {
    fileprivate static let teapot = HTTPResponse.Status(code: 418)
}

private actor Counter {
    private(set) var value = 0
    func increment() { value += 1 }
}
