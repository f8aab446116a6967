import Foundation
import HTTPTypes
import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyHTTP

@Suite("Compression of responses")
struct CompressionTests {
    private static let text = String(repeating: "A text that is worth it. ", count: 100)
    private static let etag = "\"v1\""

    private func routes(_ app: Application) {
        app.use(Compression())
        app.get("/text") { _ in Self.text }
        app.get("/short") { _ in "short" }
        app.get("/image") { _ in
            Response(headers: [.contentType: "image/png"], body: .bytes(Array(Self.text.utf8)))
        }
        app.get("/fields") { request in
            var response = Response.text(Self.text)
            response.headers[.eTag] = Self.etag
            response.headers[.acceptRanges] = "bytes"
            response.headers[.vary] = "Origin"
            if let name = request.query("name").flatMap({ HTTPField.Name($0) }) {
                response.headers[name] = request.query("value")
            }
            if let status = request.query("status").flatMap({ Int($0) }) {
                response.status = .init(code: status)
            }
            return response
        }
        app.get("/random") { _ in
            var generator = SystemRandomNumberGenerator()
            let bytes = (0..<4000).map { _ in UInt8.random(in: 0...255, using: &generator) }
            return Response(headers: [.contentType: "text/plain"], body: .bytes(bytes))
        }
    }

    private func respond(
        _ target: String, _ accept: String?, method: HTTPRequest.Method = .get, headers: HTTPFields = [:]
    ) async throws -> Response {
        let memory = try InMemory(routes)
        var headers = headers
        headers[.acceptEncoding] = accept
        return await memory.application.respond(
            to: Request(method: method, target: target, headers: headers, loop: memory.group.loops[0]))
    }

    private func bytes(_ response: Response) throws -> [UInt8] {
        guard let bytes = response.body.wholeBytes else {
            throw RawClient.Failure(description: "no whole body")
        }
        return bytes
    }

    @Test(
        "Accept-Encoding decides, by its weights (RFC 9110 12.5.3)",
        arguments: [
            ("gzip", "gzip"), ("deflate", "deflate"), ("gzip, deflate, br", "gzip"),
            ("deflate, gzip", "gzip"),
            ("gzip;q=0.5, deflate;q=0.8", "deflate"), ("x-gzip", "gzip"), ("GZIP", "gzip"), ("*", "gzip"),
            ("gzip;q=0, *", "deflate"), ("identity;q=0, gzip;q=0.1", "gzip"),
            ("identity;q=0.5, gzip", "gzip"),
            ("identity, gzip;q=0.5", nil), ("br", nil), ("", nil), ("identity", nil), ("*;q=0", nil),
            ("gzip;q=0", nil), ("gzip;q=2", nil), ("identity;q=0", nil), ("identity, gzip", "gzip"),
            (nil, nil),
        ] as [(String?, String?)])
    func negotiation(accept: String?, coding: String?) async throws {
        let response = try await respond("/text", accept)
        #expect(response.headers[.contentEncoding] == coding)
        #expect(response.headers[.vary] == "Accept-Encoding")
        let content = try bytes(response)
        switch coding {
        case "gzip": #expect(try Compressed.inflated(content) == Array(Self.text.utf8))
        case "deflate": #expect(try Compressed.inflated(content, .zlib) == Array(Self.text.utf8))
        default: #expect(content == Array(Self.text.utf8))
        }
    }

    @Test("what is short or of another type is sent as it is, unless the client takes nothing else")
    func notWorthIt() async throws {
        for target in ["/short", "/image"] {
            let response = try await respond(target, "gzip")
            #expect(response.headers[.contentEncoding] == nil && response.headers[.vary] == nil)
        }
        #expect(try await respond("/image", "gzip, identity;q=0").headers[.contentEncoding] == "gzip")
        #expect(try await respond("/image", "gzip, *;q=0").headers[.contentEncoding] == "gzip")
        let random = try await respond("/random", "gzip")
        #expect(random.headers[.contentEncoding] == nil && random.headers[.vary] == "Accept-Encoding")
    }

    @Test(
        "what must not be changed isn't",
        arguments: [
            "name=content-encoding&value=br", "name=cache-control&value=public,%20no-transform",
            "name=content-range&value=bytes%200-9/10", "name=repr-digest&value=sha-256", "status=204",
        ])
    func untouched(query: String) async throws {
        let response = try await respond("/fields?\(query)", "gzip")
        #expect(response.headers[.eTag] == Self.etag && response.headers[.vary] == "Origin")
        #expect(response.headers[.contentEncoding] != "gzip")
    }

    @Test("a strong tag becomes weak, Vary grows, ranges are gone; without compression only Vary grows")
    func fields() async throws {
        let response = try await respond("/fields", "gzip")
        #expect(response.headers[.eTag] == "W/\"v1\"")
        #expect(response.headers[.vary] == "Origin, Accept-Encoding")
        #expect(response.headers[.acceptRanges] == nil)
        let plain = try await respond("/fields", nil)
        #expect(plain.headers[.eTag] == Self.etag && plain.headers[.acceptRanges] == "bytes")
        #expect(plain.headers[.vary] == "Origin, Accept-Encoding")
    }

