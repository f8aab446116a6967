import ParleyWire

extension EngineFrame {
    /// A binary message as Engine.IO 3 has it: behind a byte with its type.
    init(engineIO3Binary message: Span<UInt8>) {
        var packet: [UInt8] = []
        packet.reserveCapacity(message.count + 11)
        packet.append(EngineIO3.messageType)
        message.withUnsafeBufferPointer { packet.append(contentsOf: $0) }
        self.init(binary: packet)
    }

    /// The same message as a text frame (`b4...`), for an Engine.IO 3 client whose WebSocket takes no binary.
    func base64EngineIO3() -> EngineFrame {
        var text: [UInt8] = [0, 0, UInt8(ascii: "b"), EngineIOPacketType.message.rawValue]
        Base64.encode(webSocket.span.extracting(droppingFirst: payloadStart + 1), into: &text)
        var frame = EngineFrame(textBehindReservation: text)
        frame.isCompressible = isCompressible
        return frame
    }
}
