import ParleyWire

extension EncodedPacket {
    /// CONNECT, the answer to a client's (Socket.IO protocol 5, "Connection to a namespace").
    static func connected(_ socket: Socket) -> EncodedPacket {
        var writer = PacketWriter(.connect, namespace: socket.namespace.name)
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
        PacketWriter(.disconnect, namespace: namespace.name).finish()
    }

    /// CONNECT_ERROR: `{"message":..., "data":...}`.
    static func refused(_ error: ConnectError, namespace: String) -> EncodedPacket {
        var writer = PacketWriter(.connectError, namespace: namespace)
        let json = (try? error.json()) ?? Array(#"{"message":"error"}"#.utf8)
        writer.bytes.append(contentsOf: json)
        return writer.finish()
    }

    /// What this server encodes is held to none of the limits that clients are.
    private static let ownLimits: SocketIOLimits = {
        var limits = SocketIOLimits()
        limits.attachments = .max
        limits.namespaceBytes = .max
        limits.jsonDepth = JSON.maximumEncodingDepth
        return limits
    }()

    /// The event in the packet, for handlers that look at everything that leaves.
    func decodedEvent() throws -> (String, [JSONValue])? {
        let packet = frame.webSocket.span.extracting(droppingFirst: frame.payloadStart + 1)
        let head = try SocketIODecoder(limits: Self.ownLimits).head(of: packet)
        guard head.type == .event || head.type == .binaryEvent else { return nil }
        // Without attachments nothing is a placeholder, whatever it looks like.
        let binary = attachments.isEmpty ? nil : attachments.map { Array($0.webSocket[$0.payloadStart...]) }
        let json = packet.extracting(head.payload)
        var cursor = try JSONArrayCursor(
            validating: json, attachments: binary, maximumDepth: Self.ownLimits.jsonDepth)
        let event = try cursor.next(String.self, in: json)
        var arguments: [JSONValue] = []
        while !cursor.isAtEnd { arguments.append(try cursor.next(JSONValue.self, in: json)) }
        if hasOffset { arguments.removeLast() }
        return (event, arguments)
    }
}
