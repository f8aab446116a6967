import Testing

@testable import ParleyWire

@Suite("multipart bodies (RFC 2046 5.1, RFC 7578)")
struct MultipartDecoderTests {
    private static let field = "Content-Disposition: form-data; name=\"a\"\r\n"

    @Test("parts, their fields and their content")
    func parts() {
        let transcript = MultipartTranscript.ofAnyCut(
            "--b\r\n\(Self.field)Content-Type: text/plain\r\n\r\none\r\n--b\r\n\(Self.field)\r\ntwo\r\nlines\r\n--b--\r\n"
        )
        #expect(transcript.texts == ["one", "two\r\nlines"])
        #expect(
            transcript.parts[0].fields == [
                "content-disposition: form-data; name=\"a\"", "content-type: text/plain",
            ])
        #expect(transcript.isEnded && transcript.rule == nil && transcript.parts.allSatisfy(\.isComplete))
    }

    @Test("preamble, padding behind boundaries, and epilogue mean nothing")
    func surroundings() {
        let transcript = MultipartTranscript.ofAnyCut(
            "This is\r\na preamble--b\r\n--b \t \r\n\(Self.field)\r\none\r\n--b--  \r\nand\n--b\r\nafterwards"
        )
        #expect(transcript.texts == ["one"] && transcript.isEnded && transcript.rule == nil)
    }

    @Test("content that nearly is a boundary is content")
    func nearBoundaries() {
        for content in [
            "\r", "\n", "\r\n", "\r\r\n", "\r\n-", "\r\n--", "\r\n--\r\n-", "--b", "-\r\n--c",
            "\r\r\r\r\n--\r", "x\n--b",
            "\r\n--a\r\n--B\r\n -b",
        ] where content != "--b" {
            let transcript = MultipartTranscript.ofAnyCut("--b\r\n\(Self.field)\r\n\(content)\r\n--b--")
            #expect(transcript.texts == [content] && transcript.isEnded, "\(content.debugDescription)")
        }
    }

    @Test("a part without content, with its line end and without, and a body without parts")
    func empty() {
        for body in ["--b\r\n\(Self.field)\r\n\r\n--b--", "--b\r\n\(Self.field)\r\n--b--"] {
            let transcript = MultipartTranscript.ofAnyCut(body)
            #expect(transcript.texts == [""] && transcript.parts[0].isComplete && transcript.isEnded)
        }
        let none = MultipartTranscript.ofAnyCut("--b--\r\n")
        #expect(none.parts.isEmpty && none.isEnded && none.rule == nil)
    }

    @Test(
        "what is no multipart body names its rule",
        arguments: [
            ("", "RFC 2046 5.1.1: the final boundary is missing"),
            ("--b\r\n\r\nx\r\n--b", "RFC 2046 5.1.1: the final boundary is missing"),
            ("--b\r\n\r\nx\r\n--b-", "RFC 2046 5.1.1: the final boundary is missing"),
            ("--b\n\nx\n--b--\n", "RFC 2046 5.1: a line ends with LF alone"),
            ("--b\r\nA: b\n\r\nx\r\n--b--", "RFC 2046 5.1: a line ends with LF alone"),
            ("--bc\r\n\r\nx\r\n--bc--", "RFC 2046 5.1.1: a boundary is not followed by the end of its line"),
            ("--b- \r\n", "RFC 2046 5.1.1: a boundary is not followed by the end of its line"),
            ("--b\rx\n", "RFC 2046 5.1.1: a boundary is not followed by the end of its line"),
            ("--b\r\nA b\r\n\r\n", "RFC 7578 4.8: a part's header line is no field"),
            ("--b\r\nA: b\r\n c\r\n\r\n", "RFC 7578 4.8: a part's header line is no field"),
            ("--b\r\n: b\r\n\r\n", "RFC 7578 4.8: a part's header line is no field"),
            ("--b\r\nA: b\u{0}c\r\n\r\n", "RFC 7578 4.8: a part's header has a control character"),
            ("--b\r\nA: b\rc\r\n\r\n", "RFC 7578 4.8: a part's header has a control character"),
        ])
    func refusals(body: String, rule: String) {
        let transcript = MultipartTranscript.ofAnyCut(body)
        #expect(transcript.rule == rule && !transcript.isEnded)
    }

    @Test("parts, header bytes, header fields, preamble and padding are limited")
    func limits() {
        var limits = MultipartLimits()
        limits.parts = 2
        limits.headerBytes = 20
        limits.headerFields = 2
        limits.preambleBytes = 10
        let part = "\r\n--b\r\n\r\nx"
        let cases = [
            ("\(part)\(part)\(part)\r\n--b--", "limit multipart parts: more than 2 parts"),
            (
                "--b\r\nA: 0123456789012345\r\n\r\n",
                "limit multipart headerBytes: more than 20 bytes of a part's headers"
            ),
            (
                "--b\r\nA:\r\nB:\r\nC:\r\n\r\n",
                "limit multipart headerFields: more than 2 header fields of a part"
            ),
            (
                "01234567890123\r\n--b--",
                "limit multipart preambleBytes: more than 10 bytes before the first boundary"
            ),
        ]
        for (body, rule) in cases { #expect(MultipartTranscript.ofAnyCut(body, limits: limits).rule == rule) }
        #expect(MultipartTranscript.ofAnyCut("\(part)\(part)\r\n--b--", limits: limits).rule == nil)
        #expect(
            MultipartTranscript.ofAnyCut("--b\r\nA: 01234567890\r\n\r\n\r\n--b--", limits: limits).isEnded)
        let padding = "--b" + String(repeating: " ", count: 200) + "\r\n\r\n\r\n--b--"
        #expect(MultipartTranscript.ofAnyCut(padding).rule?.hasPrefix("RFC 2046 5.1.1") == true)
    }

    @Test("a boundary has 1 to 70 characters of a small set, and no space at its end")
    func boundaries() {
        for boundary in ["", "a ", "a\r", "a\"", "é", String(repeating: "a", count: 71)] {
            #expect(throws: MultipartError.boundary) { try MultipartDecoder(boundary: boundary) }
        }
        for boundary in ["a", "a b", "----WebKitFormBoundary'()+_,-./:=?", String(repeating: "a", count: 70)]
        {
            #expect((try? MultipartDecoder(boundary: boundary)) != nil)
        }
    }

    @Test("content of nothing but boundaries' beginnings takes linear time")
    func linear() throws {
        let boundary = String(repeating: "-", count: 70)
        func time(_ count: Int, _ unit: String) throws -> Duration {
            let content = Array(repeating: Array(unit.utf8), count: count / unit.utf8.count).flatMap { $0 }
            let body = Array("--\(boundary)\r\n\r\n".utf8) + content
            let start = ContinuousClock.now
            let transcript = MultipartTranscript([body[...]], boundary: boundary)
            #expect(transcript.parts.count == 1 && transcript.parts[0].content.count >= content.count - 80)
            return start.duration(to: .now)
        }
        for unit in ["\r", "\r\n", "\r\n" + String(repeating: "-", count: 71)] {
            let small = try time(100_000, unit), large = try time(800_000, unit)
            // Eight times as much; sixty-four times as long if it were quadratic.
            #expect(large < small * 30 + .milliseconds(100), "\(unit.debugDescription)")
        }
    }
}
