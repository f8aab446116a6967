import HTTPTypes
import Parley
import ParleyTransport

/// The plain HTTP routes and the WebSocket routes.
struct Routes: Sendable {
    var settings: Settings

    func serve(on application: Application) {
        serveAnswers(on: application)
        serveClients(on: application)
        serveBodies(on: application)
        serveStreams(on: application)
        serveTrailers(on: application)
        serveHolds(on: application)
        serveFailures(on: application)
        serveWebSockets(on: application)
        serveMiddleware(on: application)
        serveFiles(on: application)
        serveCompression(on: application)
        serveContent(on: application)
    }

    private func serveAnswers(on application: Application) {
        application.get("/hello") { _ in "hello" }
        application.get("/json") { _ in Example() }
        application.get("/query") { request in request.decodedQuery }
        application.get("/users/:id") { request in try request.parameters.require("id", as: String.self) }
        application.get("/request") { request in Description(of: request) }
        application.get("/slow") { _ in
            try await Task.sleep(for: .milliseconds(100))
            return "slow"
        }
        let large = String(repeating: "x", count: 1 << 20)
        application.get("/large") { _ in large }
        application.get("/status/:code") { request in
            Response(status: .init(code: try request.parameters.require("code", as: Int.self)))
        }
    }

    private func serveBodies(on application: Application) {
        application.post("/echo") { request in try await request.body.collect() }
        application.post("/ignore-body") { _ in "ignored" }
    }

    private func serveStreams(on application: Application) {
        application.post("/upload") { request in try await Digest(of: request.body) }
        application.post("/slow-upload") { request in
            try await Task.sleep(for: .milliseconds(request.number("milliseconds") ?? 0))
            return try await Digest(of: request.body)
        }
        application.get("/stream") { request in
            let (total, size) = (request.number("bytes") ?? 0, max(1, request.number("piece") ?? 1024))
            return Response(
                body: .stream { writer in
                    var sent = 0
                    while sent < total {
                        let count = min(size, total - sent)
                        try await writer.write((sent..<sent + count).map { UInt8($0 % 251) })
                        sent += count
                    }
                })
        }
    }

    private func serveTrailers(on application: Application) {
        application.get("/trailers") { _ in
            Response(
                body: .stream { writer in
                    try await writer.write(Array("body".utf8))
                    try await writer.setTrailers([.checksum: "42"])
                })
        }
        application.post("/trailers") { request in
            _ = try await request.body.collect()
            var trailers: [String: String] = [:]
            for field in request.body.trailers ?? [:] { trailers[field.name.canonicalName] = field.value }
            return trailers
        }
    }

    /// Handlers that don't listen to their cancellation, as many do.
    private func serveHolds(on application: Application) {
        let holding = Lock(Holding())
        application.get("/hold") { request in
            let duration = Duration.milliseconds(request.number("milliseconds") ?? 0)
            holding.withLock { $0.begin() }
            await Task { try? await Task.sleep(for: duration) }.value
            holding.withLock { $0.now -= 1 }
            return "held"
        }
        application.get("/holding") { _ in holding.withLock { $0 } }
    }

    private func serveFailures(on application: Application) {
        application.get("/throws") { _ -> String in
            throw HTTPError(.init(code: 418, reasonPhrase: "I'm a teapot"), "short and stout")
        }
        application.get("/fails") { _ -> String in throw Failure() }
        application.get("/bad-header") { request in
            var response = Response.text("fine")
            let value =
                switch request.query("kind") {
                case "cr": "a\rInjected: yes"
                case "lf": "a\nInjected: yes"
                case "nul": "a\0Injected: yes"
                default: "a\r\nInjected: yes"
                }
            guard request.query("kind") != "name" else {
                guard let name = HTTPField.Name("X-Name\r\nInjected") else { throw Failure() }
                response.headers[name] = "a"
                return response
            }
            response.headers[.note] = value
            return response
        }
    }

    private func serveWebSockets(on application: Application) {
        let options = settings.webSocketOptions
        application.webSocket("/ws", options: options) { socket in
            for try await message in socket {
                guard message != .text("please close") else {
                    return socket.close(code: 4000, reason: "as asked")
                }
                try await socket.send(message)
            }
        }
        var withProtocols = options
        withProtocols.subprotocols = ["echo.v1", "echo.v2"]
        application.webSocket("/ws-protocol", options: withProtocols) { socket in
            for try await message in socket {
                if case .text(let text) = message {
                    try await socket.send("\(socket.subprotocol ?? "none"):\(text)")
                }
            }
        }
    }
}

/// An error that means nothing to HTTP, and whose description is no client's business.
struct Failure: Error, CustomStringConvertible {
    var description: String { "secret detail" }
}

private struct Example: Codable {
    struct Nested: Codable {
        var ok = true
    }

    var name = "Parley"
    var numbers = [1, 2, 3]
    var nested = Nested()
}

/// How many handlers hold, and held.
private struct Holding: Codable, Sendable {
    var now = 0
    var most = 0

    mutating func begin() {
        now += 1
        most = max(most, now)
    }
}

/// What came of a request's content.
private struct Digest: Codable {
    var bytes = 0
    var sum: UInt32 = 0

    init(of body: RequestBody) async throws {
        for try await piece in body {
            bytes += piece.count
            for byte in piece { sum &+= UInt32(byte) }
        }
    }
}

/// A request as a handler sees it.
private struct Description: Codable {
    var method: String
    var scheme: String
    var authority: String?
    var path: String
    var query: [String: String]
    var version: String
    var serverName: String?
    var clientCertificate: String?

    init(of request: Request) {
        method = request.method.rawValue
        scheme = request.isSecure ? "https" : "http"
        authority = request.authority
        path = request.path
        query = request.decodedQuery
        serverName = request.tls?.serverName
        clientCertificate = request.tls?.peerCertificate?.subject
        version = "\(request.version)"
    }
}

extension Request {
    /// The query's items; the last of a name wins.
    var decodedQuery: [String: String] {
        var items: [String: String] = [:]
        for item in queryItems { items[item.name] = item.value }
        return items
    }

    /// A number in the query.
    func number(_ name: String) -> Int? { query(name).flatMap { Int($0) } }
}

extension HTTPField.Name {
    static let user = HTTPField.Name("X-User")!
    static let checksum = HTTPField.Name("X-Checksum")!
    static let note = HTTPField.Name("X-Note")!
}
