import HTTP2Peer
import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("HTTP/2: one pipeline for both versions (H4, H8, H9, H10)")
struct HTTP2ServerTests {
    private func routes(_ app: Application) {
        app.get("/hello") { _ in "hello" }
        app.get("/async") { request async in "\(request.version) \(request.authority ?? "")" }
        app.post("/echo") { request in try await request.body.collect() }
        app.get("/empty") { _ in HTTPResponse.Status.noContent }
        app.get("/fails") { _ -> String in throw HTTPError(.forbidden, "no") }
        app.get("/large") { _ in String(repeating: "x", count: 300_000) }
        app.get("/stream") { _ in
            Response(
                body: .stream { writer in
                    for index in 0..<1000 {
                        try await writer.write([UInt8](repeating: UInt8(index % 251), count: 300))
                    }
                    try await writer.setTrailers([.contentLanguage: "en"])
                })
        }
        app.get("/short") { _ in
            Response(body: .stream(length: 10) { writer in try await writer.write([1, 2, 3]) })
        }
        app.post("/trailers") { request in
            _ = try await request.body.collect()
            return request.body.trailers?[.contentLanguage] ?? "none"
        }
    }

    @Test("the preface tells the versions apart on one port, however it is cut")
    func sniffing() async throws {
        try await withServer(routes: routes) { server in
            #expect(try await HTTP2Client(server).exchange("GET", "/hello").text == "hello")
            let close = "Connection: close\r\n\r\n"
            let plain = try await exchange(server, "GET /hello HTTP/1.1\r\nHost: x\r\n\(close)")
            #expect(plain.content == "hello")
            let slow = try RawClient(port: server.port)
            for byte in "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\(close)ok".utf8 {
                try await slow.send([byte])
            }
            #expect(try await slow.readToEnd().content == "ok")
            let client = try HTTP2Client(server)
            _ = client.peer.request("GET", "/hello")
            for byte in client.peer.output() { try await client.raw.send([byte]) }
            #expect(try await client.finish(1).text == "hello")
        }
    }

    @Test("where HTTP/2 is switched off its preface is an unknown version")
    func switchedOff() async throws {
        try await withServer(configure: { $0.http2 = nil }, routes: routes) { server in
            let answer = try await exchange(server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 505"))
        }
    }

    @Test("`Upgrade: h2c` is ignored (H5, RFC 9113 3.1)")
    func upgradeHeader() async throws {
        try await withServer(routes: routes) { server in
            let answer = try await exchange(
                server,
                "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n"
                    + "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200") && answer.content == "hello")
        }
    }

    @Test("responses: whole, asynchronous, empty, failed, HEAD, unknown methods and paths")
    func responses() async throws {
        try await withServer(routes: routes) { server in
            let client = try HTTP2Client(server)
            let hello = try await client.exchange("GET", "/hello")
            #expect(hello.status == "200" && hello["content-length"] == "5" && hello["date"] != nil)
            #expect(try await client.exchange("GET", "/async").text == "HTTP/2 localhost")
            let empty = try await client.exchange("GET", "/empty")
            #expect(empty.status == "204" && empty["content-length"] == nil && empty.isEnded)
            let failed = try await client.exchange("GET", "/fails")
            #expect(failed.status == "403" && failed.text == "no")
            let head = try await client.exchange("HEAD", "/large")
            #expect(head["content-length"] == "300000" && head.content.isEmpty && head.isEnded)
            #expect(try await client.exchange("GET", "/large").text.utf8.count == 300_000)
            let other = try await client.exchange("DELETE", "/hello")
            #expect(other.status == "405" && other["allow"] == "GET, HEAD, OPTIONS")
            #expect(try await client.exchange("GET", "/nothing").status == "404")
        }
    }