    @Test("a file is revalidated by the tag of its compressed form, and then has that tag (RFC 9110 15.4.5)")
    func revalidation() async throws {
        let folder = try TemporaryDirectory()
        try folder.write(Self.text, to: "page.txt")
        try await withServer(routes: { app in
            app.use(Compression())
            app.files("/", from: folder.path)
        }) { server in
            func get(_ fields: String) async throws -> String {
                try await exchange(
                    server, "GET /page.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(fields)\r\n")
            }
            func tag(_ answer: String) -> String? {
                answer.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix("etag: ") }
                    .map { String($0.dropFirst(6)) }
            }
            let compressed = try #require(tag(try await get("Accept-Encoding: gzip\r\n")))
            #expect(compressed.hasPrefix("W/"))
            let strong = try #require(tag(try await get("")))
            #expect("W/" + strong == compressed)
            let again = try await get("Accept-Encoding: gzip\r\nIf-None-Match: \(compressed)\r\n")
            #expect(again.hasPrefix("HTTP/1.1 304 ") && tag(again) == compressed)
            #expect(again.lowercased().contains("vary: accept-encoding"))
            let plain = try await get("If-None-Match: \(strong)\r\n")
            #expect(plain.hasPrefix("HTTP/1.1 304 ") && tag(plain) == strong)
            let range = try await get("Accept-Encoding: gzip\r\nRange: bytes=0-9\r\n")
            #expect(range.hasPrefix("HTTP/1.1 206 ") && range.content == "A text tha")
        }
    }

    @Test("HEAD has the fields of GET and no content")
    func head() async throws {
        try await withServer(routes: routes) { server in
            func ask(_ method: String) async throws -> [String] {
                let answer = try await exchange(
                    server,
                    "\(method) /text HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n"
                )
                #expect(method == "GET" || answer.content.isEmpty)
                let head = answer.components(separatedBy: "\r\n\r\n")[0]
                return head.components(separatedBy: "\r\n").filter { !$0.lowercased().hasPrefix("date") }
            }
            let (get, head) = (try await ask("GET"), try await ask("HEAD"))
            #expect(get == head && get.contains { $0.lowercased().hasPrefix("content-length: ") })
        }
    }

    @Test("a large body comes whole, in pieces that were compressed off the loop")
    func large() async throws {
        let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
        try await withServer(routes: { app in
            app.use(Compression())
            app.get("/") { _ in Response(headers: [.contentType: "text/plain"], body: .bytes(large)) }
        }) { server in
            let client = try HTTP2Client(server)
            let stream = try await client.exchange("GET", "/", fields: [("accept-encoding", "gzip")])
            #expect(stream.fields.contains { $0 == ("content-encoding", "gzip") })
            #expect(try Compressed.inflated(stream.content) == large)
        }
    }

    @Test("each write of a streamed body arrives before the next, and trailers pass")
    func streamed() async throws {
        let gate = Gate()
        try await withServer(routes: { app in
            app.use(Compression())
            app.get("/") { _ in
                Response(
                    headers: [.contentType: "text/event-stream"],
                    body: .stream { writer in
                        try await writer.write(Array("data: 1\n\n".utf8))
                        await gate.wait()
                        try await writer.write(Array("data: 2\n\n".utf8))
                        try await writer.setTrailers([.contentLanguage: "en"])
                    })
            }
        }) { server in
            let client = try RawClient(port: server.port)
            try await client.send(
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAccept-Encoding: deflate\r\n\r\n")
            let inflater = try Inflater(.zlib)
            var (received, inflated) = ([] as [UInt8], [] as [UInt8])
            let separator: [UInt8] = [13, 10, 13, 10]
            while true {
                received += try await client.read()
                guard let head = received.firstRange(of: separator) else { continue }
                // The first chunk: its length, then zlib's header and a flushed block.
                let chunk = Array(received[head.upperBound...])
                guard let line = chunk.firstIndex(of: 10), chunk.count > line + 8 else { continue }
                var offset = line + 1
                _ = try inflater.inflate(chunk.span, at: &offset, appendingTo: &inflated, upTo: 9)
                if inflated.count == 9 { break }
            }
            #expect(String(decoding: inflated, as: UTF8.self) == "data: 1\n\n")
            gate.open()
            let rest = try await client.readToEnd().lowercased()
            #expect(rest.hasSuffix("0\r\ncontent-language: en\r\n\r\n"))
        }
    }

    @Test("a streamed body waits for a client that doesn't read")
    func backpressure() async throws {
        let written = Lock(0)
        try await withServer(routes: { app in
            app.use(Compression())
            app.get("/") { _ in
                Response(
                    headers: [.contentType: "text/plain"],
                    body: .stream { writer in
                        var generator = SystemRandomNumberGenerator()
                        for _ in 0..<400 {
                            try await writer.write(
                                (0..<50_000).map { _ in UInt8.random(in: 0...255, using: &generator) })
                            written.withLock { $0 += 1 }
                        }
                    })
            }
        }) { server in
            let client = try RawClient(port: server.port, receiveBuffer: 16 * 1024)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
            var last = -1
            while written.withLock({ $0 }) != last || last < 1 {
                last = written.withLock { $0 }
                try await Task.sleep(for: .milliseconds(300))
            }
            #expect(last < 300)
            withExtendedLifetime(client) {}
        }
    }

    @Test("a WebSocket passes through")
    func upgrades() async throws {
        try await withServer(routes: { app in
            app.use(Compression(), Decompression())
            app.webSocket("/") { socket in try await socket.send("hi") }
        }) { server in
            let client = try await WebSocketClient(server, "/", fields: "Accept-Encoding: gzip\r\n")
            #expect(!client.head.lowercased().contains("accept-encoding"))
            #expect(try await client.read().text == "hi")
        }
    }
}
