import ParleyTransport
import ParleyWire

/// The compression of one connection that agreed on permessage-deflate (RFC 7692): what it keeps from message to message where
/// takeover was agreed on, and what it borrows for one message where it wasn't.
///
/// Sound as `Sendable`: what sending keeps is behind the lock; what receiving keeps is touched on the connection's loop only.
final class WebSocketDeflation: @unchecked Sendable {
    private let agreed: PermessageDeflate
    private let threshold: Int
    private let messageLimit: Int
    let settings: DeflaterSettings

    /// The deflater that is kept. It is used within the lock, and what it made is sent there too: the peer must get it in
    /// that order.
    private let kept: Lock<Kept>
    private struct Kept: @unchecked Sendable { var deflater: Deflater? }

    @exclusivity(unchecked) private var inflater: Inflater?
    @exclusivity(unchecked) private var message: WebSocketMessageInflate?
    /// The bytes that the last piece was inflated to.
    @exclusivity(unchecked) private(set) var lastInflated = 0

    init(_ agreed: PermessageDeflate, compression: WebSocketCompression, messageLimit: Int) {
        self.agreed = agreed
        self.messageLimit = messageLimit
        threshold = max(compression.threshold, 1)
        kept = Lock(Kept())
        // A client's limit of 8 is met by zlib's 9: it looks back 250 bytes at most.
        settings = DeflaterSettings(
            format: .raw, level: compression.level, windowBits: max(agreed.serverWindowBits, 9),
            memoryLevel: compression.memoryLevel)
    }
}

// MARK: - Sending, on any thread

extension WebSocketDeflation {
    /// True when a message of this size is worth the effort.
    func wants(_ count: Int) -> Bool { count >= threshold }

    /// True when a compressed message is good for every connection that agreed on the same.
    var isShareable: Bool { agreed.serverNoContextTakeover }

    /// Compresses and sends a message. False when it is to be sent as it is.
    func send(_ opcode: WebSocketOpcode, _ payload: Span<UInt8>, on stream: any ByteStream) -> Bool {
        guard !agreed.serverNoContextTakeover else {
            guard let frame = WebSocketCompressedFrame(opcode, payload, settings: settings) else {
                return false
            }
            stream.send(frame.bytes.span.extracting(droppingFirst: frame.start))
            return true
        }
        return kept.withLock { kept in
            if kept.deflater == nil {
                kept.deflater = try? Deflater(
                    .raw, level: settings.level, windowBits: settings.windowBits,
                    memoryLevel: settings.memoryLevel)
            }
            guard let deflater = kept.deflater,
                let frame = WebSocketCompressedFrame(opcode, payload, by: deflater)
            else { return false }
            stream.send(frame.bytes.span.extracting(droppingFirst: frame.start))
            return true
        }
    }

    /// Gives up what is kept. Nothing is sent any more.
    func release() {
        kept.withLock { $0.deflater = nil }
        putInflater()
        message = nil
    }
}

// MARK: - Receiving, on the loop

extension WebSocketDeflation {
    /// Takes a piece of a message, and returns the message with its last one.
    func receive(
        _ piece: Span<UInt8>, isText: Bool, isLast: Bool
    ) throws(WebSocketError) -> [UInt8]? {
        let inflater = try borrowInflater()
        var message = message ?? WebSocketMessageInflate(isText: isText, limit: messageLimit)
        self.message = nil
        let before = message.count
        try message.append(piece, by: inflater)
        lastInflated = message.count - before
        guard isLast else {
            self.message = message
            return nil
        }
        let whole = try message.finish(by: inflater)
        lastInflated = whole.count - before
        if agreed.clientNoContextTakeover { putInflater() }
        return whole
    }

    private func borrowInflater() throws(WebSocketError) -> Inflater {
        if let inflater { return inflater }
        guard let borrowed = CompressorPool.shared.rawInflater(windowBits: agreed.clientWindowBits) else {
            throw WebSocketError(
                closeCode: WebSocketCloseCode.internalError, rule: "no memory to inflate the message")
        }
        inflater = borrowed
        return borrowed
    }

    private func putInflater() {
        guard let inflater else { return }
        self.inflater = nil
        CompressorPool.shared.put(inflater, windowBits: agreed.clientWindowBits)
    }
}

/// A compressed message as a whole frame.
struct WebSocketCompressedFrame: Sendable {
    let bytes: [UInt8]
    /// Where the frame begins.
    let start: Int

    /// Compresses a message by itself. Nil when that doesn't make it smaller, or can't be done.
    init?(_ opcode: WebSocketOpcode, _ payload: Span<UInt8>, settings: DeflaterSettings) {
        guard let deflater = CompressorPool.shared.deflater(settings) else { return nil }
        defer { CompressorPool.shared.put(deflater, settings) }
        self.init(opcode, payload, by: deflater)
        guard bytes.count - WebSocketEncoder.maximumServerHeader < payload.count else { return nil }
    }

    /// Compresses a message, which may refer back to the ones before. It must be sent, as later ones may refer back to it.
    init?(_ opcode: WebSocketOpcode, _ payload: Span<UInt8>, by deflater: Deflater) {
        var frame: [UInt8] = []
        frame.reserveCapacity(WebSocketEncoder.maximumServerHeader + payload.count / 2 + 64)
        for _ in 0..<WebSocketEncoder.maximumServerHeader { frame.append(0) }
        guard deflater.deflateMessage(payload, appendingTo: &frame) else { return nil }
        start = WebSocketEncoder.prependHeader(
            opcode, payloadStart: WebSocketEncoder.maximumServerHeader, isCompressed: true, in: &frame)
        bytes = frame
    }
}
