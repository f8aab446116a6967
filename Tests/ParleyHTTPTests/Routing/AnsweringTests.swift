import HTTP2Peer
import HTTPTypes
import ParleyTransport
import Synchronization
import Testing

@testable import ParleyHTTP

/// Handlers that answer at once, later, or leave it to somebody else.
@Suite struct AnsweringTests {
    /// Responses that the test gives.
    private final class Desk: Sendable {
        private let waiting = Lock<[String: PendingResponse]>([:])
        let cancelled = Atomic(0)
        /// Given to clients that go.
        let farewell: String?

        init(farewell: String? = nil) { self.farewell = farewell }

        func answer(_ request: Request) -> Answer {
            let pending = PendingResponse()
            pending.onCancel { [self] in
                cancelled.add(1, ordering: .relaxed)
                if let farewell { pending.complete(with: .text(farewell)) }
            }
            waiting.withLock { $0[request.path] = pending }
            return .pending(pending)
        }

        /// The response that is awaited at a path, once it is.
        func pending(_ path: String) async throws -> PendingResponse {
            try await waitUntil { waiting.withLock { $0[path] } != nil }
            return try #require(waiting.withLock { $0[path] })
        }
    }

    private func routes(_ app: Application, _ desk: Desk) {
        app.get.answering("/now") { _ in
            .now(.text(withUnsafeCurrentTask { $0 == nil } ? "no task" : "a task"))
        }
        app.get.answering("/later") { request in
            .later {
                try await Task.sleep(for: .milliseconds(1))
                return .text("on the loop: \(request.loop.isCurrent)")
            }
        }
        app.get.answering("/throws") { _ in throw HTTPError(.conflict, "at once") }
        app.get.answering("/throws-later") { _ in .later { throw HTTPError(.conflict, "later") } }
        app.get.answering("/pending/:n") { request in desk.answer(request) }
        app.get.answering("/given") { _ in
            let pending = PendingResponse()
            pending.complete(with: .text("given before"))
            return .pending(pending)
        }
        app.get("/sync") { _ in "sync" }
    }

    private static let paths = [
        ("/now", "200 no task"), ("/later", "200 on the loop: true"), ("/throws", "409 at once"),
        ("/throws-later", "409 later"), ("/given", "200 given before"),
    ]

    @Test(arguments: paths) func `Answers over HTTP/1.1`(path: String, expected: String) async throws {
        try await withServer(routes: { routes($0, Desk()) }) { server in
            let request = "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            let answer = try await exchange(server, request)
            #expect("\(answer.dropFirst(9).prefix(3)) \(answer.content)" == expected)
        }
    }

    @Test(arguments: paths) func `Answers over HTTP/2`(path: String, expected: String) async throws {
        try await withServer(routes: { routes($0, Desk()) }) { server in
            let response = try await HTTP2Client(server).exchange("GET", path)
            #expect("\(response.status ?? "") \(response.text)" == expected)
        }
    }

    @Test(arguments: paths) func `Behind middleware they are the same, in its task`(
        path: String, expected: String
    ) async throws {
        let expected = path == "/now" ? "200 a task" : expected
        try await withServer {
            $0.use { request, next in try await next(request) }
            routes($0, Desk())
        } _: { server in
            let request = "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            let answer = try await exchange(server, request)
            #expect("\(answer.dropFirst(9).prefix(3)) \(answer.content)" == expected)
        }
    }

    @Test func `A response is given from another thread, and the connection goes on behind it`() async throws
    {
        let desk = Desk()
        try await withServer(routes: { routes($0, desk) }) { server in
            let client = try RawClient(port: server.port)
            for number in 1...3 {
                try await client.send(
                    "GET /pending/\(number) HTTP/1.1\r\nHost: x\r\n\r\nGET /sync HTTP/1.1\r\nHost: x\r\n\r\n")
                let pending = try await desk.pending("/pending/\(number)")
                #expect(pending.complete(with: .text("<\(number)>")))
                #expect(!pending.complete(with: .text("again")))
                let answers = try await client.read(until: "sync")
                #expect(answers.count(of: "HTTP/1.1 200 OK") == 2)
                #expect(answers.contains("<\(number)>HTTP/1.1"))
            }
            #expect(desk.cancelled.load(ordering: .relaxed) == 0)
        }
    }

