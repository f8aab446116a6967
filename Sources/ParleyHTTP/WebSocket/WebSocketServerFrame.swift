import ParleyWire

/// Builds a server's frame (RFC 6455 5.2) in temporary memory: on the stack where it is small, so that sending a message
/// from any thread allocates nothing.
enum WebSocketServerFrame {
    /// Calls the body with a whole frame that has a copy of the payload.
    static func with(_ opcode: WebSocketOpcode, _ payload: Span<UInt8>, _ body: (Span<UInt8>) -> Void) {
        let headerLength = WebSocketEncoder.headerLength(payload: payload.count)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: headerLength + payload.count) { buffer in
            // Every byte is initialised: the header's, and then the payload's behind them.
            writeHeader(opcode, length: payload.count, headerLength: headerLength, to: buffer)
            payload.withUnsafeBufferPointer { bytes in
                _ = UnsafeMutableBufferPointer(rebasing: buffer[headerLength...]).initialize(from: bytes)
            }
            body(UnsafeBufferPointer(buffer).span)
        }
    }

    private static func writeHeader(
        _ opcode: WebSocketOpcode, length: Int, headerLength: Int,
        to buffer: UnsafeMutableBufferPointer<UInt8>
    ) {
        buffer.initializeElement(at: 0, to: 0x80 | opcode.rawValue)
        let marks: UInt8 = headerLength == 2 ? UInt8(length) : headerLength == 4 ? 126 : 127
        buffer.initializeElement(at: 1, to: marks)
        for index in 2..<headerLength {
            let shift = (headerLength - 1 - index) * 8
            buffer.initializeElement(at: index, to: UInt8(truncatingIfNeeded: length >> shift))
        }
    }
}
