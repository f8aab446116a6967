import ParleyWire
import Testing

@Suite("HTTP/1.1 requests that are refused")
struct HTTP1RefusalTests {
    @Test(
        "RFC 9112 2.2 and 3: request lines",
        arguments: [
            "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET\t/ HTTP/1.1", "GET /\tHTTP/1.1", " GET / HTTP/1.1",
            "GET / HTTP/1.1 ", "GET / HTTP/1.10", "GET / http/1.1", "GET / HTTP/0.9", "GET / HTTP/1,1",
            "GET /",
            "GET", "GET / HTTP/11", "GET / ", "G(T / HTTP/1.1", "GET / HTTP/1.1\r", "GET /a b HTTP/1.1",
            "\u{16}\u{3}\u{1}\u{2}", "GET / HTP/1.1", "GET /a#b HTTP/1.1", "GET /\u{7f} HTTP/1.1",
            "GET /é HTTP/1.1", "GET /\u{0} HTTP/1.1", "GET * HTTP/1.1", "GET a HTTP/1.1",
            "GET ftp://a/ HTTP/1.1",
            "GET http:///a HTTP/1.1", "GET http://u@a/ HTTP/1.1", "GET http://a:65536/ HTTP/1.1",
            "OPTIONS ** HTTP/1.1",
            "GET http:// HTTP/1.1", "\rGET / HTTP/1.1",
        ])
    func requestLines(line: String) {
        #expect(refusal(line + "\r\nHost: a\r\n\r\n")?.status == 400)
    }

    @Test("versions that aren't HTTP/1 are 505, the HTTP/2 preface among them")
    func versions() {
        #expect(refusal("GET / HTTP/2.0\r\nHost: a\r\n\r\n")?.status == 505)
        #expect(refusal("GET / HTTP/3.1\r\nHost: a\r\n\r\n")?.status == 505)
        #expect(refusal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?.status == 505)
    }

    @Test("CONNECT is 501")
    func connect() {
        #expect(refusal("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")?.status == 501)
    }

    @Test("bytes of TLS are refused at the first one")
    func tls() {
        #expect(HTTP1Transcript([[0x16]]).failure?.status == 400)
        #expect(HTTP1Transcript([[0x80]]).failure?.status == 400)
    }

    @Test(
        "RFC 9112 5: field lines",
        arguments: [
            "Host: a\r\n folded: x", "Host: a\r\n\tfolded", " X: y\r\nHost: a", "Host : a",
            "Host: a\r\nX\t: y", "X",
            "Host: a\r\n: y", "Host: a\r\nX(: y", "Host: a\r\nX: a\u{0}b", "Host: a\r\nX: a\rb",
            "Host: a\r\nX: \u{1}",
            "Host: a\r\nX: \u{7f}", "Host: a\r\nX: aaaaaaaaaaaaaaaaa\u{1f}aaaaaaaaaaaaaaaa",
            "Host: a\r\nX: y\r",
            "Host: a\r\nXé: y", "Host: a\r\nX Y: z",
        ])
    func fieldLines(lines: String) {
        #expect(refusal("GET / HTTP/1.1\r\n\(lines)\r\n\r\n")?.status == 400)
    }

    @Test(
        "RFC 9112 2.2: a bare LF anywhere",
        arguments: [
            "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\n\r\n",
        ])
    func bareLineFeed(text: String) {
        #expect(refusal(text)?.status == 400)
    }

    @Test(
        "RFC 9112 3.2: Host missing, repeated or invalid",
        arguments: [
            "X: y", "Host: a\r\nHost: a", "Host: a@b", "Host: a/b", "Host: a:65536", "Host: a:8a",
            "Host: a b",
            "Host: a,b:c", "Host: :80", "Host: [::1", "Host: [::g]", "Host: []", "Host: a:123456",
            "Host: a%2", "Host: a%zz",
            "Host: [::1]a", "Host: a?b", "Host: a:-1", "Host: a#", "Host: é", "Host: a\\b",
            "Host: [1:2:3:4:5:6:7]",
            "Host: [1::2::3]", "Host: [::256.1.1.1]", "Host: [:::1]", "Host: [1:2:3:4:5:6:7:8:9]",
            "Host: [12345::]",
        ])
    func hosts(lines: String) {
        #expect(refusal("GET / HTTP/1.1\r\n\(lines)\r\n\r\n")?.status == 400)
    }

    @Test(
        "RFC 3986 3.2.2: valid hosts",
        arguments: [
            "", "a", "example.com", "example.com:", "EXAMPLE.com:65535", "127.0.0.1:80", "[::1]:8080", "[::]",
            "[1::]",
            "[2001:db8::1]", "[1:2:3:4:5:6:7:8]", "[::ffff:192.0.2.1]", "[v1.a:b]", "a_b-c.d~", "%41.com",
            "a!$&'()*+,;=",
            "xn--bcher-kva.example", "[1:2:3:4:5:6:1.2.3.4]", "[::1.2.3.4]",
        ])
    func validHosts(host: String) {
        #expect(decode("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n").heads.first?.authority == host)
    }

    @Test("RFC 9112 3.2: HTTP/1.0 may go without Host, but not with two")
    func oldHost() {
        #expect(decode("GET / HTTP/1.0\r\n\r\n").heads.count == 1)
        #expect(refusal("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")?.status == 400)
    }

    @Test("limits of target, section, field and count name themselves")
    func limits() {
        let long = String(repeating: "a", count: 8192)
        #expect(refusal("GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n")?.status == 414)
        #expect(refusal("GET /\(long)\(long)")?.status == 414)
        let field = "x: " + String(repeating: "a", count: 16 * 1024 - 2)
        #expect(refusal("GET / HTTP/1.1\r\n\(field)\r\n\r\n")?.rule.contains("headerFieldBytes") == true)
        #expect(refusal("GET / HTTP/1.1\r\n\(field)aaa")?.rule.contains("headerFieldBytes") == true)
        let half = "x: \(long)\r\n"
        let section = refusal("GET / HTTP/1.1\r\n\(half)\(half)\(half)\(half)\r\n\r\n")
        #expect(section?.status == 431 && section?.rule.contains("headerSectionBytes") == true)
        let fields = (0...100).map { "x\($0): y\r\n" }.joined()
        let count = refusal("GET / HTTP/1.1\r\n\(fields)")
        #expect(count?.status == 431 && count?.rule.contains("headerCount") == true)
    }

    @Test("nothing beyond a limit is read or held: the failure comes with the byte that exceeds it")
    func limitsBeforeBuffering() {
        var decoder = HTTP1RequestDecoder()
        let piece = [UInt8](repeating: 0x61, count: 1000)
        var taken = 0
        var failed = false
        while !failed, taken < 100_000 {
            var offset = 0
            if case .failure(let error) = decoder.next(piece.span, at: &offset) {
                failed = true
                #expect(error.status == 414)
            }
            taken += piece.count
        }
        #expect(taken <= 10_000)
        #expect(!decoder.isMidRequest)
    }
}
