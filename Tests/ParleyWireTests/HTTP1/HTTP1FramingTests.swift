import ParleyWire
import Testing

@Suite("HTTP/1.1 framing (RFC 9112 6 and 7)")
struct HTTP1FramingTests {
    private func post(_ fields: String, _ body: String = "") -> String {
        "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n\(body)"
    }

    private func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked", body) }

    @Test(
        "RFC 9112 6.3: ambiguous or invalid Content-Length",
        arguments: [
            "Content-Length: 3\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 3",
            "Content-Length: 3\r\nContent-Length: 3", "Content-Length: 3\r\nContent-Length: 4",
            "Content-Length: 3, 3",
            "Content-Length: 3,", "Content-Length: +0", "Content-Length: -1", "Content-Length: 0x0",
            "Content-Length: 0 0",
            "Content-Length:", "Content-Length: 18446744073709551616",
            "Content-Length: 99999999999999999999999",
            "Content-Length: 1_0", "Content-Length: ٣", "Content-Length: 1.0", "Content-Length: 1e1",
        ])
    func contentLength(fields: String) {
        #expect(refusal(post(fields, "abc"))?.status == 400)
    }

    @Test("lengths up to 2^64 - 1 are accepted, leading zeros too")
    func validContentLength() {
        #expect(
            HTTP1Transcript([Array(post("Content-Length: 18446744073709551615", "a").utf8)]).bodies == [
                [0x61]
            ])
        #expect(decode(post("Content-Length: 003", "abc")).bodies == [Array("abc".utf8)])
        #expect(decode(post("Content-Length: 0")).heads.first?.hasContent == false)
    }

    @Test(
        "RFC 9112 6.1: transfer codings",
        arguments: [
            ("Transfer-Encoding: gzip", 501), ("Transfer-Encoding: identity", 501),
            ("Transfer-Encoding: xchunked", 501),
            ("Transfer-Encoding: gzip, chunked", 400), ("Transfer-Encoding: chunked, gzip", 400),
            ("Transfer-Encoding: chunked, chunked", 400), ("Transfer-Encoding: chunked,", 400),
            ("Transfer-Encoding:", 400), ("Transfer-Encoding: \u{b}chunked", 400),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", 400),
            ("Transfer-Encoding: \"chunked\"", 501),
            ("Transfer-Encoding: chunked;a=b", 501),
        ])
    func transferCodings(fields: String, status: Int) {
        #expect(refusal(post(fields, "0\r\n\r\n"))?.status == status)
    }

    @Test("RFC 9112 6.1: Transfer-Encoding in HTTP/1.0")
    func oldTransferEncoding() {
        #expect(refusal("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")?.status == 400)
    }

    @Test("chunked in any case of letters, sizes in any case, extensions, trailers")
    func chunks() throws {
        let transcript = decode(
            post(
                "Transfer-Encoding: ChUnKeD",
                "A;a=b;c=\"d;e\\\"\" ; f\r\n0123456789\r\n00b\r\nabcdefghijk\r\n000\r\n\r\n"))
        #expect(transcript.failure == nil)
        #expect(transcript.bodies == [Array("0123456789abcdefghijk".utf8)])
        #expect(transcript.trailers == [nil])
    }

    @Test("RFC 9112 7.1.2: trailers come apart from the head, and change nothing in it")
    func trailers() throws {
        let transcript = decode(chunked("1\r\na\r\n0\r\nContent-Length: 9\r\nX-Sum: 1\r\n\r\n"))
        let trailers = try #require(transcript.trailers.first ?? nil)
        #expect(trailers.first("x-sum") == "1" && trailers.count == 2)
        #expect(transcript.heads.first?.contentLength == nil)
        #expect(transcript.heads.first?.headers.contains("content-length", token: "9") == false)
    }

    @Test(
        "RFC 9112 7.1: chunk sizes and data",
        arguments: [
            "0x3\r\nabc\r\n0\r\n\r\n", "+3\r\nabc\r\n0\r\n\r\n", " 3\r\nabc\r\n0\r\n\r\n",
            "3 \r\nabc\r\n0\r\n\r\n",
            "\r\nabc\r\n0\r\n\r\n", "00000000000000003\r\nabc\r\n0\r\n\r\n",
            "000000000000000000003\r\nabc\r\n0\r\n\r\n",
            "10000000000000000\r\na", "g\r\n", "3\r\nabcd\r\n0\r\n\r\n", "3\r\nabc0\r\n\r\n",
            "3\r\nab\r\n0\r\n\r\n",
            "3\r\nabc\r0\r\n\r\n", "-1\r\n", "3,\r\nabc\r\n", "3\t\r\nabc\r\n", "3;\r\nabc\r\n0\r\n\r\n",
            "3;=a\r\nabc\r\n0\r\n\r\n", "3;a=\r\nabc\r\n0\r\n\r\n", "3;a=\"\r\nabc\r\n0\r\n\r\n",
            "3;a\u{1}\r\nabc\r\n0\r\n\r\n", "3;a=b c\r\nabc\r\n0\r\n\r\n", "3\rX\r\nabc\r\n0\r\n\r\n",
            "0\r\n X: y\r\n\r\n", "0\r\nX\r\n\r\n", "0\r\nX : y\r\n\r\n", "0\r\nX: \u{0}\r\n\r\n", "٣\r\n",
        ])
    func invalidChunks(body: String) {
        #expect(refusal(chunked(body))?.status == 400)
    }

    @Test("sixteen digits are a valid size")
    func longestSize() {
        #expect(decode(chunked("0000000000000003\r\nabc\r\n0\r\n\r\n")).bodies == [Array("abc".utf8)])
        let huge = HTTP1Transcript([Array(chunked("ffffffffffffffff\r\nabc").utf8)])
        #expect(huge.failure == nil && huge.isMidRequest)
    }

    @Test("limits of chunk extensions: 256 bytes a line, 16 KiB a body, then 413")
    func extensionLimits() {
        let fits = ";" + String(repeating: "a", count: 255)
        #expect(decode(chunked("1\(fits)\r\na\r\n0\r\n\r\n")).failure == nil)
        let line = refusal(chunked("1\(fits)a\r\na\r\n0\r\n\r\n"))
        #expect(line?.status == 413 && line?.rule.contains("chunkExtensionLineBytes") == true)
        #expect(refusal(chunked("1\(fits)\(fits)"))?.status == 413)
        let body = refusal(chunked(String(repeating: "1\(fits)\r\na\r\n", count: 65)))
        #expect(body?.status == 413 && body?.rule.contains("chunkExtensionBodyBytes") == true)
        #expect(refusal(chunked("1" + String(repeating: "1", count: 400)))?.status == 400)
        #expect(refusal(chunked("1" + String(repeating: " ", count: 400)))?.status == 400)
    }

    @Test("trailers obey the limits of headers")
    func trailerLimits() {
        let fields = (0...100).map { "x\($0): y\r\n" }.joined()
        #expect(refusal(chunked("0\r\n\(fields)\r\n"))?.status == 431)
        #expect(refusal(chunked("0\r\nx: " + String(repeating: "a", count: 17000)))?.status == 431)
    }
}
