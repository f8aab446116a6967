import HTTPTypes
import ParleyWire
import Testing

@Suite("HTTP/1.1 requests that are accepted")
struct HTTP1RequestDecoderTests {
    @Test("a plain GET is decoded into method, target, authority and fields")
    func plainGet() throws {
        let transcript = decode("GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-One:  two words \t\r\n\r\n")
        let head = try #require(transcript.heads.first)
        #expect(transcript.failure == nil && transcript.trailers == [nil] && !transcript.isMidRequest)
        #expect(head.method == .get && head.target == "/a?b=c" && head.version == .http11)
        #expect(head.authority == "127.0.0.1:8080" && head.scheme == nil)
        #expect(head.headers.first("x-one") == "two words")
        #expect(head.keepAlive && !head.hasContent && head.upgradeProtocol == nil)
    }

    @Test(
        "every method token is taken as it is",
        arguments: [
            ("GET", .get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
            ("OPTIONS", .options), ("PATCH", .patch), ("TRACE", .trace), ("get", HTTPRequest.Method("get")!),
            ("M-SEARCH", HTTPRequest.Method("M-SEARCH")!), ("GETS", HTTPRequest.Method("GETS")!),
        ] as [(String, HTTPRequest.Method)])
    func methods(text: String, method: HTTPRequest.Method) {
        #expect(decode("\(text) / HTTP/1.1\r\nHost: a\r\n\r\n").heads.first?.method == method)
    }

    @Test("pipelined requests come one after the other")
    func pipelined() {
        let one = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        let two = "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
        let transcript = decode(one + two + "\r\n" + one)
        #expect(transcript.heads.map(\.target) == ["/1", "/2", "/1"])
        #expect(transcript.bodies.map { String(decoding: $0, as: UTF8.self) } == ["abc", "de", "abc"])
    }

    @Test("RFC 9112 2.2: up to four empty lines before a request line are skipped, and are no request")
    func leadingEmptyLines() {
        #expect(decode("\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n").heads.count == 1)
        #expect(!decode("\r\n\r\n\r\n\r\n").isMidRequest)
        #expect(refusal("\r\n\r\n\r\n\r\n\r\n")?.status == 400)
        #expect(refusal("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n")?.status == 400)
    }

    @Test("RFC 9112 9.3: persistence follows version and Connection")
    func keepAlive() {
        func keepAlive(_ version: String, _ connection: String) -> Bool? {
            decode("GET / HTTP/\(version)\r\nHost: a\r\n\(connection)\r\n").heads.first?.keepAlive
        }
        #expect(keepAlive("1.1", "") == true)
        #expect(keepAlive("1.1", "Connection: close\r\n") == false)
        #expect(keepAlive("1.1", "Connection: foo , CLOSE\r\n") == false)
        #expect(keepAlive("1.1", "Connection: keep-alive\r\nConnection: close\r\n") == false)
        #expect(keepAlive("1.1", "Connection: closed\r\n") == true)
        #expect(keepAlive("1.0", "") == false)
        #expect(keepAlive("1.0", "Connection: Keep-Alive\r\n") == true)
        #expect(keepAlive("1.2", "") == true)
    }

    @Test("RFC 9110 7.8: an upgrade takes both fields, and HTTP/1.1")
    func upgrade() {
        let both = "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        #expect(
            decode("GET / HTTP/1.1\r\nHost: a\r\n\(both)\r\n").heads.first?.upgradeProtocol == "websocket")
        #expect(decode("GET / HTTP/1.0\r\n\(both)\r\n").heads.first?.upgradeProtocol == nil)
        #expect(
            decode("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n").heads.first?.upgradeProtocol == nil)
    }

    @Test("RFC 9110 10.1.1: 100-continue is an attribute of a request with content, and ignored in HTTP/1.0")
    func expectContinue() {
        func expects(_ text: String) -> Bool? { decode(text).heads.first?.expectsContinue }
        #expect(
            expects("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\na")
                == true)
        #expect(expects("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n") == false)
        #expect(expects("POST / HTTP/1.0\r\nExpect: x\r\nContent-Length: 1\r\n\r\na") == false)
        #expect(refusal("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n")?.status == 417)
        #expect(refusal("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x\r\n\r\n")?.status == 417)
    }

    @Test("RFC 9112 3.2: the forms of a target")
    func targets() throws {
        func head(_ line: String) -> HTTPRequestHead? {
            decode(line + " HTTP/1.1\r\nHost: h\r\n\r\n").heads.first
        }
        let absolute = try #require(head("GET http://example.com:80/a?b"))
        #expect(absolute.target == "/a?b" && absolute.authority == "example.com:80" && absolute.scheme == nil)
        #expect(head("GET HTTPS://example.com")?.target == "/")
        #expect(head("GET http://example.com?b")?.target == "/?b")
        #expect(head("OPTIONS http://example.com")?.target == "*")
        #expect(head("OPTIONS *")?.target == "*")
        #expect(head("OPTIONS *")?.authority == "h")
        #expect(head("GET //a/../b%2f")?.target == "//a/../b%2f")
    }

    @Test("a fixed body is given without a copy, and the rest of the input is the next request")
    func fixedBody() {
        var decoder = HTTP1RequestDecoder()
        let input = Array("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET".utf8)
        var offset = 0
        guard case .head(let head) = decoder.next(input.span, at: &offset) else {
            return #expect(Bool(false))
        }
        #expect(head.contentLength == 5)
        guard case .body(let range) = decoder.next(input.span, at: &offset) else {
            return #expect(Bool(false))
        }
        #expect(Array(input[range]) == Array("hello".utf8))
        guard case .end(nil) = decoder.next(input.span, at: &offset) else { return #expect(Bool(false)) }
        #expect(!decoder.isMidRequest && offset == input.count - 3)
        guard case .needMore = decoder.next(input.span, at: &offset) else { return #expect(Bool(false)) }
        #expect(decoder.isMidRequest)
    }

    @Test("values may hold TAB and bytes from 0x80 on")
    func values() throws {
        let bytes =
            Array("GET / HTTP/1.1\r\nHost: a\r\nX: a\tb".utf8) + [0x80, 0xFF] + Array("\r\n\r\n".utf8)
        let block = try #require(decode(bytes).heads.first?.headers)
        #expect(Array(block.bytes[block.valueRange(at: 1)]) == Array("a\tb".utf8) + [0x80, 0xFF])
    }

    @Test("the largest head that the limits allow is accepted")
    func atTheLimits() {
        let fields = (1..<100).map { "x\($0): y\r\n" }.joined()
        #expect(decode("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n").heads.first?.headers.count == 100)
        let target = "/" + String(repeating: "a", count: 8191)
        #expect(decode("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n").heads.first?.target == target)
        let field = "x: " + String(repeating: "a", count: 16 * 1024 - 3)
        #expect(decode("GET / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n").heads.count == 1)
    }

    @Test("limits of Int.max are no limits, and no trap")
    func withoutLimits() {
        var limits = HTTPLimits()
        limits.headerSectionBytes = .max
        limits.headerFieldBytes = .max
        limits.headerCount = .max
        limits.targetBytes = .max
        limits.chunkExtensionLineBytes = .max
        limits.chunkExtensionBodyBytes = .max
        limits.leadingEmptyLines = .max
        let long = String(repeating: "a", count: 40_000)
        let text =
            "\r\nPOST /\(long) HTTP/1.1\r\nHost: a\r\nX: \(long)\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "1;\(long)\r\na\r\n0\r\nY: \(long)\r\n\r\n"
        #expect(decode(text, limits: limits).bodies == [[0x61]])
    }
}