    @Test func `Streams of HTTP/2 wait each for its own`() async throws {
        let desk = Desk()
        try await withServer(routes: { routes($0, desk) }) { server in
            let client = try HTTP2Client(server)
            let streams = (1...3).map { client.peer.request("GET", "/pending/\($0)") }
            try await client.flush()
            for number in [2, 3, 1] {
                let pending = try await desk.pending("/pending/\(number)")
                #expect(pending.complete(with: .text("<\(number)>")))
                #expect(try await client.finish(streams[number - 1]).text == "<\(number)>")
            }
        }
    }

    @Test func `What fails is answered as what a handler throws`() async throws {
        let desk = Desk()
        try await withServer(routes: { routes($0, desk) }) { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /pending/1 HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await desk.pending("/pending/1").fail(HTTPError(.gone, "no more")))
            #expect(try await client.read(until: "no more").hasPrefix("HTTP/1.1 410 "))
            try await client.send("GET /pending/2 HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await desk.pending("/pending/2").fail(Failure()))
            let answer = try await client.read(until: "\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 500 ") && !answer.contains("hunter2"))
        }
    }

    @Test func `Who gives a response hears that the client has gone, once`() async throws {
        let desk = Desk()
        try await withServer(routes: { routes($0, desk) }) { server in
            do {
                let client = try RawClient(port: server.port)
                try await client.send("GET /pending/1 HTTP/1.1\r\nHost: x\r\n\r\n")
                _ = try await desk.pending("/pending/1")
            }
            try await waitUntil { desk.cancelled.load(ordering: .relaxed) == 1 }
            // Too late, and no harm.
            let pending = try await desk.pending("/pending/1")
            #expect(!pending.complete(with: .text("late")))
            let late = Atomic(0)
            pending.onCancel { late.add(1, ordering: .relaxed) }
            #expect(late.load(ordering: .relaxed) == 1)
            let answer = try await exchange(
                server, "GET /sync HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(answer.content == "sync")
            #expect(desk.cancelled.load(ordering: .relaxed) == 1)
        }
    }

    @Test(arguments: [nil, "farewell"])
    func `A client that ended its direction only gets what is given within the call`(
        farewell: String?
    ) async throws {
        let desk = Desk(farewell: farewell)
        try await withServer(routes: { routes($0, desk) }) { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /pending/1 HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await desk.pending("/pending/1")
            client.finish()
            let answer = try await client.readToEnd()
            #expect(answer.hasPrefix(farewell == nil ? "HTTP/1.1 500 " : "HTTP/1.1 200 "))
            #expect(farewell == nil || answer.content == farewell)
            #expect(desk.cancelled.load(ordering: .relaxed) == 1)
        }
    }

    /// The connection, or the task, holds the response, and the response the connection: neither may stay.
    @Test(arguments: [false, true], [false, true]) func `Nothing is left of clients that go`(
        isHTTP2: Bool, hasMiddleware: Bool
    ) async throws {
        let kept = Lock<[Kept]>([])
        func routes(_ app: Application) {
            if hasMiddleware { app.use { request, next in try await next(request) } }
            app.get.answering("/pending") { request in
                let pending = PendingResponse()
                kept.withLock { $0.append(Kept(pending)) }
                return .pending(pending)
            }
            app.get("/sync") { _ in "sync" }
        }
        try await withServer(routes: routes) { server in
            if isHTTP2 {
                // More than may be open at a time, fewer than would be an attack.
                let client = try HTTP2Client(server)
                for round in 1...11 {
                    let streams = (1...10).map { _ in client.peer.request("GET", "/pending") }
                    try await client.flush()
                    try await waitUntil { kept.withLock { $0.count } == 10 * round }
                    for stream in streams { client.peer.reset(stream) }
                    try await client.flush()
                    try await waitUntil { kept.withLock { $0.allSatisfy { $0.pending == nil } } }
                }
                #expect(try await client.exchange("GET", "/sync").text == "sync")
            } else {
                for round in 1...20 {
                    let client = try RawClient(port: server.port)
                    try await client.send("GET /pending HTTP/1.1\r\nHost: x\r\n\r\n")
                    try await waitUntil { kept.withLock { $0.count } == round }
                    client.finish()
                    _ = try await client.readToEnd()
                }
            }
            try await waitUntil { kept.withLock { $0.allSatisfy { $0.pending == nil } } }
            try await waitUntil { server.connectionCount == 0 || isHTTP2 }
        }
    }

    private struct Kept {
        weak var pending: PendingResponse?
        init(_ pending: PendingResponse) { self.pending = pending }
    }

    @Test
    func `A response that is returned for a second request is an error there, and stays the first one's`()
        async throws
    {
        let shared = PendingResponse()
        let asked = Atomic(0)
        try await withServer {
            $0.get.answering("/shared") { _ in
                asked.add(1, ordering: .relaxed)
                return .pending(shared)
            }
        } _: { server in
            let first = try RawClient(port: server.port)
            try await first.send("GET /shared HTTP/1.1\r\nHost: x\r\n\r\n")
            try await waitUntil { asked.load(ordering: .relaxed) == 1 }
            let request = "GET /shared HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            #expect(try await exchange(server, request).hasPrefix("HTTP/1.1 500 "))
            #expect(shared.complete(with: .text("given")))
            #expect(try await first.read(until: "given").hasPrefix("HTTP/1.1 200 "))
            #expect(!shared.complete(with: .text("again")))
            #expect(try await exchange(server, request).hasPrefix("HTTP/1.1 500 "))
        }
    }

    @Test func `A stream that is reset is cancelled, the others aren't`() async throws {
        let desk = Desk()
        try await withServer(routes: { routes($0, desk) }) { server in
            let client = try HTTP2Client(server)
            let (gone, stays) = (
                client.peer.request("GET", "/pending/1"), client.peer.request("GET", "/pending/2")
            )
            try await client.flush()
            _ = try await desk.pending("/pending/2")
            client.peer.reset(gone, code: 8)
            try await client.flush()
            try await waitUntil { desk.cancelled.load(ordering: .relaxed) == 1 }
            #expect(try await !desk.pending("/pending/1").complete(with: .text("late")))
            #expect(try await desk.pending("/pending/2").complete(with: .text("in time")))
            #expect(try await client.finish(stays).text == "in time")
        }
    }

    @Test func `Behind middleware a client that goes is heard of too`() async throws {
        let desk = Desk()
        try await withServer { app in
            app.use { request, next in try await next(request) }
            routes(app, desk)
        } _: { server in
            do {
                let client = try RawClient(port: server.port)
                try await client.send("GET /pending/1 HTTP/1.1\r\nHost: x\r\n\r\n")
                _ = try await desk.pending("/pending/1")
            }
            try await waitUntil { desk.cancelled.load(ordering: .relaxed) == 1 }
            try await waitUntil { server.connectionCount == 0 }
            #expect(try await !desk.pending("/pending/1").complete(with: .text("late")))
        }
    }

    @Test func `A response that was cancelled before anybody listened says so at once`() {
        let pending = PendingResponse()
        pending.cancel()
        let calls = Atomic(0)
        pending.onCancel { calls.add(1, ordering: .relaxed) }
        #expect(calls.load(ordering: .relaxed) == 1)
        pending.cancel()
        #expect(calls.load(ordering: .relaxed) == 1)
    }

    @Test func `Nobody hears of the end of what was given before`() {
        let pending = PendingResponse()
        let calls = Atomic(0)
        pending.onCancel { calls.add(1, ordering: .relaxed) }
        pending.complete(with: .text("given"))
        pending.cancel()
        pending.onCancel { calls.add(1, ordering: .relaxed) }
        #expect(calls.load(ordering: .relaxed) == 0)
    }

    @Test func `Everybody who asked hears of the end`() {
        let pending = PendingResponse()
        let calls = Atomic(0)
        for _ in 1...3 { pending.onCancel { calls.add(1, ordering: .relaxed) } }
        pending.cancel()
        #expect(calls.load(ordering: .relaxed) == 3)
        #expect(!pending.complete(with: .text("late")))
    }
}
