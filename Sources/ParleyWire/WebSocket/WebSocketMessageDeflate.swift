extension Deflater {
    /// What ends a message's data, and is not sent (RFC 7692 7.2.1).
    static let messageTail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]

    /// Appends a message's payload as a frame with RSV1 has it (RFC 7692 7.2.1).
    /// - Returns: false when that can't be done; the output is as it was, and the message is to be sent as it is.
    public func deflateMessage(_ payload: Span<UInt8>, appendingTo output: inout [UInt8]) -> Bool {
        let start = output.count
        deflate(payload, flush: .sync, appendingTo: &output)
        guard output.count - start > 4, output.suffix(4).elementsEqual(Self.messageTail) else {
            output.removeSubrange(start...)
            return false
        }
        output.removeLast(4)
        return true
    }
}

/// A compressed message that is being received (RFC 7692 7.2.2): inflated as it comes, so that what is too long or no text is
/// known before all of it is there.
public struct WebSocketMessageInflate: Sendable {
    private let isText: Bool
    private let limit: Int
    private var output: [UInt8] = []
    private var validator = UTF8StreamValidator()
    /// True when the data so far ended with a final block.
    private var endedFinally = false

    /// A message at its beginning, of so many bytes at most.
    public init(isText: Bool, limit: Int) {
        self.isText = isText
        // So that one byte more can be counted.
        self.limit = min(max(limit, 0), .max - 1)
    }

    /// The bytes that were inflated so far.
    public var count: Int { output.count }

    /// Inflates what came. The inflater is the same for the whole message, and is used for nothing else meanwhile.
    /// - Throws: ``WebSocketError`` 1009 when the message exceeds the limit, 1007 when it can't be inflated or isn't text.
    public mutating func append(_ piece: Span<UInt8>, by inflater: Inflater) throws(WebSocketError) {
        let start = output.count
        do throws(CompressionError) {
            try inflate(piece, by: inflater)
        } catch {
            throw error == .memory ? .compressionMemory : .compressedData
        }
        guard output.count <= limit else { throw .messageTooLong }
        if isText { try validate(from: start) }
    }

    private mutating func validate(from start: Int) throws(WebSocketError) {
        var validator = validator
        guard validator.consume(output.span.extracting(start..<output.count)) else { throw .text }
        self.validator = validator
    }

    /// Behind a final block the message may go on with other blocks (RFC 7692 7.2.3.4).
    private mutating func inflate(_ piece: Span<UInt8>, by inflater: Inflater) throws(CompressionError) {
        var offset = 0
        while true {
            let outcome = try inflater.inflate(
                piece, at: &offset, appendingTo: &output, upTo: limit - output.count + 1)
            guard outcome == .end else {
                if offset > 0 { endedFinally = false }
                return
            }
            inflater.restart()
            guard offset < piece.count else {
                endedFinally = true
                return
            }
        }
    }

    /// The message is complete. What it is made of must end where a flush ends, or with a final block.
    public mutating func finish(by inflater: Inflater) throws(WebSocketError) -> [UInt8] {
        if !endedFinally {
            try append(Deflater.messageTail.span, by: inflater)
            guard inflater.isBetweenBlocks else { throw .compressedData }
        }
        guard validator.isComplete else { throw .text }
        return output
    }
}
