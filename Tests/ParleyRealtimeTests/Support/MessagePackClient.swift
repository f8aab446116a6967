import ParleyWire
import Testing

@testable import ParleyRealtime

/// A client with the MessagePack parser by HTTP long-polling, without a socket.
final class MessagePackClient: Sendable {
    let polling: PollingClient

    init(_ polling: PollingClient) { self.polling = polling }

    /// A server for such clients.
    static func server(_ change: (inout RealtimeOptions) -> Void = { _ in }) -> Realtime {
        var options = RealtimeOptions()
        options.parser = .messagePack
        change(&options)
        return Realtime(options: options)
    }

    /// Begins a session and joins a namespace.
    static func join(
        _ realtime: Realtime, _ namespace: String = "/", auth: String = ""
    ) async throws -> (client: MessagePackClient, connected: MessagePackPacket) {
        let client = MessagePackClient(try await PollingClient(realtime))
        try await client.send(.connect, namespace, json: auth)
        let packet = try await client.next()
        #expect(packet.type == .connect && packet.namespace == namespace)
        return (client, packet)
    }

    @discardableResult
    func send(
        _ type: SocketIOPacketType, _ namespace: String = "/", id: UInt64? = nil, json: String = "",
        attachments: [[UInt8]] = []
    ) async throws -> Int {
        var bytes: [UInt8] = []
        try MessagePackPacket(
            type: type, namespace: namespace, id: id, json: Array(json.utf8), attachments: attachments
        ).encode(into: &bytes)
        return try await send(bytes)
    }

    @discardableResult
    func send(_ bytes: [UInt8]) async throws -> Int {
        var text = [UInt8(ascii: "b")]
        Base64.encode(bytes.span, into: &text)
        return try await polling.send(String(decoding: text, as: UTF8.self))
    }

    func next() async throws -> MessagePackPacket {
        let packet = try await polling.next()
        try #require(packet.hasPrefix("b"), "\(packet)")
        return try Self.decode(base64: packet.utf8.dropFirst())
    }

    static func decode(base64: some Sequence<UInt8>) throws -> MessagePackPacket {
        let bytes = Base64.decode(Array(base64).span)
        let message = try #require(bytes)
        return try MessagePackPacket(decoding: message.span)
    }
}

extension MessagePackPacket {
    var text: String { String(decoding: json, as: UTF8.self) }
}
