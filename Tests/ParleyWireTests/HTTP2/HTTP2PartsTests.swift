import HTTPTypes
import Testing

@testable import ParleyWire

@Suite("HTTP/2: rates, fields and the preface")
struct HTTP2PartsTests {
    @Test("a rate limit admits a burst of its size, leaks away in 10 seconds, and can forgive")
    func rate() {
        var rate = HTTP2RateLimit(100)
        var admitted = 0
        for _ in 0..<200 where rate.admit(at: 5) { admitted += 1 }
        #expect(admitted == 100)
        var steady = HTTP2RateLimit(100)
        var refused = 0
        for index in 0..<1000 where !steady.admit(at: UInt64(index) * 100) { refused += 1 }
        #expect(refused == 0)
        var emptied = HTTP2RateLimit(2)
        let outcomes = [
            emptied.admit(at: 0), emptied.admit(at: 0), emptied.admit(at: 0), emptied.admit(at: .max),
        ]
        #expect(outcomes == [true, true, false, true])
        var forgiving = HTTP2RateLimit(1)
        for _ in 0..<10 {
            let isAdmitted = forgiving.admit(at: 0)
            #expect(isAdmitted)
            forgiving.forgive(5)
        }
        var none = HTTP2RateLimit(-5)
        let isAdmitted = none.admit(at: 0)
        #expect(!isAdmitted)
    }

    @Test("the preface is recognised however it is cut (RFC 9113 3.4)")
    func preface() {
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        for length in 0..<24 { #expect(HTTP2Preface.match(Array(preface.prefix(length)).span) == .partial) }
        #expect(HTTP2Preface.match(preface.span) == .complete)
        #expect(HTTP2Preface.match((preface + [0]).span) == .complete)
        #expect(HTTP2Preface.match(Array("POST / HTTP/1.1".utf8).span) == .none)
        #expect(HTTP2Preface.match(Array("PRI * HTTP/1.1".utf8).span) == .none)
    }

    private func text(_ section: HTTP2FieldSection) -> [String] {
        var start = 0
        return section.entries.map { entry in
            defer { start = entry.valueEnd }
            let name = String(bytes: section.bytes.span.extracting(start..<entry.nameEnd))
            return name + "=" + String(bytes: section.bytes.span.extracting(entry.nameEnd..<entry.valueEnd))
        }
    }

    @Test("fields are in lower case, and those of the connection are left out (RFC 9113 8.2.2)")
    func fields() throws {
        var section = HTTP2FieldSection()
        section.append(status: 404)
        var fields: HTTPFields = [.contentType: "a", .connection: "close", .upgrade: "x", .date: "now"]
        fields[.contentLength] = "5"
        fields[.transferEncoding] = "chunked"
        for name in ["Keep-Alive", "Proxy-Connection", "X-Own"] {
            fields[try #require(HTTPField.Name(name))] = "v"
        }
        try section.append(fields)
        section.append("content-length", number: 10)
        section.append("date", bytes: Array("then".utf8))
        #expect(
            text(section) == [":status=404", "content-type=a", "x-own=v", "content-length=10", "date=then"])
        section.removeAll()
        section.append(status: 200)
        #expect(text(section) == [":status=200"])
    }

    @Test("HTTP2ErrorCode tells who is to blame")
    func blame() {
        #expect(HTTP2ErrorCode.protocolError.blamesPeer && HTTP2ErrorCode.refusedStream.blamesPeer)
        #expect(!HTTP2ErrorCode.noError.blamesPeer && !HTTP2ErrorCode.cancel.blamesPeer)
    }
}
