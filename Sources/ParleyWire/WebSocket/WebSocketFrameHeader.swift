/// A frame's header (RFC 6455 5.2).
struct WebSocketFrameHeader: Sendable {
    var isFinal: Bool
    var isCompressed: Bool
    var opcode: WebSocketOpcode
    var length: Int
    var isMasked: Bool
    /// The masking key, its first byte in the least significant one; 0 for a frame that isn't masked.
    var maskKey: UInt32

    /// The longest header: two bytes, a length of eight and a key of four.
    static let maximumLength = 14

    /// The bytes that a header takes, by its second byte.
    @inline(__always)
    static func length(secondByte: UInt8) -> Int {
        let extended: Int
        switch secondByte & 0x7F {
        case 126: extended = 2
        case 127: extended = 8
        default: extended = 0
        }
        return 2 &+ extended &+ (secondByte & 0x80 != 0 ? 4 : 0)
    }

    /// Reads a complete header, whose opcode and reserved bits were checked before.
    @inline(__always)
    static func parse(
        _ bytes: Span<UInt8>, at start: Int, opcode: WebSocketOpcode
    ) throws(WebSocketError) -> WebSocketFrameHeader {
        let first = bytes[start]
        let second = bytes[start &+ 1]
        var position = start &+ 2
        var length = UInt64(second & 0x7F)
        if length >= 126 {
            let size = length == 126 ? 2 : 8
            let least: UInt64 = length == 126 ? 126 : 65536
            length = 0
            for index in position..<(position &+ size) { length = length &<< 8 | UInt64(bytes[index]) }
            guard length >= least, length <= UInt64(Int64.max) else { throw .length }
            position &+= size
        }
        var key: UInt32 = 0
        let isMasked = second & 0x80 != 0
        if isMasked {
            for index in 0..<4 { key |= UInt32(bytes[position &+ index]) &<< UInt32(8 &* index) }
        }
        return WebSocketFrameHeader(
            isFinal: first & 0x80 != 0, isCompressed: first & 0x40 != 0, opcode: opcode, length: Int(length),
            isMasked: isMasked, maskKey: key)
    }
}
