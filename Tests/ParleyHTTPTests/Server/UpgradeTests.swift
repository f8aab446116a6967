import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("The upgrade hook")
struct UpgradeTests {
    /// Answers every piece with its bytes in brackets.
    private final class Brackets: ByteStreamHandler {
        func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
            let text = [0x5B] + bytes.span.withUnsafeBufferPointer { Array($0) } + [0x5D]
            stream.send(text.span)
        }
        func receivedEnd(from stream: any ByteStream) { stream.close(linger: .zero) }
        func becameWritable(_ stream: any ByteStream) {}
        func closed(_ stream: any ByteStream, reason: CloseReason) {}
    }

    private func routes(_ app: Application) {
        app.get("/sync") { _ in Response.upgrade(to: "brackets", headers: [.server: "x"]) { _ in Brackets() }
        }
        app.get("/async") { _ async throws in
            try await Task.sleep(for: .milliseconds(20))
            return Response.upgrade(to: "brackets") { _ in Brackets() }
        }
        app.get("/next") { _ in "next" }
    }

    private static func request(_ path: String) -> String {
        "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: other, Brackets\r\n\r\n"
    }

    @Test(
        "101, and the bytes that came behind the request are the new handler's",
        arguments: ["/sync", "/async"])
    func leftover(path: String) async throws {
        try await withServer(routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /next HTTP/1.1\r\nHost: x\r\n\r\n" + Self.request(path) + "early")
            let head = try await client.read(until: "[early]")
            #expect(head.contains("HTTP/1.1 101 Switching Protocols\r\n"))
            #expect(head.lowercased().contains("\r\nconnection: upgrade\r\n"))
            #expect(head.lowercased().contains("\r\nupgrade: brackets\r\n"))
            try await client.send("later")
            #expect(try await client.read(until: "]") == "[later]")
            client.finish()
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("an upgrade that wasn't asked for is refused, and an unknown one ignored")
    func refused() async throws {
        try await withServer(routes: routes) { server in
            let plain = try await exchange(server, "GET /sync HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(plain.hasPrefix("HTTP/1.1 400 "))
            let http2 = try await exchange(
                server,
                "GET /next HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n\r\n"
            )
            #expect(http2.hasPrefix("HTTP/1.1 200 "))
            #expect(http2.content == "next")
        }
    }

    @Test("an upgraded connection is not timed by HTTP")
    func time() async throws {
        try await withServer(configure: { $0.keepAliveTimeout = .milliseconds(100) }, routes: routes) {
            server in
            let client = try RawClient(port: server.port)
            try await client.send(Self.request("/sync"))
            _ = try await client.read(until: "\r\n\r\n")
            try await Task.sleep(for: .milliseconds(300))
            try await client.send("x")
            #expect(try await client.read(until: "]") == "[x]")
        }
    }
}
