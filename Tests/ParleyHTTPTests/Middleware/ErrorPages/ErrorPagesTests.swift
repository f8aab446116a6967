import Foundation
import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite("Error pages")
struct ErrorPagesTests {
    private func memory(_ pages: ErrorPages = ErrorPages(), logger: LogLines? = nil) throws -> InMemory {
        try InMemory(logger: logger?.logger ?? .silent) { app in
            app.use(pages)
            app.get("/markup") { _ -> String in throw HTTPError(.badRequest, #"<b> & "q" 'a'"#) }
            app.get("/fails") { _ -> String in throw Failure() }
            app.get("/own") { _ in Response.text("mine", status: .conflict) }
            app.get("/bare") { _ in Response(status: .gone, headers: [.cacheControl: "no-store"]) }
            app.get("/challenge") { _ -> String in
                throw HTTPError(.unauthorized, headers: [.wwwAuthenticate: "Basic", .contentType: "x/y"])
            }
            app.get("/fine") { _ in "fine" }
        }
    }

    @Test(
        "the form is the one that Accept prefers",
        arguments: [
            (nil, "text/plain; charset=utf-8"), ("*/*", "text/plain; charset=utf-8"),
            ("", "text/plain; charset=utf-8"),
            ("application/json", "application/problem+json"),
            ("application/problem+json", "application/problem+json"),
            ("application/json, text/plain, */*", "application/problem+json"),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
            ("text/plain;q=0.9, text/html;q=0.5", "text/plain; charset=utf-8"),
            ("text/html;q=0.5, application/json;q=0.4", "text/html; charset=utf-8"),
            ("application/json;q=0", "text/plain; charset=utf-8"), ("image/png", "text/plain; charset=utf-8"),
        ])
    func negotiation(_ accept: String?, _ type: String) async throws {
        var headers = HTTPFields()
        headers[.accept] = accept
        let response = try await memory().respond("GET", "/nowhere", headers)
        #expect(response.status == .notFound)
        #expect(response.headers[.contentType] == type)
        #expect(response.headers[.vary] == "Accept")
    }

    @Test("a problem document (RFC 9457) has type, title, status and detail")
    func problem() async throws {
        let response = try await memory().respond("GET", "/markup", [.accept: "application/json"])
        let document = try JSONSerialization.jsonObject(with: Data(response.text.utf8)) as? [String: Any]
        #expect(document?["type"] as? String == "about:blank")
        #expect(document?["title"] as? String == "Bad Request")
        #expect(document?["status"] as? Int == 400)
        #expect(document?["detail"] as? String == #"<b> & "q" 'a'"#)
        #expect(document?.count == 4)
    }

    @Test("a message is escaped in HTML, and is what it is in text")
    func escaping() async throws {
        let page = try await memory().respond("GET", "/markup", [.accept: "text/html"])
        #expect(page.text.contains("<p>&lt;b&gt; &amp; &quot;q&quot; &#39;a&#39;</p>"))
        #expect(!page.text.contains("<b>"))
        #expect(try await memory().respond("GET", "/markup").text == #"<b> & "q" 'a'"#)
    }

    @Test(
        "what isn't meant for clients isn't shown, but logged once",
        arguments: ["application/json", "text/html", "*/*"])
    func internals(_ accept: String) async throws {
        let lines = LogLines()
        let response = try await memory(logger: lines).respond("GET", "/fails", [.accept: accept])
        #expect(response.status == .internalServerError)
        #expect(!response.text.contains("hunter2") && !response.text.contains("Failure"))
        #expect(response.text.contains("Internal Server Error"))
        #expect(lines.all.map(\.message) == ["handler failed"])
    }

    @Test("the router's 404 and 405 have pages, and an error keeps its fields")
    func fields() async throws {
        let memory = try memory()
        let wrong = try await memory.respond("POST", "/fine", [.accept: "text/html"])
        #expect(wrong.status == .methodNotAllowed && wrong.headers[.allow] == "GET, HEAD, OPTIONS")
        #expect(wrong.text.contains("<h1>405 Method Not Allowed</h1>"))
        let challenge = try await memory.respond("GET", "/challenge", [.accept: "text/html"])
        #expect(challenge.headers[.wwwAuthenticate] == "Basic")
        #expect(challenge.headers[.contentType] == "text/html; charset=utf-8")
    }

    @Test("a response without content gets a page; one with content keeps it, unless it is to be replaced")
    func contents() async throws {
        let bare = try await memory().respond("GET", "/bare")
        #expect(bare.status == .gone && bare.text == "Gone" && bare.headers[.cacheControl] == "no-store")
        #expect(try await memory().respond("GET", "/own").text == "mine")
        #expect(try await memory(ErrorPages(replacesContent: true)).respond("GET", "/own").text == "Conflict")
        #expect(try await memory(ErrorPages(replacesContent: true)).respond("GET", "/fine").text == "fine")
    }

    @Test("pages of the application's own, and those of ours where it makes none or fails")
    func renderer() async throws {
        let lines = LogLines()
        let pages = ErrorPages(fallback: .html) { page, request in
            if request.rawPath == "/markup" { throw Failure() }
            guard page.cause is Failure else { return nil }
            return .text("own page: \(page.title)")
        }
        let memory = try memory(pages, logger: lines)
        let own = try await memory.respond("GET", "/fails")
        #expect(own.status == .internalServerError && own.text == "own page: Internal Server Error")
        #expect(try await memory.respond("GET", "/nowhere").text.contains("<h1>404 Not Found</h1>"))
        #expect(try await memory.respond("GET", "/markup").status == .badRequest)
        #expect(lines.all.map(\.message).contains("error page failed"))
    }

    @Test("the request's id is on the page where clients are told of it, whichever middleware is further out")
    func requestID() async throws {
        let memory = try InMemory { app in
            app.use(ErrorPages(), RequestID(trustsClient: true))
            app.get("/fails") { _ -> String in throw Failure() }
        }
        let headers: HTTPFields = [.xRequestID: "id-1", .accept: "application/json"]
        let response = try await memory.respond("GET", "/fails", headers)
        #expect(response.text.contains(#""requestId":"id-1""#))
        #expect(response.headers[.xRequestID] == "id-1")
    }

    @Test("a refused WebSocket and a request over HTTP/2 get pages too")
    func live() async throws {
        func routes(_ app: Application) {
            app.use(ErrorPages())
            app.group("/closed").use(BearerAuth { _ in nil as String? }).webSocket("/socket") { _ in }
        }
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send(
                WebSocketClient.handshake("/closed/socket", fields: "Accept: text/html\r\n"))
            let refused = try await client.read(until: "</html>")
            #expect(refused.hasPrefix("HTTP/1.1 401") && refused.contains("<h1>401 Unauthorized</h1>"))
            let answer = try await HTTP2Client(server).exchange(
                "GET", "/nowhere", fields: [("accept", "application/json")])
            #expect(answer.status == "404" && answer["content-type"] == "application/problem+json")
        }
    }
}
