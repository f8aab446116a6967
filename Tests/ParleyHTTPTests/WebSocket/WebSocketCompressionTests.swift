import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyHTTP

@Suite("WebSockets: permessage-deflate (RFC 7692)")
struct WebSocketCompressionTests {
    private static let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

    private func routes(
        _ change: @escaping (inout WebSocketCompression) -> Void = { _ in }
    ) -> (Application) -> Void {
        { app in
            var options = WebSocketOptions()
            options.limits.messageBytes = 100_000
            var compression = WebSocketCompression()
            compression.threshold = 100
            change(&compression)
            options.compression = compression
            app.webSocket("/echo", options: options) { socket in
                for try await message in socket { try await socket.send(message) }
            }
            app.webSocket("/plain") { socket in
                for try await message in socket { try await socket.send(message) }
            }
        }
    }

    /// A client's side of the compression.
    private struct Codec {
        let deflater: Deflater
        let inflater: Inflater

        init() throws {
            deflater = try Deflater(.raw)
            inflater = try Inflater(.raw)
        }

        func deflate(_ bytes: [UInt8]) throws -> [UInt8] {
            var output: [UInt8] = []
            try #require(deflater.deflateMessage(bytes.span, appendingTo: &output))
            return output
        }

        func inflate(_ bytes: [UInt8]) throws -> [UInt8] {
            var message = WebSocketMessageInflate(isText: false, limit: 1 << 20)
            try message.append(bytes.span, by: inflater)
            return try message.finish(by: inflater)
        }
    }

