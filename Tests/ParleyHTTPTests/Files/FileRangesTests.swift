import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

/// Several ranges as one response (RFC 9110 14.6, 15.3.7).
@Suite struct FileRangesTests {
    @Test func `Several ranges are a multipart body of the announced length`() async throws {
        let site = try FileSite()
        try site.write("0123456789", to: "a.txt")
        let response = await site.get("/a.txt", [.range: "bytes=7-8, 0-1,-1"])
        #expect(response.status == .partialContent && response.headers[.contentRange] == nil)
        let type = try #require(response.headers[.contentType])
        #expect(type.hasPrefix("multipart/byteranges; boundary="))
        let boundary = type.dropFirst("multipart/byteranges; boundary=".count)
        #expect(boundary.utf8.count <= 70 && boundary.utf8.allSatisfy { $0.isToken })
        let text = try await response.text()
        #expect(response.body.length == UInt64(text.utf8.count))
        let parts = [("7-8", "78"), ("0-1", "01"), ("9-9", "9")].map { range, content in
            "\r\n--\(boundary)\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes \(range)/10\r\n\r\n"
                + content
        }
        #expect(text == parts.joined() + "\r\n--\(boundary)--\r\n")
        #expect(await site.get("/a.txt", [.range: "bytes=7-8, 0-1"]).headers[.contentType] != type)
    }

    @Test func `Long parts are streamed in bounded pieces`() async throws {
        let site = try FileSite()
        let bytes = (0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        try site.directory.write(bytes, to: "public/long")
        let response = await site.get("/long", [.range: "bytes=500000-999999, 0-299999"])
        #expect(response.isStreamed)
        let largest = Lock(0)
        guard case .stream(let length, let produce) = response.body.content else { return }
        let writer = CollectingWriter { piece in largest.withLock { $0 = max($0, piece.count) } }
        try await produce(writer)
        #expect(UInt64(writer.collected.count) == length)
        #expect(largest.withLock { $0 } <= Int(FileContent.pieceSize))
        let body = writer.collected
        let first = try #require(body.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound)
        #expect(Array(body[first..<(first + 500_000)]) == Array(bytes[500_000..<1_000_000]))
    }

    @Test func `HEAD and other conditions ignore several ranges as one`() async throws {
        let site = try FileSite()
        try site.write("0123456789", to: "a.txt")
        #expect(await site.request(.head, "/a.txt", [.range: "bytes=0-0,2-2"]).body.length == 10)
        #expect(await site.get("/a.txt", [.range: "bytes=0-0,2-2", .ifRange: "\"x\""]).status == .ok)
        let tag = try #require(await site.get("/a.txt").headers[.eTag])
        #expect(
            await site.get("/a.txt", [.range: "bytes=0-0,2-2", .ifNoneMatch: tag]).status == .notModified)
        #expect(await site.get("/a.txt", [.range: "bytes=20-,30-"]).headers[.contentRange] == "bytes */10")
    }
}

extension UInt8 {
    fileprivate var isToken: Bool {
        self == 0x2D || (0x30...0x39).contains(self) || (0x61...0x7A).contains(self)
    }
}