    @Test("streamed bodies and trailers, both ways; one that is too short resets the stream")
    func streams() async throws {
        try await withServer(routes: routes) { server in
            let client = try HTTP2Client(server)
            let streamed = try await client.exchange("GET", "/stream")
            #expect(
                streamed.content == (0..<1000).flatMap { [UInt8](repeating: UInt8($0 % 251), count: 300) })
            #expect(streamed.trailers.map(\.value) == ["en"] && streamed["content-length"] == nil)
            let short = try await client.exchange("GET", "/short")
            #expect(short.closeCode == 2 && !short.isEnded)
            let stream = client.peer.request("POST", "/trailers", content: [1], isLast: false)
            try await client.flush()
            client.peer.send(trailers: [("content-language", "de")], on: stream)
            #expect(try await client.finish(stream).text == "de")
        }
    }

    @Test("trailers over HTTP/1.1 are those of chunks")
    func chunkedTrailers() async throws {
        try await withServer(routes: routes) { server in
            let sent =
                "POST /trailers HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            #expect(
                try await exchange(server, sent + "1\r\na\r\n0\r\nContent-Language: fr\r\n\r\n").content
                    == "fr")
            let received = try await exchange(
                server, "GET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(received.hasSuffix("\r\n0\r\nContent-Language: en\r\n\r\n"))
        }
    }

    @Test("request content: with the head, later, in pieces, more than a window")
    func content() async throws {
        try await withServer(routes: routes) { server in
            let client = try HTTP2Client(server)
            let large = (0..<500_000).map { UInt8($0 % 253) }
            #expect(try await client.exchange("POST", "/echo", content: large).content == large)
            #expect(try await client.exchange("POST", "/echo", content: []).content == [])
            let stream = client.peer.request("POST", "/echo", content: [], isLast: false)
            try await client.flush()
            for byte in UInt8(0)..<10 {
                client.peer.send([byte], on: stream, isLast: byte == 9)
                try await client.flush()
            }
            #expect(try await client.finish(stream).content == Array(0..<10))
            let tooLarge = try await client.exchange("POST", "/echo", content: large + large + large)
            #expect(tooLarge.status == "413")
            #expect(try await client.exchange("GET", "/hello").text == "hello")
        }
    }

    @Test("content that nobody reads keeps its stream's window closed, and the others go on")
    func backpressure() async throws {
        let gate = Gate()
        func routes(_ app: Application) {
            app.post("/wait") { request async throws in
                await gate.wait()
                return "\(try await request.body.collect().count)"
            }
            app.post("/echo") { request in try await request.body.collect() }
        }
        try await withServer(routes: routes) { server in
            let client = try HTTP2Client(server)
            let waiting = client.peer.request("POST", "/wait", content: [UInt8](repeating: 1, count: 200_000))
            try await client.flush()
            for _ in 0..<5 {
                _ = try await client.exchange("POST", "/echo", content: [UInt8](repeating: 2, count: 90_000))
            }
            #expect(client.peer.sendWindow(of: waiting) == 0)
            #expect(client.peer.streams[waiting] == nil)
            gate.open()
            #expect(try await client.finish(waiting).text == "200000")
        }
    }

    @Test("`Expect: 100-continue` is answered when the content is read (H10)")
    func expectation() async throws {
        try await withServer(configure: { $0.drainTimeout = .milliseconds(100) }, routes: routes) { server in
            let client = try HTTP2Client(server)
            let expect = [("expect", "100-continue")]
            let stream = client.peer.request("POST", "/echo", fields: expect, content: [], isLast: false)
            try await client.run { $0.streams[stream]?.interim == ["100"] }
            client.peer.send(Array("go".utf8), on: stream, isLast: true)
            #expect(try await client.finish(stream).text == "go")
            let refused = client.peer.request("POST", "/nothing", fields: expect, content: [], isLast: false)
            let answer = try await client.finish(refused)
            #expect(answer.status == "404" && answer.interim.isEmpty && answer.closeCode == 0)
        }
    }

    @Test(
        "content that comes too late for its response is discarded, for a while; then the stream is reset without blame"
    )
    func earlyResponse() async throws {
        try await withServer(configure: { $0.drainTimeout = .milliseconds(100) }, routes: routes) { server in
            let client = try HTTP2Client(server)
            let small = client.peer.request("POST", "/nothing", content: [1], isLast: false)
            try await client.run { $0.streams[small]?.isEnded == true }
            client.peer.send([2], on: small, isLast: true)
            let answered = try await client.finish(small)
            #expect(answered.status == "404" && answered.closeCode == 0)
            let large = client.peer.request(
                "POST", "/nothing", fields: [("content-length", "9000000")], content: [1], isLast: false)
            let cut = try await client.finish(large)
            #expect(cut.status == "404" && cut.closeCode == 0 && cut.isEnded)
            #expect(try await client.exchange("GET", "/hello").text == "hello")
        }
    }

    @Test(
        "a client that sends more than is discarded is told soon: its window stays closed, and it would wait")
    func largeRefusedContent() async throws {
        func configure(_ configuration: inout ServerConfiguration) {
            configuration.drainTimeout = .seconds(60)
            configuration.drainLimit = 10_000
        }
        try await withServer(configure: configure, routes: routes) { server in
            let client = try HTTP2Client(server)
            let large = client.peer.request(
                "POST", "/nothing", fields: [("content-length", "9000000")], content: [1], isLast: false)
            try await client.run { $0.streams[large]?.isEnded == true }
            let start = ContinuousClock.now
            client.peer.send([UInt8](repeating: 2, count: 60_000), on: large, isLast: false)
            let cut = try await client.finish(large)
            #expect(cut.status == "404" && cut.closeCode == 0 && cut.isEnded)
            let time = start.duration(to: .now)
            #expect(time > .milliseconds(400) && time < .seconds(5), "\(time)")
        }
    }

    @Test("a client that ends its side gets what its handlers answer nevertheless, as far as its windows go")
    func halfClosed() async throws {
        let gate = Gate()
        func routes(_ app: Application) {
            app.get("/wait") { _ async in
                await gate.wait()
                return "answered"
            }
            app.get("/large") { _ in String(repeating: "x", count: 300_000) }
        }
        try await withServer(routes: routes) { server in
            let client = try HTTP2Client(server)
            let waiting = client.peer.request("GET", "/wait")
            try await client.flush()
            client.raw.finish()
            try await Task.sleep(for: .milliseconds(50))
            gate.open()
            while case let bytes = try await client.raw.read(), !bytes.isEmpty {
                _ = client.peer.receive(bytes)
            }
            #expect(client.peer.streams[waiting]?.text == "answered")
            let other = try HTTP2Client(server)
            let large = other.peer.request("GET", "/large")
            try await other.flush()
            other.raw.finish()
            while case let bytes = try await other.raw.read(), !bytes.isEmpty {
                _ = other.peer.receive(bytes)
            }
            #expect(other.peer.streams[large]?.content.count == 65_535)
        }
    }

    @Test("a slow exchange doesn't hold up the others, and a hundred go on at once")
    func multiplexing() async throws {
        let gate = Gate()
        func routes(_ app: Application) {
            app.get("/wait") { _ async in
                await gate.wait()
                return "waited"
            }
            app.get("/hello") { _ in "hello" }
        }
        try await withServer(routes: routes) { server in
            let client = try HTTP2Client(server)
            let waiting = (0..<99).map { _ in client.peer.request("GET", "/wait") }
            #expect(try await client.exchange("GET", "/hello").text == "hello")
            gate.open()
            for stream in waiting { #expect(try await client.finish(stream).text == "waited") }
        }
    }
}
