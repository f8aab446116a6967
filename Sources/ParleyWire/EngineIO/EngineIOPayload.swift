/// Takes an Engine.IO v4 polling payload apart: packets separated by U+001E, binary ones in base64 behind `b`
/// (Engine.IO protocol v4, "HTTP long-polling", "Packet encoding").
///
/// This file does not know which packets are allowed in which state of a session.
public struct EngineIOPayloadDecoder: Sendable {
    /// The record separator between packets.
    public static let separator: UInt8 = 0x1E

    private let maximumPackets: Int
    private var packets = 0
    private var offset = 0
    private var isFinished = false

    /// A decoder for one payload that accepts at most so many packets.
    public init(maximumPackets: Int) {
        self.maximumPackets = maximumPackets
    }

    /// The next packet, or nil behind the last.
    public mutating func next(_ payload: Span<UInt8>) throws(EngineIOError) -> EngineIOPacket? {
        guard !isFinished else { return nil }
        packets += 1
        guard packets <= maximumPackets else { throw .tooManyPackets(limit: maximumPackets) }
        let start = offset
        var end = start
        while end < payload.count, payload[end] != Self.separator { end += 1 }
        offset = end + 1
        isFinished = end == payload.count
        guard end > start else { throw .emptyPacket }
        if payload[start] == UInt8(ascii: "b") {
            guard let bytes = Base64.decode(payload.extracting((start + 1)..<end)) else {
                throw .invalidBase64
            }
            return .binary(bytes)
        }
        guard let type = EngineIOPacketType(rawValue: payload[start]) else {
            throw .unknownType(payload[start])
        }
        return .text(type, (start + 1)..<end)
    }
}
