import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("WebSocket routes over a socket (W1, W3, W4, W6, W7)")
struct WebSocketTests {
    private func routes(_ app: Application) {
        app.webSocket("/echo") { socket in
            for try await message in socket { try await socket.send(message) }
        }
        var patient = WebSocketOptions()
        patient.closeTimeout = .seconds(60)
        app.webSocket("/bye", options: patient) { socket in try await socket.send("bye") }
        app.webSocket("/fail", options: patient) { _ in throw HTTPError(.badRequest) }
        app.get("/next") { _ in "next" }
    }

    @Test("messages come back as they were, whatever their kind and size, also those behind the handshake")
    func echo() async throws {
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(
                server, "/echo", behind: WebSocketClient.frame(1, Array("early".utf8)))
            #expect(try await client.read().text == "early")
            for size in [0, 1, 125, 126, 65535, 65536, 1_000_000] {
                let payload = [UInt8](repeating: 7, count: size)
                try await client.send(2, payload)
                #expect(try await client.read() == .init(opcode: 2, payload: payload))
            }
            try await client.send("h\u{E4}llo \u{1F600}")
            #expect(try await client.read() == .init(opcode: 1, payload: Array("h\u{E4}llo \u{1F600}".utf8)))
        }
    }

    @Test("fragments are put together, and control frames may come between them (RFC 6455 5.4)")
    func fragments() async throws {
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/echo")
            try await client.send(1, Array("one ".utf8), isFinal: false)
            try await client.send(9, Array("ping".utf8))
            #expect(try await client.read() == .init(opcode: 10, payload: Array("ping".utf8)))
            try await client.send(0, Array("two ".utf8), isFinal: false)
            try await client.send(10, [])
            try await client.send(0, Array("three".utf8))
            #expect(try await client.read().text == "one two three")
        }
    }

    @Test("many messages in one piece come back in their order")
    func order() async throws {
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/echo")
            try await client.raw.send((0..<2000).flatMap { WebSocketClient.frame(1, Array("\($0)".utf8)) })
            for number in 0..<2000 { #expect(try await client.read().text == "\(number)") }
        }
    }

    @Test("a close frame is answered with its code, and then the server closes (RFC 6455 5.5.1, 7.1.1)")
    func closedByClient() async throws {
        try await withServer(routes: routes) { server in
            for (sent, echoed) in [([0x0F, 0xA1] + Array("why".utf8), 4001), ([], 0)] as [([UInt8], Int)] {
                let client = try await WebSocketClient(server, "/echo")
                try await client.send(8, sent)
                let close = try await client.read()
                #expect(close.opcode == 8)
                #expect(close.code == echoed)
                #expect(try await client.raw.readToEnd() == "")
            }
        }
    }

    @Test(
        "a handler's return closes with 1000, its throw with 1011",
        arguments: [("/bye", 1000), ("/fail", 1011)])
    func closedByHandler(path: String, code: Int) async throws {
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, path)
            var frame = try await client.read()
            if frame.opcode == 1 { frame = try await client.read() }
            #expect(frame.opcode == 8)
            #expect(frame.code == code)
            try await client.send(8, Array(frame.payload.prefix(2)))
            #expect(try await client.raw.readToEnd() == "")
        }
    }

    @Test(
        "what breaks the protocol is closed with the code for it",
        arguments: [
            ([0x81, 0x01, 0x61], 1002),  // not masked
            ([0xC1, 0x80, 0, 0, 0, 0], 1002),  // RSV1 without an extension
            ([0x83, 0x80, 0, 0, 0, 0], 1002),  // an unknown opcode
            ([0x80, 0x80, 0, 0, 0, 0], 1002),  // a continuation of nothing
            ([0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28], 1007),  // text that isn't UTF-8
            ([0x82, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], 1009),  // 4 GiB are announced
            ([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED], 1002),  // 1005 in a close frame
        ] as [([UInt8], Int)])
    func violations(bytes: [UInt8], code: Int) async throws {
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/echo")
            try await client.raw.send(bytes)
            let frame = try await client.read()
            #expect(frame.opcode == 8)
            #expect(frame.code == code)
            #expect(try await client.raw.readToEnd() == "")
        }
    }

    @Test("a handshake that isn't one is refused (RFC 6455 4.2)")
    func refusals() async throws {
        try await withServer(routes: routes) { server in
            let good = WebSocketClient.handshake("/echo")
            let cases = [
                ("13", "12", "426 Upgrade Required"), ("Upgrade: websocket\r\n", "", "426 Upgrade Required"),
                ("dGhl", "x", "400 Bad Request"), ("GET", "POST", "405 Method Not Allowed"),
                ("Sec-WebSocket-Key", "X-Key", "400 Bad Request"),
            ]
            for (old, new, status) in cases {
                let client = try RawClient(port: server.port)
                try await client.send(good.replacing(old, with: new))
                let head = try await client.read(until: "\r\n\r\n")
                #expect(head.hasPrefix("HTTP/1.1 \(status)\r\n"))
                #expect(head.contains("Sec-WebSocket-Version: 13\r\n") == status.hasPrefix("426"))
            }
        }
    }

    @Test(
        "pages of other origins are refused, same-origin ones and clients without origin are not (RFC 6455 10.2)"
    )
    func origins() async throws {
        try await withServer(routes: routes) { server in
            for origin in ["http://example.com", "https://EXAMPLE.com:443", "http://example.com:80"] {
                _ = try await WebSocketClient(server, "/echo", fields: "Origin: \(origin)\r\n")
            }
            for origin in [
                "https://evil.example", "http://example.com:8080", "null", "http://example.com.evil.example",
            ] {
                let client = try RawClient(port: server.port)
                try await client.send(WebSocketClient.handshake("/echo", fields: "Origin: \(origin)\r\n"))
                #expect(try await client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 403 "))
            }
        }
    }

    @Test("the client's first subprotocol that the server speaks is agreed on")
    func subprotocols() async throws {
        func routes(_ app: Application) {
            var options = WebSocketOptions()
            options.subprotocols = ["a", "b"]
            app.webSocket("/", options: options) { socket in
                try await socket.send(socket.subprotocol ?? "none")
            }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/", fields: "Sec-WebSocket-Protocol: x, b, a\r\n")
            #expect(client.head.contains("Sec-WebSocket-Protocol: b\r\n"))
            #expect(try await client.read().text == "b")
            let other = try await WebSocketClient(server, "/", fields: "Sec-WebSocket-Protocol: x\r\n")
            #expect(!other.head.contains("Sec-WebSocket-Protocol"))
        }
    }

    @Test("the handshake passes the middleware of its route, and the socket has what it stored")
    func middleware() async throws {
        func routes(_ app: Application) {
            app.group("/private").use { request, next in
                guard let user = request.query("user") else { throw HTTPError(.unauthorized) }
                var request = request
                request[String.self] = user
                return try await next(request)
            }.webSocket("/:room") { socket in
                try await socket.send(
                    "\(socket.request[String.self] ?? "") \(socket.request.parameters["room"] ?? "")")
            }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/private/lobby?user=ada")
            #expect(try await client.read().text == "ada lobby")
            let refused = try RawClient(port: server.port)
            try await refused.send(WebSocketClient.handshake("/private/lobby"))
            #expect(try await refused.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 401 "))
        }
    }
}
