import HTTPTypes
import Parley

/// The plain HTTP routes and the WebSocket routes.
struct Routes: Sendable {
    var settings: Settings

    func serve(on application: Application) {
        serveAnswers(on: application)
        serveBodies(on: application)
        serveFailures(on: application)
        serveWebSockets(on: application)
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

/// A request as a handler sees it.
private struct Description: Codable {
    var method: String
    var scheme: String
    var authority: String?
    var path: String
    var query: [String: String]

    init(of request: Request) {
        method = request.method.rawValue
        scheme = request.isSecure ? "https" : "http"
        authority = request.authority
        path = request.path
        query = request.decodedQuery
    }
}

extension Request {
    /// The query's items; the last of a name wins.
    var decodedQuery: [String: String] {
        var items: [String: String] = [:]
        for item in queryItems { items[item.name] = item.value }
        return items
    }
}

extension HTTPField.Name {
    static let user = HTTPField.Name("X-User")!
    static let note = HTTPField.Name("X-Note")!
}
