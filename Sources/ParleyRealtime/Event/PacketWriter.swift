public import ParleyWire

/// A Socket.IO packet in the form in which transports carry it: encoded once, shared by all its recipients.
struct EncodedPacket: Sendable {
    let frame: EngineFrame
    let attachments: [EngineFrame]
    /// Shares what Engine.IO 3 clients are sent among the recipients of a broadcast with attachments.
    var engineIO3: EngineIO3Attachments?
    /// Whether the last argument is the event's offset, of which the application knows nothing.
    var hasOffset = false

    /// The packet for many clients, whose WebSockets may be compressed.
    func forBroadcast() -> EncodedPacket {
        EncodedPacket(
            frame: frame.forBroadcast(), attachments: attachments.map { $0.forBroadcast() },
            hasOffset: hasOffset)
    }

    /// The packet, to be sent as it is over connections that compress.
    func withoutCompression() -> EncodedPacket {
        func uncompressed(_ frame: EngineFrame) -> EngineFrame {
            var copy = frame
            copy.isCompressible = false
            return copy
        }
        return EncodedPacket(
            frame: uncompressed(frame), attachments: attachments.map(uncompressed), hasOffset: hasOffset)
    }

    /// The packet for one connection.
    func prepared(for delivery: Delivery) -> EncodedPacket {
        delivery.isCompressible ? self : withoutCompression()
    }
}

/// Writes one Socket.IO packet: its head, then JSON, behind the room for a frame's header.
@usableFromInline
struct PacketWriter: Sendable {
    private let type: SocketIOPacketType
    private let namespace: String
    private let id: UInt64?
    private let parser: PacketParser
    private let jsonStart: Int
    @usableFromInline var bytes: [UInt8]
    @usableFromInline var attachments: [[UInt8]] = []

    /// Begins a packet of a type that carries no attachments yet: `.event`, `.ack`, `.connect`, ...
    @usableFromInline
    init(
        _ type: SocketIOPacketType, namespace: String, id: UInt64? = nil, parser: PacketParser,
        into spare: consuming [UInt8] = []
    ) {
        self.type = type
        self.parser = parser
        self.namespace = namespace
        self.id = id
        bytes = Self.start(spare, capacity: 128)
        SocketIOEncoder.appendHead(type, namespace: namespace, id: id, into: &bytes)
        jsonStart = bytes.count
    }

    /// Begins an event: `["name"`. `finishArray` ends it. Throws for a reserved name.
    @usableFromInline
    init(event: String, namespace: Namespace, id: UInt64? = nil) throws {
        try EventName.check(event)
        self.init(.event, namespace: namespace.name, id: id, parser: namespace.parser)
        bytes.append(UInt8(ascii: "["))
        try JSON.encode(event, into: &bytes, attachments: &attachments)
    }

    /// Begins an acknowledgement: `[`. Its first argument needs no comma.
    @usableFromInline
    init(acknowledgement id: UInt64, namespace: Namespace, into spare: consuming [UInt8]) {
        self.init(.ack, namespace: namespace.name, id: id, parser: namespace.parser, into: spare)
        bytes.append(UInt8(ascii: "["))
    }

    /// Appends a value; binary anywhere inside becomes an attachment.
    @inlinable
    mutating func append<Value: Encodable>(_ value: Value) throws {
        if bytes[bytes.count - 1] != UInt8(ascii: "[") { bytes.append(UInt8(ascii: ",")) }
        try JSON.encode(value, into: &bytes, attachments: &attachments)
    }

    /// Ends the array and the packet. The writer is not to be used any more: the packet takes its bytes, which are not copied
    /// for it.
    mutating func finishArray() -> EncodedPacket {
        bytes.append(UInt8(ascii: "]"))
        return finish()
    }

    /// Like `finishArray`, where the packet is one text frame; nil, with the writer as it was, where it is not.
    mutating func finishPlainArray() -> EngineFrame? {
        guard parser == .json, attachments.isEmpty else { return nil }
        bytes.append(UInt8(ascii: "]"))
        return finishFrame()
    }

    private mutating func finishFrame() -> EngineFrame {
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        return EngineFrame(textBehindReservation: taken)
    }

    /// Ends the packet. One with attachments gets the head of the binary type, which counts them.
    mutating func finish() -> EncodedPacket {
        if parser == .messagePack { return messagePack() }
        guard !attachments.isEmpty else {
            return EncodedPacket(frame: finishFrame(), attachments: [])
        }
        insertCount()
        return EncodedPacket(frame: finishFrame(), attachments: attachments.map { EngineFrame(binary: $0) })
    }

    /// Makes it a packet of the binary type, whose head counts the attachments behind the type.
    private mutating func insertCount() {
        let type = EngineFrame.reservation + 1
        bytes[type] = (self.type == .event ? SocketIOPacketType.binaryEvent : .binaryAck).rawValue
        var digits = 1
        var power = 10
        while attachments.count >= power { (digits, power) = (digits + 1, power * 10) }
        bytes.insert(contentsOf: repeatElement(UInt8(ascii: "-"), count: digits + 1), at: type + 1)
        var rest = attachments.count
        for index in (1...digits).reversed() {
            bytes[type + index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }

    private func messagePack() -> EncodedPacket {
        let packet = MessagePackPacket(
            type: type, namespace: namespace, id: id, json: Array(bytes[jsonStart...]),
            attachments: attachments)
        var whole: [UInt8] = []
        whole.reserveCapacity(bytes.count + attachments.reduce(64) { $0 + $1.count })
        whole.append(contentsOf: repeatElement(0, count: EngineFrame.reservation))
        do {
            try packet.encode(into: &whole)
        } catch {
            assertionFailure("the encoder wrote what is no JSON: \(error)")
        }
        return EncodedPacket(frame: EngineFrame(binaryBehindReservation: whole), attachments: [])
    }

    private static func start(_ spare: consuming [UInt8], capacity: Int) -> [UInt8] {
        var bytes = spare
        if bytes.capacity < capacity { bytes.reserveCapacity(capacity) }
        for _ in 0..<EngineFrame.reservation { bytes.append(0) }
        bytes.append(EngineIOPacketType.message.rawValue)
        return bytes
    }
}
