import HTTPTypes
import ParleyWire
import Testing

@Suite("HTTP/1.1 responses")
struct HTTP1ResponseEncoderTests {
    private typealias Encoder = HTTP1ResponseEncoder
    private let date = Array("Sun, 06 Nov 1994 08:49:37 GMT".utf8)

    private func encode(
        _ status: HTTPResponse.Status, _ fields: HTTPFields = [:], _ content: HTTP1ResponseEncoder.Content,
        isHead: Bool = false, version: HTTPVersion = .http11, keepAlive: Bool = true
    ) throws -> (text: String, outcome: HTTP1ResponseEncoder.Outcome) {
        var output: [UInt8] = []
        let outcome = try Encoder.appendHead(
            status, fields: fields, content: content,
            exchange: .init(isHead: isHead, version: version, keepAlive: keepAlive), date: date, to: &output)
        return (String(decoding: output, as: UTF8.self), outcome)
    }

    private let dateLine = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

    @Test("a response of known length, to the byte")
    func knownLength() throws {
        let (text, outcome) = try encode(.ok, [.contentType: "text/plain"], .length(1234567890))
        #expect(
            text
                == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\(dateLine)content-length: 1234567890\r\n\r\n"
        )
        #expect(outcome.framing == .length(1_234_567_890) && outcome.keepAlive)
    }

    @Test("an empty response says so, and nothing follows")
    func empty() throws {
        let (text, outcome) = try encode(.notFound, [:], .length(0))
        #expect(text == "HTTP/1.1 404 Not Found\r\n\(dateLine)content-length: 0\r\n\r\n")
        #expect(outcome.framing == .none)
    }

    @Test("a stream is chunked in HTTP/1.1, and ends with the connection in HTTP/1.0")
    func streams() throws {
        let new = try encode(.ok, [:], .unknown)
        #expect(new.text == "HTTP/1.1 200 OK\r\n\(dateLine)transfer-encoding: chunked\r\n\r\n")
        #expect(new.outcome.framing == .chunked && new.outcome.keepAlive)
        let old = try encode(.ok, [:], .unknown, version: .http10)
        #expect(old.text == "HTTP/1.1 200 OK\r\n\(dateLine)connection: close\r\n\r\n")
        #expect(old.outcome.framing == .untilClose && !old.outcome.keepAlive)
    }

    @Test("RFC 9110 6.4.1: no content follows HEAD, 1xx, 204, 205 and 304; 1xx and 204 have no length")
    func withoutContent() throws {
        let head = try encode(.ok, [:], .length(5), isHead: true)
        #expect(head.text.contains("content-length: 5\r\n") && head.outcome.framing == .none)
        let stream = try encode(.ok, [:], .unknown, isHead: true)
        #expect(stream.text.contains("transfer-encoding: chunked\r\n") && stream.outcome.framing == .none)
        let unstated = try encode(.ok, [:], .unstated, isHead: true)
        #expect(unstated.text == "HTTP/1.1 200 OK\r\n\(dateLine)\r\n")
        #expect(try encode(.noContent, [:], .length(5)).text == "HTTP/1.1 204 No Content\r\n\(dateLine)\r\n")
        #expect(try encode(.init(code: 205), [:], .length(5)).text.contains("content-length: 0\r\n"))
        let notModified = try encode(.notModified, [:], .unknown)
        #expect(
            notModified.text == "HTTP/1.1 304 Not Modified\r\n\(dateLine)\r\n"
                && notModified.outcome.framing == .none)
        #expect(
            try encode(.continue, [:], .length(0), keepAlive: false).text == "HTTP/1.1 100 Continue\r\n\r\n")
    }

    @Test("101 keeps Connection and Upgrade as they are given")
    func switching() throws {
        let fields: HTTPFields = [.upgrade: "websocket", .connection: "Upgrade"]
        let (text, outcome) = try encode(.switchingProtocols, fields, .unstated)
        #expect(
            text == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        #expect(outcome.framing == .none && outcome.keepAlive)
    }

    @Test("RFC 9112 9.3: Connection says what the version doesn't imply")
    func connection() throws {
        #expect(try encode(.ok, [:], .length(0), keepAlive: false).text.contains("connection: close\r\n"))
        #expect(
            try encode(.ok, [:], .length(0), version: .http10).text.contains("connection: keep-alive\r\n"))
        let upgrade = try encode(
            .init(code: 426), [.connection: "Upgrade", .upgrade: "websocket"], .length(0))
        #expect(upgrade.text.contains("connection: upgrade\r\n") && upgrade.outcome.keepAlive)
        let byField = try encode(.ok, [.connection: "close"], .length(0))
        #expect(byField.text.contains("connection: close\r\n") && !byField.outcome.keepAlive)
    }

    @Test("an interim response ends no connection, and the longest fields of the encoder's own fit")
    func interim() throws {
        #expect(try encode(.earlyHints, [.connection: "close"], .length(0)).outcome.keepAlive)
        let (text, outcome) = try encode(
            .ok, [.connection: "upgrade, close"], .length(.max), version: .http10, keepAlive: true)
        #expect(text.hasSuffix("content-length: 18446744073709551615\r\n\r\n"))
        #expect(text.contains("connection: upgrade\r\n") && !outcome.keepAlive)
    }

    @Test("framing fields of a handler don't reach the wire")
    func framingFields() throws {
        let fields: HTTPFields = [
            .contentLength: "99", .transferEncoding: "chunked", .date: "x", .connection: "x",
        ]
        let (text, _) = try encode(.ok, fields, .length(1))
        #expect(text == "HTTP/1.1 200 OK\r\n\(dateLine)content-length: 1\r\n\r\n")
    }

    @Test("an unregistered status has its number and phrase")
    func unregistered() throws {
        #expect(
            try encode(.init(code: 299, reasonPhrase: "Odd"), [:], .length(0)).text.hasPrefix(
                "HTTP/1.1 299 Odd\r\n"))
        #expect(try encode(.init(code: 599), [:], .length(0)).text.hasPrefix("HTTP/1.1 599 \r\n"))
    }

    @Test("names that are no tokens, and values with CR, LF or NUL, are refused")
    func injection() throws {
        var output: [UInt8] = []
        for name in ["", "a b", "a:", "a\r\nb", "é"] {
            #expect(throws: HTTPEncodingError.self) {
                try Encoder.appendField(name: name, value: "x", to: &output)
            }
        }
        #expect(output.isEmpty)
        for value in ["a\rb", "a\nb", "a\u{0}b", "a\r\nSet-Cookie: b"] {
            #expect(throws: HTTPEncodingError.self) {
                try Encoder.appendField(name: "x", value: value, to: &output)
            }
        }
        #expect(output.isEmpty)
        try Encoder.appendField(name: "X-", value: "ü\t1", to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "X-: ü\t1\r\n")
    }

    @Test("a value that swift-http-types lets pass and HTTP doesn't leaves the buffer as it was")
    func lenientValue() throws {
        var output = Array("before".utf8)
        var fields: HTTPFields = [.contentType: "text/plain"]
        fields.append(HTTPField(name: .server, lenientValue: [0x61, 0x01]))
        #expect(throws: HTTPEncodingError.self) {
            try Encoder.appendHead(
                .ok, fields: fields, content: .length(0),
                exchange: .init(isHead: false, version: .http11, keepAlive: true),
                date: date, to: &output)
        }
        #expect(output == Array("before".utf8))
    }

    @Test(
        "chunks are written so that the decoder reads them",
        arguments: [1, 9, 15, 16, 17, 255, 256, 4096, 70_000])
    func chunks(size: Int) throws {
        var output = Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        let data = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        Encoder.appendChunk(data.span, to: &output)
        Encoder.appendChunk([UInt8]().span, to: &output)
        Encoder.appendChunk(data.span, to: &output)
        try Encoder.endChunks(trailers: [.eTag: "x", .trailer: "no", .contentLength: "1"], to: &output)
        let transcript = HTTP1Transcript([output])
        #expect(transcript.failure == nil && transcript.bodies == [data + data])
        #expect(transcript.trailers.first??.map(\.name) == ["etag"])
    }

    @Test("chunk sizes are lower-case hexadecimal without leading zeros")
    func chunkSizes() {
        func line(_ length: Int) -> String {
            var output: [UInt8] = []
            Encoder.beginChunk(length: length, to: &output)
            return String(decoding: output, as: UTF8.self)
        }
        #expect(line(1) == "1\r\n" && line(16) == "10\r\n" && line(0xABCDEF) == "abcdef\r\n" && line(0) == "")
        #expect(line(Int.max) == "7fffffffffffffff\r\n")
    }

    @Test("every registered status line ends with CRLF and begins with its number", arguments: 100..<600)
    func statusLines(code: Int) throws {
        let (text, _) = try encode(.init(code: code, reasonPhrase: ""), [:], .unstated)
        #expect(text.hasPrefix("HTTP/1.1 \(code) "))
        #expect(text.prefix { $0 != "\r\n" }.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
    }
}
