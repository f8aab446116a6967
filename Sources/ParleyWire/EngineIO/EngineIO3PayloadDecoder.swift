/// Takes an Engine.IO v3 polling payload apart (Engine.IO protocol v3, "Payload").
///
/// Two framings exist. The text framing is `<length>:<packet>` again and again, where the length counts UTF-16 code units, as
/// JavaScript does, and binary packets are `b4` and base64. The binary framing puts `0x00` (text) or `0x01` (binary), the
/// length in bytes as digits from 0x00 to 0x09, and `0xFF` in front of each packet.
///
/// This file does not know which packets are allowed in which state of a session.
public struct EngineIO3PayloadDecoder: Sendable {
    /// How the packets of a payload are told apart.
    public enum Framing: Sendable, Equatable {
        /// `6:4hello`
        case text
        /// `0x00 0x06 0xFF 4hello`
        case binary
    }

    private let framing: Framing
    private let maximumPackets: Int
    private var packets = 0
    private var offset = 0

    /// A decoder for one payload that accepts at most so many packets.
    public init(framing: Framing, maximumPackets: Int) {
        self.framing = framing
        self.maximumPackets = maximumPackets
    }

    /// The next packet, or nil behind the last. A payload without any is an error.
    public mutating func next(_ payload: Span<UInt8>) throws(EngineIOError) -> EngineIOPacket? {
        guard offset < payload.count else {
            if packets == 0 { throw .emptyPacket }
            return nil
        }
        packets += 1
        guard packets <= maximumPackets else { throw .tooManyPackets(limit: maximumPackets) }
        switch framing {
        case .text:
            let length = try decimal(payload, endedBy: UInt8(ascii: ":"), zero: UInt8(ascii: "0"))
            return try text(payload, try advance(payload, utf16CodeUnits: length))
        case .binary:
            let isBinary = try isBinaryPacket(payload)
            let length = try decimal(payload, endedBy: 0xFF, zero: 0)
            let packet = try advance(payload, bytes: length)
            return isBinary ? try binary(payload, packet) : try text(payload, packet)
        }
    }

    // MARK: Lengths

    /// Reads digits up to a byte that ends them. No number is accepted that exceeds the payload, so that none overflows.
    private mutating func decimal(
        _ payload: Span<UInt8>, endedBy end: UInt8, zero: UInt8
    ) throws(EngineIOError) -> Int {
        var value = 0
        let start = offset
        while offset < payload.count, payload[offset] != end {
            let digit = Int(payload[offset]) - Int(zero)
            guard 0...9 ~= digit else { throw .invalidLength }
            value = value * 10 + digit
            guard value <= payload.count else { throw .truncatedPacket }
            offset += 1
        }
        guard offset < payload.count, offset > start else { throw .invalidLength }
        offset += 1
        return value
    }

    private mutating func advance(_ payload: Span<UInt8>, bytes: Int) throws(EngineIOError) -> Range<Int> {
        guard bytes <= payload.count - offset else { throw .truncatedPacket }
        defer { offset += bytes }
        return offset..<(offset + bytes)
    }

    /// Walks over so many code units; the last must end a character. What the bytes of a character say beyond its length is
    /// for whoever reads the packet.
    private mutating func advance(
        _ payload: Span<UInt8>, utf16CodeUnits count: Int
    ) throws(EngineIOError) -> Range<Int> {
        let start = offset
        var units = 0
        while units < count {
            guard offset < payload.count else { throw .truncatedPacket }
            switch payload[offset] {
            case 0x00...0x7F: offset += 1
            case 0xC2...0xDF: try skip(2, payload)
            case 0xE0...0xEF: try skip(3, payload)
            case 0xF0...0xF4:
                units += 1
                try skip(4, payload)
            default: throw .invalidUTF8
            }
            units += 1
        }
        guard units == count else { throw .splitSurrogatePair }
        return start..<offset
    }

    private mutating func skip(_ length: Int, _ payload: Span<UInt8>) throws(EngineIOError) {
        guard length <= payload.count - offset else { throw .truncatedPacket }
        for index in (offset + 1)..<(offset + length) where payload[index] & 0xC0 != 0x80 {
            throw .invalidUTF8
        }
        offset += length
    }

    // MARK: Packets

    private mutating func isBinaryPacket(_ payload: Span<UInt8>) throws(EngineIOError) -> Bool {
        let mark = payload[offset]
        guard mark <= 1 else { throw .invalidLength }
        offset += 1
        return mark == 1
    }

    private func text(_ payload: Span<UInt8>, _ range: Range<Int>) throws(EngineIOError) -> EngineIOPacket {
        guard !range.isEmpty else { throw .emptyPacket }
        if let binary = try EngineIO3.base64Message(payload.extracting(range)) { return .binary(binary) }
        guard let type = EngineIOPacketType(rawValue: payload[range.lowerBound]) else {
            throw .unknownType(payload[range.lowerBound])
        }
        return .text(type, (range.lowerBound + 1)..<range.upperBound)
    }

    private func binary(_ payload: Span<UInt8>, _ range: Range<Int>) throws(EngineIOError) -> EngineIOPacket {
        let packet = payload.extracting(range)
        let message = packet.extracting(try EngineIO3.binaryMessage(packet))
        return .binary(message.withUnsafeBufferPointer { Array($0) })
    }
}
