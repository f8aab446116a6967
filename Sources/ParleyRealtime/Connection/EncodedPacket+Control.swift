import ParleyWire

extension EncodedPacket {
    /// CONNECT, the answer to a client's (Socket.IO protocol 5, "Connection to a namespace").
    static func connected(_ socket: Socket) -> EncodedPacket {
        var writer = PacketWriter(
            .connect, namespace: socket.namespace.name, parser: socket.namespace.parser)
        writer.bytes.append(contentsOf: #"{"sid":""#.utf8)
        writer.bytes.append(contentsOf: socket.id.utf8)
        if let ticket = socket.ticket {
            writer.bytes.append(contentsOf: #"","pid":""#.utf8)
            writer.bytes.append(contentsOf: ticket.pid.utf8)
        }
        writer.bytes.append(contentsOf: #""}"#.utf8)
        return writer.finish()
    }

    /// DISCONNECT.
    static func disconnected(_ namespace: Namespace) -> EncodedPacket {
        var writer = PacketWriter(.disconnect, namespace: namespace.name, parser: namespace.parser)
        return writer.finish()
    }

    /// CONNECT_ERROR: `{"message":..., "data":...}`.
    static func refused(
        _ error: ConnectError, namespace: String, parser: PacketParser
    ) -> EncodedPacket {
        var writer = PacketWriter(.connectError, namespace: namespace, parser: parser)
        let json = (try? error.json()) ?? Array(#"{"message":"error"}"#.utf8)
        writer.bytes.append(contentsOf: json)
        return writer.finish()
    }

    /// What this server encodes is held to none of the limits that clients are.
    private static let ownLimits: SocketIOLimits = {
        var limits = SocketIOLimits()
        limits.attachments = .max
        limits.namespaceBytes = .max
        limits.acknowledgementDigits = 19
        limits.jsonDepth = JSON.maximumEncodingDepth
        return limits
    }()

    /// The event in the packet, for handlers that look at everything that leaves.
    func decodedEvent() throws -> (String, [JSONValue])? {
        let message = frame.webSocket.span.extracting(droppingFirst: frame.payloadStart)
        if frame.isBinary {
            let packet = try MessagePackPacket(decoding: message, limits: Self.ownLimits)
            return try decodedEvent(packet.type, packet.json.span, packet.attachments)
        }
        let packet = message.extracting(droppingFirst: 1)
        let head = try SocketIODecoder(limits: Self.ownLimits).head(of: packet)
        let binary = attachments.map { Array($0.webSocket[$0.payloadStart...]) }
        return try decodedEvent(head.type, packet.extracting(head.payload), binary)
    }

    private func decodedEvent(
        _ type: SocketIOPacketType, _ json: Span<UInt8>, _ binary: [[UInt8]]
    ) throws -> (String, [JSONValue])? {
        guard type == .event || type == .binaryEvent else { return nil }
        // Without attachments nothing is a placeholder, whatever it looks like.
        var cursor = try JSONArrayCursor(
            validating: json, attachments: binary.isEmpty ? nil : binary,
            maximumDepth: Self.ownLimits.jsonDepth)
        let event = try cursor.next(String.self, in: json)
        var arguments: [JSONValue] = []
        while !cursor.isAtEnd { arguments.append(try cursor.next(JSONValue.self, in: json)) }
        if hasOffset { arguments.removeLast() }
        return (event, arguments)
    }
}
