import Foundation
import Testing

@testable import ParleyHTTP

/// Files over a real connection.
@Suite struct FileServerTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func withFiles(_ body: (RunningServer) async throws -> Void) async throws {
        try await withServer(routes: { $0.files("/", from: directory.path) }, body)
    }

    private func get(_ target: String, _ fields: String..., method: String = "GET") -> String {
        let lines = ["\(method) \(target) HTTP/1.1", "Host: x"] + fields
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    @Test func `Whole files, parts, 304, 412, 416 and HEAD follow each other on one connection`() async throws
    {
        try directory.write("0123456789", to: "a.txt")
        try directory.setModified("a.txt", seconds: 1_000_000_000)
        try await withFiles { server in
            let text = try await exchange(
                server,
                get("/a.txt", method: "HEAD") + get("/a.txt", "Range: bytes=-3")
                    + get("/a.txt", "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT")
                    + get("/a.txt", "If-Match: \"x\"") + get("/a.txt", "Range: bytes=10-")
                    + get("/a.txt", "Range: bytes=0-1, 1-4", "Connection: close"))
            let responses = text.components(separatedBy: "HTTP/1.1 ").dropFirst()
            #expect(responses.map { String($0.prefix(3)) } == ["200", "206", "304", "412", "416", "200"])
            let contents = responses.map(\.content)
            #expect(
                contents[0] == "" && contents[1] == "789" && contents[2] == "" && contents[5] == "0123456789")
            #expect(responses.map { $0.lowercased().contains("content-length: 10\r\n") }.first == true)
            #expect(text.lowercased().contains("content-range: bytes 7-9/10\r\n"))
            #expect(text.lowercased().contains("content-range: bytes */10\r\n"))
        }
    }

    @Test func `The file is closed when the client goes away`() async throws {
        try directory.truncate("big", to: 300 * 1024 * 1024)
        try await withFiles { server in
            var client: RawClient? = try RawClient(port: server.port)
            try await client?.send(get("/big"))
            _ = try await client?.read(atLeast: 100_000)
            client = nil
            try await expectClosed(directory.path("big"))
        }
    }

    @Test func `A file that becomes shorter ends the connection, and the server goes on`() async throws {
        let size = 100 * 1024 * 1024
        try directory.truncate("big", to: size)
        try directory.write("hello", to: "a.txt")
        try await withFiles { server in
            let client = try RawClient(port: server.port, receiveBuffer: 4096)
            try await client.send(get("/big"))
            var received = try await client.read(atLeast: 1000).count
            try directory.truncate("big", to: 1000)
            // The end is a reset, and what was sent before it may be lost with it.
            while let piece = try? await client.read(), !piece.isEmpty { received += piece.count }
            #expect(received < size)
            let next = try await exchange(server, get("/a.txt", "Connection: close"))
            #expect(next.content == "hello")
            try await expectClosed(directory.path("big"))
        }
    }

    @Test func `A client that has closed its sending side still gets its file`() async throws {
        try directory.truncate("long", to: 5_000_000)
        try directory.write("hello", to: "a.txt")
        try await withFiles { server in
            for (name, size) in [("a.txt", 5), ("long", 5_000_000)] {
                let client = try RawClient(port: server.port)
                try await client.send(get("/" + name))
                client.finish()
                #expect(try await client.readToEnd().content.utf8.count == size)
            }
        }
    }

    @Test func `Raw traversal attempts are refused, and the connection goes on`() async throws {
        try directory.write("hello", to: "public/a.txt")
        try directory.write("top secret", to: "secret")
        try await withServer(routes: { $0.files("/", from: directory.path("public")) }) { server in
            let targets = [
                "/../secret", "/%2e%2e/secret", "/..%2fsecret", "/..%5csecret", "/..\\secret", "//secret",
                "/%00",
                "/./../secret", "/%252e%252e/secret", "/public/../../secret",
            ]
            for target in targets {
                let client = try RawClient(port: server.port)
                try await client.send(get(target) + get("/a.txt", "Connection: close"))
                let text = try await client.readToEnd()
                #expect(text.hasPrefix("HTTP/1.1 40"), "\(target)")
                #expect(!text.contains("top secret"), "\(target)")
                #expect(text.hasSuffix("hello"), "\(target)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `A FIFO keeps no thread of the pool busy`() async throws {
        try directory.fifo("fifo")
        try directory.write("hello", to: "a.txt")
        try await withFiles { server in
            for _ in 0..<10 {
                let response = try await exchange(server, get("/fifo", "Connection: close"))
                #expect(response.hasPrefix("HTTP/1.1 404"))
            }
            let next = try await exchange(server, get("/a.txt", "Connection: close"))
            #expect(next.content == "hello")
        }
    }
}
