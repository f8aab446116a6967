import ParleyTransport
import ParleyWire

/// A message for many connections, encoded once. It is also compressed once, for those that agreed on
/// `server_no_context_takeover`, when the first of them is sent it; and anew for each that takes over its context.
package final class WebSocketSharedMessage: Sendable {
    /// The message as a whole frame, uncompressed.
    package let frame: [UInt8]
    let payloadStart: Int
    let opcode: WebSocketOpcode

    /// By what they are compressed with, as connections may have agreed on different windows; nil where compressing is of
    /// no use.
    private let compressed = Lock<[DeflaterSettings: [UInt8]?]>([:])

    /// Takes a frame that a server may send.
    package init(frame: [UInt8], payloadStart: Int, isBinary: Bool) {
        self.frame = frame
        self.payloadStart = payloadStart
        opcode = isBinary ? .binary : .text
    }

    /// Makes a frame of a payload.
    package convenience init(_ payload: Span<UInt8>, isBinary: Bool) {
        var frame: [UInt8] = []
        frame.reserveCapacity(payload.count + WebSocketEncoder.maximumServerHeader)
        WebSocketEncoder.appendFrame(isBinary ? .binary : .text, payload, to: &frame)
        self.init(
            frame: frame, payloadStart: WebSocketEncoder.headerLength(payload: payload.count),
            isBinary: isBinary)
    }

    var payloadLength: Int { frame.count - payloadStart }

    /// The message as a compressed frame. Others wait while one compresses it, as they need it too.
    func compressed(with settings: DeflaterSettings) -> [UInt8]? {
        compressed.withLock { compressed in
            if let known = compressed[settings] { return known }
            let frame = frame
            let made = WebSocketCompressedFrame(
                opcode, frame.span.extracting(droppingFirst: payloadStart), settings: settings
            ).map { Array($0.bytes[$0.start...]) }
            compressed[settings] = .some(made)
            return made
        }
    }
}

extension WebSocketConnection {
    /// True when messages are compressed from a threshold on.
    package var isCompressed: Bool { deflation != nil }

    /// Sends a message that many connections get, in the form that this one agreed on. Safe from any thread.
    package func send(_ message: WebSocketSharedMessage) {
        guard isOpen else { return }
        guard let deflation, deflation.wants(message.payloadLength) else {
            return send(frames: message.frame)
        }
        guard deflation.isShareable else {
            let frame = message.frame
            let payload = frame.span.extracting(droppingFirst: message.payloadStart)
            return message.opcode == .text ? send(text: payload) : send(binary: payload)
        }
        send(frames: message.compressed(with: deflation.settings) ?? message.frame)
    }
}