    /// A frame whose RSV1 is set.
    private func compressedFrame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        var frame = WebSocketClient.frame(opcode, payload, isFinal: isFinal)
        frame[0] |= 0x40
        return frame
    }

    private static let text = Array(String(repeating: "hello, compression ", count: 30).utf8)

    @Test("messages come back compressed, small ones as they are; without takeover none refers to another")
    func echo() async throws {
        try await withServer(routes: routes()) { server in
            let client = try await WebSocketClient(server, "/echo", fields: Self.offer)
            #expect(
                client.head.contains(
                    "permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"))
            for _ in 0..<3 {
                let codec = try Codec()
                try await client.raw.send(compressedFrame(1, codec.deflate(Self.text)))
                let echo = try await client.read()
                #expect(echo.opcode == 1 && echo.isCompressed && echo.payload.count < 100)
                #expect(try codec.inflate(echo.payload) == Self.text)
            }
            try await client.send("small")
            #expect(try await client.read() == .init(opcode: 1, payload: Array("small".utf8)))
            try await client.raw.send(compressedFrame(2, [0x00]))
            #expect(try await client.read() == .init(opcode: 2, payload: []))
        }
    }

    @Test("with takeover a message that was sent before costs next to nothing, both ways")
    func takeover() async throws {
        let routes = routes {
            $0.serverContextTakeover = true
            $0.clientContextTakeover = true
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/echo", fields: Self.offer)
            #expect(client.head.contains("permessage-deflate\r\n"))
            let codec = try Codec()
            let noise = (0..<500).map { _ in UInt8.random(in: 0...255) }
            for turn in 0..<3 {
                let payload = try codec.deflate(noise)
                #expect(turn == 0 || payload.count < 30)
                try await client.raw.send(compressedFrame(2, payload))
                let echo = try await client.read()
                #expect(echo.isCompressed && (turn == 0 || echo.payload.count < 30))
                #expect(try codec.inflate(echo.payload) == noise)
            }
        }
    }

    @Test("fragments of a compressed message, cut anywhere, with control frames between them")
    func fragments() async throws {
        try await withServer(routes: routes()) { server in
            let client = try await WebSocketClient(server, "/echo", fields: Self.offer)
            let codec = try Codec()
            let compressed = try codec.deflate(Self.text)
            var bytes = compressedFrame(1, [compressed[0]], isFinal: false)
            bytes += WebSocketClient.frame(0, [], isFinal: false) + WebSocketClient.frame(9, [7])
            bytes += WebSocketClient.frame(0, Array(compressed[1..<9]), isFinal: false)
            bytes += WebSocketClient.frame(0, Array(compressed[9...]), isFinal: false)
            bytes += WebSocketClient.frame(0, [])
            for byte in bytes { try await client.raw.send([byte]) }
            #expect(try await client.read() == .init(opcode: 10, payload: [7]))
            #expect(try codec.inflate(await client.read().payload) == Self.text)
        }
    }

    @Test("without an offer, or a setting, nothing is compressed")
    func notAgreed() async throws {
        try await withServer(routes: routes()) { server in
            for (path, fields) in [
                ("/echo", ""), ("/plain", Self.offer),
                ("/echo", "Sec-WebSocket-Extensions: permessage-deflate; nonsense\r\n"),
            ] {
                let client = try await WebSocketClient(server, path, fields: fields)
                #expect(!client.head.lowercased().contains("sec-websocket-extensions"))
                try await client.send(1, Self.text)
                #expect(try await client.read() == .init(opcode: 1, payload: Self.text))
            }
        }
    }

    @Test("what breaks the rules is closed with the code for it")
    func violations() async throws {
        let bomb = try Codec().deflate([UInt8](repeating: 0, count: 1 << 20))
        let notText = try Codec().deflate(Array(repeating: 0xFF, count: 200))
        let cases: [([UInt8], Int)] = [
            (compressedFrame(9, []), 1002), (compressedFrame(8, []), 1002),
            (compressedFrame(1, [0x00], isFinal: false) + compressedFrame(0, [0x00]), 1002),
            (compressedFrame(2, [0x07, 0xFF]), 1007), (compressedFrame(2, Array(bomb.dropLast(9))), 1009),
            (compressedFrame(2, [0xF2, 0x48, 0xCD]), 1007), (compressedFrame(2, bomb), 1009),
            (compressedFrame(1, notText, isFinal: false), 1007),
        ]
        try await withServer(routes: routes()) { server in
            for (bytes, code) in cases {
                let client = try await WebSocketClient(server, "/echo", fields: Self.offer)
                try await client.raw.send(bytes)
                let close = try await client.read()
                #expect(close.opcode == 8 && close.code == code)
            }
        }
    }

    @Test(
        "a shared message is compressed once for all that agreed on no takeover, and is right for every connection"
    )
    func shared() async throws {
        let connections = Lock<[WebSocketConnection]>([])
        func routes(_ app: Application) {
            for (path, isKept) in [("/alone", false), ("/takeover", true)] {
                var options = WebSocketOptions()
                var compression = WebSocketCompression()
                compression.serverContextTakeover = isKept
                options.compression = compression
                app.webSocket(path, options: options) { socket in
                    connections.withLock { $0.append(socket.connection) }
                    try await socket.send("ready")
                    for try await _ in socket {}
                }
            }
        }
        try await withServer(routes: routes) { server in
            var clients: [WebSocketClient] = []
            for (path, fields) in [
                ("/alone", Self.offer), ("/alone", Self.offer), ("/takeover", Self.offer), ("/alone", ""),
            ] {
                let client = try await WebSocketClient(server, path, fields: fields)
                #expect(try await client.read().text == "ready")
                clients.append(client)
            }
            let text = Array(String(repeating: "to everybody ", count: 200).utf8)
            let message = WebSocketSharedMessage(text.span, isBinary: false)
            for connection in connections.withLock({ $0 }) { connection.send(message) }
            for (index, client) in clients.enumerated() {
                let frame = try await client.read()
                #expect(frame.isCompressed == (index < 3))
                #expect(
                    try frame.isCompressed ? Codec().inflate(frame.payload) == text : frame.payload == text)
            }
            let settings = try #require(connections.withLock { $0[0].deflation?.settings })
            // The same storage: it was made once.
            let first = try #require(message.compressed(with: settings))
            let second = try #require(message.compressed(with: settings))
            #expect(
                first.withUnsafeBufferPointer { $0.baseAddress }
                    == second.withUnsafeBufferPointer { $0.baseAddress })
        }
    }

    @Test("sends of many threads are in order for the window that is taken over")
    func manyThreads() async throws {
        func routes(_ app: Application) {
            var options = WebSocketOptions()
            var compression = WebSocketCompression()
            compression.serverContextTakeover = true
            compression.threshold = 1
            options.compression = compression
            app.webSocket("/", options: options) { socket in
                await withTaskGroup(of: Void.self) { group in
                    for sender in 0..<4 {
                        group.addTask(executorPreference: globalConcurrentExecutor) {
                            for _ in 0..<100 {
                                try? await socket.send(String(repeating: "\(sender)", count: 80))
                            }
                        }
                    }
                }
            }
        }
        try await withServer(routes: routes) { server in
            let client = try await WebSocketClient(server, "/", fields: Self.offer)
            let codec = try Codec()
            for _ in 0..<400 {
                let text = try codec.inflate(await client.read().payload)
                #expect(text.count == 80 && text.allSatisfy { $0 == text[0] })
            }
        }
    }
}
