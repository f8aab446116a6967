import Testing

@testable import ParleyHTTP

/// The client's side of a WebSocket, frame by frame.
final class WebSocketClient: Sendable {
    struct Frame: Equatable {
        var opcode: UInt8
        var payload: [UInt8]
        var isFinal = true
        /// RSV1 (RFC 7692 6).
        var isCompressed = false
        var text: String { String(decoding: payload, as: UTF8.self) }
        /// Of a close frame.
        var code: Int { payload.count < 2 ? 0 : Int(payload[0]) << 8 | Int(payload[1]) }
    }

    let raw: RawClient

    /// Performs the handshake; what is sent behind it comes in the same piece.
    init(_ server: RunningServer, _ path: String, fields: String = "", behind: [UInt8] = []) async throws {
        raw = try RawClient(port: server.port)
        try await raw.send(Array(Self.handshake(path, fields: fields).utf8) + behind)
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual([13, 10, 13, 10]) { head += try await raw.read(exactly: 1) }
        let text = String(decoding: head, as: UTF8.self)
        try #require(text.hasPrefix("HTTP/1.1 101 "))
        #expect(text.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        self.head = text
    }

    let head: String

    static func handshake(_ path: String, fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(fields)\r\n"
    }

    /// A masked frame.
    static func frame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        var bytes: [UInt8] = [opcode | (isFinal ? 0x80 : 0)]
        switch payload.count {
        case 0..<126: bytes.append(0x80 | UInt8(payload.count))
        case 126..<65536: bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        default: bytes += [0x80 | 127] + (0..<8).reversed().map { UInt8(payload.count >> ($0 * 8) & 255) }
        }
        let key: [UInt8] = [1, 2, 3, 4]
        return bytes + key + payload.enumerated().map { $1 ^ key[$0 & 3] }
    }

    func send(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) async throws {
        try await raw.send(Self.frame(opcode, payload, isFinal: isFinal))
    }

    func send(_ text: String) async throws { try await send(1, Array(text.utf8)) }

    func read() async throws -> Frame {
        let start = try await raw.read(exactly: 2)
        try #require(start[1] & 0x80 == 0, "a server doesn't mask (RFC 6455 5.1)")
        var length = Int(start[1])
        if length >= 126 {
            let bytes = try await raw.read(exactly: length == 126 ? 2 : 8)
            length = bytes.reduce(0) { $0 << 8 | Int($1) }
        }
        return Frame(
            opcode: start[0] & 0x0F, payload: try await raw.read(exactly: length),
            isFinal: start[0] & 0x80 != 0, isCompressed: start[0] & 0x40 != 0)
    }
}
