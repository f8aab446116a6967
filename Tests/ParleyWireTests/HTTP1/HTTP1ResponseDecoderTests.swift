import HTTPTypes
import ParleyWire
import Testing

@Suite("HTTP/1.1 responses, as a client decodes them")
struct HTTP1ResponseDecoderTests {
    @Test("a response with a length has its head, its content and its end")
    func fixedLength() throws {
        let events = decode("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello")
        #expect(events == ["head 200 keep", "body hello", "end"])
    }

    @Test("a chunked response has its trailers (RFC 9112 7.1.2)")
    func chunked() {
        let text =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n"
        #expect(decode(text) == ["head 200 keep", "body hello", "end x-sum=1"])
    }

    @Test("a response without length lasts up to the end of the connection (RFC 9112 6.3)")
    func untilClose() {
        let text = "HTTP/1.1 200 OK\r\n\r\nhello"
        #expect(decode(text) == ["head 200 close", "body hello", "end"])
        #expect(decode("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n") == ["head 200 close", "end"])
    }

    @Test("responses to HEAD, 204 and 304 have no content, whatever they announce")
    func withoutContent() {
        let next = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        #expect(
            decode("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + next, method: .head)
                == ["head 200 keep", "end", "head 200 keep", "end"])
        for code in [204, 304] {
            let text = "HTTP/1.1 \(code) X\r\nContent-Length: 5\r\n\r\n" + next
            #expect(decode(text) == ["head \(code) keep", "end", "head 200 keep", "end"])
        }
    }

    @Test("interim responses come before the final one; 101 is final")
    func interim() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        #expect(
            decode(text + "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n")
                == ["interim 100", "interim 103", "head 200 keep", "end"])
        #expect(decode("HTTP/1.1 101 Switching Protocols\r\n\r\n").first == "head 101 keep")
    }

    @Test("responses follow one another on a connection")
    func sequence() {
        let one = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
        let two = "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
        #expect(decode(one + two) == ["head 200 keep", "body a", "end", "head 404 close", "end"])
    }

    @Test(
        "what breaks a rule fails",
        arguments: [
            "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n", "\r\n\r\n",
            "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 O\u{1}K\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab",
        ])
    func malformed(text: String) {
        #expect(decode(text).last == "failure")
    }

    @Test(
        "a connection that ends within a response is a failure",
        arguments: [
            "HTTP/1.1", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
        ])
    func truncated(text: String) {
        #expect(decode(text).last == "failure")
        #expect(decode("") == [])
    }

    @Test("limits hold for the head")
    func limits() {
        var limits = HTTPLimits()
        limits.headerSectionBytes = 100
        let long = "HTTP/1.1 200 OK\r\nA: " + String(repeating: "x", count: 200) + "\r\n\r\n"
        #expect(decode(long, limits: limits) == ["failure"])
        limits.headerCount = 1
        #expect(decode("HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n", limits: limits) == ["failure"])
    }

    /// The events in words, the same whole and byte by byte.
    private func decode(
        _ text: String, method: HTTPRequest.Method = .get, limits: HTTPLimits = HTTPLimits()
    ) -> [String] {
        let bytes = Array(text.utf8)
        let whole = events([bytes], method, limits)
        #expect(events(bytes.map { [$0] }, method, limits) == whole)
        return whole
    }

    private func events(
        _ pieces: [[UInt8]], _ method: HTTPRequest.Method, _ limits: HTTPLimits
    ) -> [String] {
        var decoder = HTTP1ResponseDecoder(limits: limits)
        decoder.requestMethod = method
        var (words, body): ([String], [UInt8]) = ([], [])
        func note(_ event: HTTP1ResponseDecoder.Event, in piece: [UInt8]) -> Bool {
            if case .body(let range) = event {
                body += piece[range]
                return true
            }
            if !body.isEmpty { words.append("body \(String(decoding: body, as: UTF8.self))") }
            body = []
            switch event {
            case .head(let head): words.append("head \(head.status) \(head.keepAlive ? "keep" : "close")")
            case .interim(let head): words.append("interim \(head.status)")
            case .end(let trailers):
                words.append("end" + (trailers ?? .init()).map { " \($0.name)=\($0.value)" }.joined())
            case .failure: words.append("failure")
            case .needMore, .body: break
            }
            return true
        }
        for piece in pieces {
            var offset = 0
            while true {
                let event = decoder.next(piece.span, at: &offset)
                if case .needMore = event { break }
                _ = note(event, in: piece)
                if case .failure = event { return words }
            }
        }
        _ = note(decoder.finish(), in: [])
        return words
    }
}
