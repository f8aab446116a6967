/// A Socket.IO packet as socket.io-msgpack-parser carries it: one binary message with a map of `type`, `nsp`, `data` and `id`,
/// binary standing in the data as it is.
public struct MessagePackPacket: Sendable, Equatable {
    /// The type; never a binary one, as nothing follows the packet.
    public var type: SocketIOPacketType
    /// The namespace's name, with its slash.
    public var namespace = "/"
    /// The acknowledgement id.
    public var id: UInt64?
    /// The data as JSON; empty when there is none.
    public var json: [UInt8] = []
    /// The bytes that stand in the data, for the placeholders of the JSON.
    public var attachments: [[UInt8]] = []

    /// A packet.
    public init(
        type: SocketIOPacketType, namespace: String = "/", id: UInt64? = nil, json: [UInt8] = [],
        attachments: [[UInt8]] = []
    ) {
        self.type = type
        self.namespace = namespace
        self.id = id
        self.json = json
        self.attachments = attachments
    }

    /// Reads a packet: the data of a binary Engine.IO message.
    public init(decoding bytes: Span<UInt8>, limits: SocketIOLimits = SocketIOLimits()) throws(SocketIOError)
    {
        self.init(type: .connect)
        var reader = MessagePackReader(maximumAttachments: limits.attachments)
        var type: SocketIOPacketType?
        for _ in 0..<(try reader.mapCount(bytes)) {
            let key = bytes.extracting(try reader.key(bytes))
            var text: [UInt8] = []
            try reader.value(bytes, into: &text, depth: min(limits.jsonDepth, JSON.maximumEncodingDepth))
            if key.equals("type") {
                type = try Self.type(text)
            } else if key.equals("nsp") {
                namespace = try Self.namespace(text, limits)
            } else if key.equals("id") {
                id = try Self.id(text, limits)
            } else if key.equals("data") {
                json = text
            }
        }
        guard reader.isAtEnd(bytes) else { throw .malformed("MessagePack: bytes behind the packet") }
        guard let type else { throw .malformed("packet without a type") }
        self.type = type
        attachments = reader.attachments
        try check()
    }

    /// Appends the packet.
    ///
    /// - Throws: ``JSONError`` for data that is no JSON; nothing is appended then.
    public func encode(into output: inout [UInt8]) throws(JSONError) {
        let start = output.count
        do {
            try append(to: &output)
        } catch {
            output.removeLast(output.count - start)
            throw error
        }
    }

    private func append(to output: inout [UInt8]) throws(JSONError) {
        output.append(0x82 + (json.isEmpty ? 0 : 1) + (id == nil ? 0 : 1))
        Self.append("type", to: &output)
        MessagePackWriter.append(Int64(type.rawValue &- 0x30), to: &output)
        Self.append("nsp", to: &output)
        var name = namespace
        name.withUTF8 { MessagePackWriter.append(text: $0, to: &output) }
        if let id {
            Self.append("id", to: &output)
            MessagePackWriter.append(unsigned: id, to: &output)
        }
        guard !json.isEmpty else { return }
        Self.append("data", to: &output)
        try MessagePackWriter.append(json.span, attachments: attachments, to: &output)
    }

    private static func append(_ key: StaticString, to bytes: inout [UInt8]) {
        key.withUTF8Buffer { MessagePackWriter.append(text: $0, to: &bytes) }
    }

    /// The packet's text as the default parser has it, but for the attachments, which it neither counts nor holds.
    public var text: [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(json.count + namespace.utf8.count + 24)
        SocketIOEncoder.appendHead(type, namespace: namespace, id: id, into: &text)
        text.append(contentsOf: json)
        return text
    }
}

// MARK: - What a packet may be

extension MessagePackPacket {
    private static func type(_ json: [UInt8]) throws(SocketIOError) -> SocketIOPacketType {
        guard json.count == 1, let type = SocketIOPacketType(rawValue: json[0]), !type.isBinary else {
            throw .malformed("unknown packet type")
        }
        return type
    }

    private static func namespace(_ json: [UInt8], _ limits: SocketIOLimits) throws(SocketIOError) -> String {
        guard json.first == UInt8(ascii: "\""), let name = try? JSON.decode(String.self, from: json.span)
        else {
            throw .malformed("a namespace is a string")
        }
        guard name.utf8.count <= limits.namespaceBytes else {
            throw .limit("namespace of more than \(limits.namespaceBytes) bytes")
        }
        // What the text of a packet can't say: everything behind the parser has one form of a name.
        guard name.utf8.first == UInt8(ascii: "/"), !name.utf8.contains(UInt8(ascii: ",")) else {
            throw .malformed("a namespace begins with a slash and has no comma")
        }
        return name
    }

    private static func id(_ json: [UInt8], _ limits: SocketIOLimits) throws(SocketIOError) -> UInt64? {
        if json.elementsEqual("null".utf8) { return nil }
        guard json.count <= limits.acknowledgementDigits else {
            throw .limit("acknowledgement id of more than \(limits.acknowledgementDigits) digits")
        }
        guard let id = UInt64(String(decoding: json, as: UTF8.self)) else {
            throw .malformed("an acknowledgement id is a whole number")
        }
        return id
    }

    /// The rules of the protocol for each type (Socket.IO protocol 5, "Packet encoding").
    private mutating func check() throws(SocketIOError) {
        switch type {
        case .event, .ack:
            guard json.first == UInt8(ascii: "[") else { throw .malformed("the data is an array") }
            if type == .ack, id == nil { throw .malformed("acknowledgement without an id") }
        case .connect, .disconnect:
            if json.elementsEqual("null".utf8) { json = [] }
            guard id == nil else { throw .malformed("an acknowledgement id where none is possible") }
            if type == .disconnect, !json.isEmpty { throw .malformed("disconnect with a payload") }
            guard attachments.isEmpty else { throw .malformed("binary in a connect packet") }
        case .connectError, .binaryEvent, .binaryAck: break
        }
    }
}

extension Span<UInt8> {
    /// True when the bytes are exactly the text's.
    fileprivate func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index] != text.utf8Start[index] { return false }
        return true
    }
}
