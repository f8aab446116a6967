import HTTPTypes
import ParleyWire
import Testing

@Suite("The WebSocket handshake")
struct WebSocketHandshakeTests {
    private static let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    private static let upgrade = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    private static let version = "Sec-WebSocket-Version: 13\r\n"

    private func validate(
        _ fields: String, _ line: String = "GET /chat HTTP/1.1"
    ) throws -> WebSocketHandshake.Outcome {
        let head = try #require(decode("\(line)\r\n\(fields)\r\n").heads.first)
        return WebSocketHandshake.validate(head)
    }

    private func status(_ fields: String, _ line: String = "GET /chat HTTP/1.1") throws -> Int? {
        guard case .refused(let status, _) = try validate(fields, line) else { return nil }
        return status
    }

    @Test("RFC 6455 1.3: the example")
    func example() throws {
        let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        #expect(WebSocketHandshake.acceptKey(for: "dGhlIHNhbXBsZSBub25jZQ==") == accept)
        #expect(try validate(Self.upgrade + Self.key + Self.version) == .accepted(acceptKey: accept))
        let lists = "Host: a\r\nUpgrade: foo, WebSocket\r\nConnection: keep-alive, upgrade\r\n"
        #expect(try validate(lists + Self.key + Self.version) == .accepted(acceptKey: accept))
    }

    @Test("a request that asks for no WebSocket is an ordinary one")
    func ordinary() throws {
        #expect(try validate("Host: a\r\n") == .notWebSocket)
        #expect(try validate("Host: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n") == .notWebSocket)
    }

    @Test(
        "a key that is missing, doubled, short, long or no base64 is 400",
        arguments: [
            "", key + key, "Sec-WebSocket-Key: \r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWE=\r\n",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n",
            "Sec-WebSocket-Key: ======================\r\n",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ== dGhlIHNhbXBsZSBub25jZQ==\r\n",
        ])
    func keys(fields: String) throws {
        #expect(try status(Self.upgrade + Self.version + fields) == 400)
    }

    @Test("RFC 6455 4.4: any version but 13 is 426, two of them 400")
    func versions() throws {
        #expect(try status(Self.upgrade + Self.key) == 426)
        for version in ["", "8", "14", "13, 8", "013"] {
            #expect(try status(Self.upgrade + Self.key + "Sec-WebSocket-Version: \(version)\r\n") == 426)
        }
        #expect(try status(Self.upgrade + Self.key + Self.version + Self.version) == 400)
    }

    @Test("method, HTTP version, Connection and content")
    func others() throws {
        let fields = Self.upgrade + Self.key + Self.version
        #expect(try status(fields, "POST /chat HTTP/1.1") == 405)
        #expect(try status(fields, "GET /chat HTTP/1.0") == 400)
        #expect(try status("Host: a\r\nUpgrade: websocket\r\n" + Self.key + Self.version) == 400)
        #expect(
            try status("Host: a\r\nUpgrade: websocket\r\nConnection: close\r\n" + Self.key + Self.version)
                == 400)
        let head = HTTP1Transcript([Array("GET / HTTP/1.1\r\n\(fields)Content-Length: 1\r\n\r\n".utf8)]).heads
            .first
        guard case .refused(400, _) = WebSocketHandshake.validate(try #require(head)) else {
            Issue.record("content must be refused")
            return
        }
    }

    @Test("RFC 8441: over HTTP/2 there is no key, but a version")
    func extendedConnect() {
        var head = HTTPRequestHead(
            method: .connect, target: "/chat", authority: "a", scheme: "https", version: .http2)
        #expect(WebSocketHandshake.validate(head) == .notWebSocket)
        head.upgradeProtocol = "websocket"
        guard case .refused(426, _) = WebSocketHandshake.validate(head) else {
            Issue.record("the version must be there")
            return
        }
        head.headers.append(name: Array("sec-websocket-version".utf8).span, value: Array("13".utf8).span)
        #expect(WebSocketHandshake.validate(head) == .accepted(acceptKey: nil))
        head.method = .get
        #expect(WebSocketHandshake.validate(head) != .accepted(acceptKey: nil))
    }

    @Test("the first subprotocol of the client that the server supports is selected")
    func subprotocols() throws {
        let text =
            "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Protocol: a, b,, c\r\nSec-WebSocket-Protocol: d\r\n\r\n"
        let headers = try #require(decode(text).heads.first?.headers)
        #expect(WebSocketHandshake.offeredSubprotocols(headers) == ["a", "b", "c", "d"])
        #expect(WebSocketHandshake.selectSubprotocol(headers, supported: ["d", "c"]) == "c")
        #expect(WebSocketHandshake.selectSubprotocol(headers, supported: ["A"]) == nil)
        #expect(WebSocketHandshake.offeredSubprotocols(HTTPHeaderBlock()).isEmpty)
    }
}
