import Foundation
import Parley

/// Cookies, sessions, forms and event streams.
extension Routes {
    func serveContent(on application: Application) {
        serveCookies(on: application)
        serveSessions(on: application.group("/session"))
        serveForms(on: application)
        serveMultipart(on: application)
        serveEvents(on: application)
    }

    private func serveCookies(on application: Application) {
        let signer = CookieSigner(key: .random())
        application.get("/cookies") { request in
            Dictionary(request.cookies.map { ($0.name, $0.value) }) { first, _ in first }
        }
        application.get("/cookies/set") { request in
            var response = Response.text("set")
            for item in request.queryItems {
                try response.setCookie(Cookie(item.name, item.value, isSecure: request.isSecure))
            }
            return response
        }
        application.get("/cookies/delete/:name") { request in
            var response = Response.text("deleted")
            try response.deleteCookie(request.parameters.require("name"))
            return response
        }
        application.get("/cookies/sign/:value") { request in
            var response = Response.text("signed")
            let value = try request.parameters.require("value", as: String.self)
            try response.setCookie(Cookie("signed", value, maxAge: .seconds(60)), signedBy: signer)
            return response
        }
        application.get("/cookies/signed") { request in
            request.cookies.signed("signed", by: signer) ?? "not signed"
        }
    }

    private func serveSessions(on group: RouteGroup) {
        group.use(Sessions())
        group.get("/get/:key") { request in
            try request.session[request.parameters["key"] ?? "", as: String.self]
        }
        group.post("/set/:key/:value") { request in
            try request.session[request.parameters["key"] ?? ""] = request.parameters["value"]
            return "set"
        }
        group.post("/renew") { request in
            try request.session.renew()
            return "renewed"
        }
        group.post("/destroy") { request in
            try request.session.destroy()
            return "destroyed"
        }
    }

    private func serveForms(on application: Application) {
        application.get("/search") { request in try request.decodeQuery(Search.self) }
        application.post("/form") { request async throws -> Search in try await request.decodeForm() }
        application.post("/content") { request async throws -> Search in try await request.content() }
        application.post("/fields") { request async throws -> [Uploaded] in
            try await request.form().fields.map { field in
                Uploaded(
                    name: field.name, filename: field.file?.filename, type: field.file?.contentType,
                    bytes: field.file?.content.count ?? 0, text: field.text)
            }
        }
    }

    private func serveMultipart(on application: Application) {
        var options = MultipartOptions()
        options.partBytes = 4 << 30
        options.totalBytes = 4 << 30
        let limits = options
        application.post("/multipart") { request async throws -> [Uploaded] in
            var parts: [Uploaded] = []
            for try await part in try request.multipart(limits) {
                var uploaded = Uploaded(name: part.name, filename: part.filename, type: part.contentType)
                for try await piece in part.body {
                    uploaded.bytes += piece.count
                    for byte in piece { uploaded.sum &+= UInt32(byte) }
                }
                parts.append(uploaded)
            }
            return parts
        }
        // Nothing is done with the content, to see what finding it costs.
        application.post("/multipart-count") { request async throws -> Int in
            var count = 0
            for try await part in try request.multipart(limits) {
                for try await piece in part.body { count += piece.count }
            }
            return count
        }
        application.post("/count") { request async throws -> Int in
            var count = 0
            for try await piece in request.body { count += piece.count }
            return count
        }
        application.post("/multipart-save") { request async throws -> Int in
            var count = 0
            for try await part in try request.multipart(limits) {
                let path = NSTemporaryDirectory() + "/parley-\(UUID().uuidString)"
                count += try await part.save(to: path)
                try FileManager.default.removeItem(atPath: path)
            }
            return count
        }
    }

    private func serveEvents(on application: Application) {
        application.get("/events") { request in
            let (count, pause) = (request.number("count") ?? 3, request.number("milliseconds") ?? 0)
            let heartbeat = Duration.milliseconds(request.number("heartbeat") ?? 15_000)
            return try Response.events(for: request, heartbeat: heartbeat) { stream in
                let last = stream.lastEventID.flatMap { Int($0) } ?? 0
                try await stream.send(event: "hello", data: "after \(last)", retry: .milliseconds(100))
                for number in last + 1..<last + 1 + count {
                    try await stream.send(
                        event: "tick", id: "\(number)", data: "line \(number)\r\nsecond\rthird\n")
                    try await Task.sleep(for: .milliseconds(pause))
                }
            }
        }
        let open = Lock(0)
        application.get("/events/endless") { request in
            try Response.events(for: request) { stream in
                open.withLock { $0 += 1 }
                defer { open.withLock { $0 -= 1 } }
                try await stream.send(json: ["open": true])
                try await Task.sleep(for: .seconds(3600))
            }
        }
        application.get("/events/open") { _ in open.withLock { $0 } }
        application.get("/lines") { _ in
            Response.jsonLines(
                AsyncStream<[String: Int]> { feed in
                    for number in 0..<3 { feed.yield(["n": number]) }
                    feed.finish()
                })
        }
    }
}

private struct Search: Codable {
    struct Range: Codable { var from: Int?, to: Int? }

    var q: String
    var page: Int?
    var exact: Bool
    var tags: [String]
    var range: Range?
}

private struct Uploaded: Codable {
    var name: String
    var filename: String?
    var type: String?
    var bytes = 0
    var sum: UInt32 = 0
    var text: String?
}
