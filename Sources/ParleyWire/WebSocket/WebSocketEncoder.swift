/// Writes frames (RFC 6455 5.2) behind, or before, what a buffer already holds.
public enum WebSocketEncoder {
    /// The longest header that a server writes.
    public static let maximumServerHeader = 10
    /// The longest header that a client writes, its masking key included.
    public static let maximumClientHeader = 14

    /// The bytes that a frame's header takes.
    public static func headerLength(payload: Int, isMasked: Bool = false) -> Int {
        let base = payload < 126 ? 2 : payload < 65536 ? 4 : 10
        return isMasked ? base &+ 4 : base
    }

    /// Appends a frame's header; exactly `length` bytes of payload must follow. With a key, they must be masked with it
    /// (``WebSocketMask``), which a client must do and a server must not (RFC 6455 5.1).
    public static func appendHeader(
        _ opcode: WebSocketOpcode, length: Int, isFinal: Bool = true, isCompressed: Bool = false,
        maskKey: UInt32? = nil, to output: inout [UInt8]
    ) {
        let first = (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode.rawValue
        let second = (maskKey == nil ? 0 : 0x80) | lengthByte(length)
        let start = UInt16(first) &<< 8 | UInt16(second)
        switch lengthByte(length) {
        case 126: append(UInt32(start) &<< 16 | UInt32(truncatingIfNeeded: length), to: &output)
        case 127:
            append(start, to: &output)
            append(UInt64(truncatingIfNeeded: length), to: &output)
        default: append(start, to: &output)
        }
        if let maskKey { append(maskKey.byteSwapped, to: &output) }
    }

    /// The seven bits of a length, or what stands there for a longer one.
    @inline(__always)
    private static func lengthByte(_ length: Int) -> UInt8 {
        length < 126 ? UInt8(truncatingIfNeeded: length) : length < 65536 ? 126 : 127
    }

    @inline(__always)
    private static func append(_ value: some FixedWidthInteger, to output: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { output.append(contentsOf: $0) }
    }

    /// Appends a whole frame with a copy of the payload, masked when there is a key.
    public static func appendFrame(
        _ opcode: WebSocketOpcode, _ payload: Span<UInt8>, isFinal: Bool = true, isCompressed: Bool = false,
        maskKey: UInt32? = nil, to output: inout [UInt8]
    ) {
        appendHeader(
            opcode, length: payload.count, isFinal: isFinal, isCompressed: isCompressed, maskKey: maskKey,
            to: &output)
        let start = output.count
        output.append(bytes: payload)
        if let maskKey { WebSocketMask.apply(maskKey, to: &output, from: start) }
    }

    /// Writes a header directly before a payload that stands at the end of the buffer, so that a frame is built in one
    /// buffer without moving anything. The payload is masked in place when there is a key.
    /// - Parameter payloadStart: where the payload begins. Before it, the caller left at least
    ///   ``maximumServerHeader`` or ``maximumClientHeader`` bytes (or ``headerLength(payload:isMasked:)``, if known).
    /// - Returns: the index of the frame's first byte; what the caller left before it isn't part of the frame.
    public static func prependHeader(
        _ opcode: WebSocketOpcode, payloadStart: Int, isFinal: Bool = true, isCompressed: Bool = false,
        maskKey: UInt32? = nil, in buffer: inout [UInt8]
    ) -> Int {
        let length = buffer.count - payloadStart
        let start = payloadStart - headerLength(payload: length, isMasked: maskKey != nil)
        precondition(length >= 0 && start >= 0, "no room for the frame's header")
        buffer[start] = (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode.rawValue
        buffer[start + 1] = (maskKey == nil ? 0 : 0x80) | lengthByte(length)
        var index = payloadStart
        if let maskKey {
            // The key and the length from their last byte to their first.
            for shift: UInt32 in [24, 16, 8, 0] {
                index -= 1
                buffer[index] = UInt8(truncatingIfNeeded: maskKey &>> shift)
            }
        }
        var rest = length
        while index > start + 2 {
            index -= 1
            buffer[index] = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
        }
        if let maskKey { WebSocketMask.apply(maskKey, to: &buffer, from: payloadStart) }
        return start
    }

    /// Appends a close frame (RFC 6455 5.5.1).
    /// - Parameters:
    ///   - code: nil for a close frame without one. A code that may not be sent (1005, 1006 and others that
    ///     ``WebSocketCloseCode/isValid(_:)`` refuses) counts as nil.
    ///   - reason: cut to 123 bytes between two characters; not sent without a code.
    public static func appendClose(
        code: UInt16?, reason: String = "", maskKey: UInt32? = nil, to output: inout [UInt8]
    ) {
        var payload: [UInt8] = []
        if let code, WebSocketCloseCode.isValid(code) {
            payload.append(UInt8(truncatingIfNeeded: code >> 8))
            payload.append(UInt8(truncatingIfNeeded: code))
            payload.append(contentsOf: reason.utf8)
            if payload.count > 125 { payload.removeSubrange(characterBoundary(in: payload, before: 125)...) }
        }
        appendFrame(.close, payload.span, maskKey: maskKey, to: &output)
    }

    /// The greatest index up to `limit`, which is below the count, that isn't within a UTF-8 sequence.
    private static func characterBoundary(in bytes: [UInt8], before limit: Int) -> Int {
        var index = limit
        while index > 0, bytes[index] & 0xC0 == 0x80 { index -= 1 }
        return index
    }
}
