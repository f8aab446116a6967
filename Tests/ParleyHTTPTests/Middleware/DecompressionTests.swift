import HTTPTypes
import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyHTTP

@Suite("Decompression of requests")
struct DecompressionTests {
    private static let text = Array(String(repeating: "compressed content ", count: 500).utf8)

    private func routes(_ app: Application) {
        var options = Decompression.Options()
        options.maximumBytes = 1_000_000
        options.maximumRatio = 50
        options.ratioThreshold = 100_000
        app.use(Decompression(options))
        app.post("/echo") { request in try await request.body.collect(upTo: 2_000_000) }
        app.post("/fields/:id") { request in
            let length = request.body.announcedLength.map { "\($0)" } ?? "-"
            let encoding = request.header(.contentEncoding) ?? "-"
            let (field, count) = (
                request.header(.contentLength) ?? "-", try await request.body.collect().count
            )
            return "\(request.parameters["id"] ?? "") \(length) \(encoding) \(field) \(count)"
        }
        app.post("/ignore") { _ in "ignored" }
    }

    private func post(
        _ path: String, _ body: [UInt8], _ coding: String, isChunked: Bool = false
    ) async throws -> String {
        var answer = ""
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(body.count)"
            let head =
                "POST \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Encoding: \(coding)\r\n\(framing)\r\n\r\n"
            var bytes = Array(head.utf8)
            if isChunked {
                for byte in body { bytes += Array("1\r\n".utf8) + [byte] + [13, 10] }
                bytes += Array("0\r\n\r\n".utf8)
            } else {
                bytes += body
            }
            try await client.send(bytes)
            answer = try await client.readToEnd()
        }
        return answer
    }

    @Test(
        "handlers see what the client compressed",
        arguments: [
            ("gzip", .gzip), ("x-gzip", .gzip), ("GZip", .gzip), ("deflate", .zlib), ("deflate", .raw),
        ]
            as [(String, CompressionFormat)])
    func codings(coding: String, format: CompressionFormat) async throws {
        let body = try Compressed.bytes(Self.text, format)
        for isChunked in [false, true] {
            let answer = try await post("/echo", body, coding, isChunked: isChunked)
            #expect(answer.hasPrefix("HTTP/1.1 200 ") && Array(answer.content.utf8) == Self.text)
        }
    }

    @Test("the fields of the coding and of the length are gone, parameters and everything else are there")
    func fields() async throws {
        let answer = try await post("/fields/7", Compressed.bytes(Self.text), "gzip")
        #expect(answer.content == "7 - - - \(Self.text.count)")
        #expect(try await post("/fields/7", Self.text, "identity").content == "7 9500 identity 9500 9500")
        #expect(try await post("/fields/7", [], "gzip").content.hasPrefix("7 0 gzip"))
    }

    @Test(
        "a coding that isn't known is 415, with those that are",
        arguments: ["br", "gzip, gzip", "zstd;x", "*"])
    func unknown(coding: String) async throws {
        let answer = try await post("/echo", Self.text, coding)
        #expect(answer.hasPrefix("HTTP/1.1 415 "))
        #expect(answer.lowercased().contains("\r\naccept-encoding: gzip, deflate\r\n"))
    }

    @Test("what isn't what it says, or is cut off, is 400")
    func malformed() async throws {
        let body = try Compressed.bytes(Self.text)
        for (content, coding) in [
            (Self.text, "gzip"), (Array(body.dropLast()), "gzip"), (body + [0], "gzip"), (body, "deflate"),
        ] {
            let answer = try await post("/echo", content, coding)
            #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(coding)")
        }
    }

    @Test("the limits of size and ratio are 413, and named; what nobody reads is not inflated")
    func limits() async throws {
        var generator = SystemRandomNumberGenerator()
        let block = (0..<60_000).map { _ in UInt8.random(in: 0...63, using: &generator) }
        let large = Array([[UInt8]](repeating: block, count: 20).joined())
        let size = try await post("/echo", Compressed.bytes(large), "gzip")
        #expect(size.hasPrefix("HTTP/1.1 413 ") && size.content.contains("maximumBytes"))
        let zeros = try Compressed.bytes([UInt8](repeating: 0, count: 900_000))
        let ratio = try await post("/echo", zeros, "gzip")
        #expect(ratio.hasPrefix("HTTP/1.1 413 ") && ratio.content.contains("maximumRatio"))
        #expect(try await post("/ignore", zeros, "gzip").content == "ignored")
        let below = try Compressed.bytes([UInt8](repeating: 0, count: 100_000))
        #expect(try await post("/echo", below, "gzip").hasPrefix("HTTP/1.1 200 "))
    }

    @Test("while nobody reads, the client can't send more")
    func backpressure() async throws {
        let gate = Gate()
        var generator = SystemRandomNumberGenerator()
        // A block is longer than the window, so that the next one can't be compressed either.
        let block = (0..<80_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let content = Array([[UInt8]](repeating: block, count: 100).joined())
        try await withServer(routes: { app in
            app.use(Decompression())
            app.post("/") { request in
                var count = 0
                for try await piece in request.body {
                    if count == 0 { await gate.wait() }
                    count += piece.count
                }
                return "\(count)"
            }
        }) { server in
            let body = try Compressed.bytes(content)
            let client = try RawClient(port: server.port)
            let isSent = Lock(false)
            let sender = Task {
                try await client.send(
                    "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Encoding: gzip\r\n"
                        + "Content-Length: \(body.count)\r\n\r\n")
                try await client.send(body)
                isSent.withLock { $0 = true }
            }
            try await Task.sleep(for: .milliseconds(400))
            #expect(!isSent.withLock { $0 })
            gate.open()
            try await sender.value
            #expect(try await client.readToEnd().content == "8000000")
        }
    }
}
