import Parley
import ParleyWire

/// Routes whose responses are compressed and whose requests may be, and WebSockets with each kind of compression.
extension Routes {
    func serveCompression(on application: Application) {
        serveCompressedResponses(on: application)
        serveCompressedWebSockets(on: application)
        var options = Decompression.Options()
        options.maximumBytes = 4 << 20
        let inflating = application.group("/inflated")
        inflating.use(Decompression(options))
        inflating.post("/echo") { request in try await request.body.collect(upTo: 8 << 20) }
        inflating.post("/count") { request in
            var count = 0
            for try await piece in request.body { count += piece.count }
            return "\(count)"
        }
    }

    private func serveCompressedResponses(on application: Application) {
        let compressed = application.group("/compressed")
        compressed.use(Compression())
        let line = "A line of text that is worth compressing, number "
        compressed.get("/text") { request in
            (0..<(request.number("lines") ?? 100)).map { "\(line)\($0)\n" }.joined()
        }
        compressed.get("/events") { _ in
            Response(
                headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
                body: .stream { writer in
                    for number in 0..<5 {
                        try await writer.write(Array("data: \(number)\n\n".utf8))
                        try await Task.sleep(for: .milliseconds(150))
                    }
                })
        }
        if let files = settings.files { compressed.files("/files", from: files) }
    }

    private func serveCompressedWebSockets(on application: Application) {
        serve("/ws-deflate", on: application) { _ in }
        serve("/ws-deflate-takeover", on: application) {
            $0.serverContextTakeover = true
            $0.clientContextTakeover = true
        }
        serve("/ws-deflate-small", on: application) {
            $0.serverContextTakeover = true
            $0.clientContextTakeover = true
            $0.serverWindowBits = 9
            $0.clientWindowBits = 10
            $0.memoryLevel = 1
        }
    }

    private func serve(
        _ path: String, on application: Application, _ change: (inout WebSocketCompression) -> Void
    ) {
        var options = settings.webSocketOptions
        var compression = WebSocketCompression()
        compression.threshold = 16
        change(&compression)
        options.compression = compression
        application.webSocket(path, options: options) { socket in
            for try await message in socket { try await socket.send(message) }
        }
    }
}
