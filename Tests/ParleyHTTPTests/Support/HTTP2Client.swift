import HTTP2Peer
import Testing

@testable import ParleyHTTP

/// nghttp2's client over a socket. It is used by one task.
final class HTTP2Client {
    let raw: RawClient
    let peer: HTTP2Peer

    init(_ server: RunningServer, peer: HTTP2Peer = HTTP2Peer(), receiveBuffer: Int32? = nil) throws {
        raw = try RawClient(port: server.port, receiveBuffer: receiveBuffer)
        self.peer = peer
    }

    /// Sends what the peer has to send.
    nonisolated(nonsending) func flush() async throws {
        let bytes = peer.output()
        if !bytes.isEmpty { try await raw.send(bytes) }
    }

    /// Talks until the condition holds. Fails when nothing comes for 5 seconds, or the connection ends before.
    nonisolated(nonsending) func run(until condition: (HTTP2Peer) -> Bool) async throws {
        try await flush()
        while !condition(peer) {
            let bytes = try await raw.read()
            guard !bytes.isEmpty else { throw RawClient.Failure(description: "the connection ended") }
            guard peer.receive(bytes) else { throw RawClient.Failure(description: "no HTTP/2") }
            try await flush()
        }
    }

    /// Talks until the connection ends.
    nonisolated(nonsending) func runToEnd() async throws {
        try await flush()
        while true {
            let bytes = try await raw.read()
            if bytes.isEmpty { return }
            _ = peer.receive(bytes)
            // The server may not read any more.
            try? await flush()
        }
    }

    /// A whole exchange.
    nonisolated(nonsending) func exchange(
        _ method: String, _ path: String, fields: [(String, String)] = [], content: [UInt8]? = nil
    ) async throws -> HTTP2Peer.Stream {
        let stream = peer.request(method, path, fields: fields, content: content)
        return try await finish(stream)
    }

    /// Talks until a stream is gone.
    nonisolated(nonsending) func finish(_ stream: Int32) async throws -> HTTP2Peer.Stream {
        try await run { $0.streams[stream]?.closeCode != nil }
        return try #require(peer.streams[stream])
    }

    /// Opens a WebSocket (RFC 8441), and waits for the answer.
    nonisolated(nonsending) func openWebSocket(_ path: String, version: String = "13") async throws -> Int32 {
        // Extended CONNECT is allowed once the server's SETTINGS came.
        try await run { $0.settings[8] == 1 }
        let stream = peer.request(
            raw: [
                (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", path),
                (":authority", "localhost"), ("sec-websocket-version", version),
            ], content: [], isLast: false)
        try await run { $0.streams[stream]?.status != nil }
        return stream
    }

    /// Sends a WebSocket frame.
    func send(_ opcode: UInt8, _ payload: [UInt8], on stream: Int32, isLast: Bool = false) {
        peer.send(WebSocketClient.frame(opcode, payload), on: stream, isLast: isLast)
    }
}
