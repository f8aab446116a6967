import ParleyHTTP
import ParleyWire

/// An Engine.IO message, encoded once for every transport that may carry it: the bytes are a whole WebSocket frame, and
/// what lies behind its header is also the packet of a polling payload (text as it is, binary in base64).
///
/// A broadcast shares one among all its recipients.
struct EngineFrame: Sendable {
    /// The WebSocket frame, unmasked, as a server sends it (RFC 6455 5.2).
    let webSocket: [UInt8]
    /// Where the frame's payload starts.
    let payloadStart: Int
    let isBinary: Bool
    /// False for a message that is to travel as it is, where its connection compresses.
    var isCompressible = true
    /// What compressing it once takes, for a broadcast where connections may be compressed.
    private(set) var shared: WebSocketSharedMessage?

    /// The bytes that a reservation at the front of a message under construction needs: the header of a short frame.
    static let reservation = 2

    /// Takes a text that was written behind `reservation` unused bytes.
    init(textBehindReservation bytes: consuming [UInt8]) {
        self.init(bytes, opcode: 0x81, isBinary: false)
    }

    /// A binary message.
    init(binary: [UInt8]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(WebSocketEncoder.headerLength(payload: binary.count) + binary.count)
        WebSocketEncoder.appendHeader(.binary, length: binary.count, to: &bytes)
        payloadStart = bytes.count
        bytes.append(contentsOf: binary)
        webSocket = bytes
        isBinary = true
    }

    /// Takes a binary message that was written behind `reservation` unused bytes.
    init(binaryBehindReservation bytes: consuming [UInt8]) {
        self.init(bytes, opcode: 0x82, isBinary: true)
    }

    /// A packet of one byte, such as a ping.
    init(_ type: EngineIOPacketType) {
        self.init([0, 0, type.rawValue], opcode: 0x81, isBinary: false)
    }

    private init(_ reserved: consuming [UInt8], opcode: UInt8, isBinary: Bool) {
        var bytes = reserved
        let length = bytes.count - Self.reservation
        bytes[0] = opcode
        if length <= 125 {
            bytes[1] = UInt8(truncatingIfNeeded: length)
            payloadStart = 2
        } else if length <= 0xFFFF {
            bytes[1] = 126
            withUnsafeBytes(of: UInt16(length).bigEndian) { bytes.insert(contentsOf: $0, at: 2) }
            payloadStart = 4
        } else {
            bytes[1] = 127
            let big = UInt64(length).bigEndian
            withUnsafeBytes(of: big) { bytes.insert(contentsOf: $0, at: 2) }
            payloadStart = 10
        }
        webSocket = bytes
        self.isBinary = isBinary
    }

    /// The frame for many connections, which may have agreed on compression.
    func forBroadcast() -> EngineFrame {
        var copy = self
        copy.shared = WebSocketSharedMessage(frame: webSocket, payloadStart: payloadStart, isBinary: isBinary)
        return copy
    }

    /// The bytes that the frame holds, for bounding queues.
    var cost: Int { webSocket.count + 64 }

    /// Appends the packet as a polling payload has it (Engine.IO protocol v4, "Packet encoding").
    func appendPollingPacket(to output: inout [UInt8]) {
        let payload = webSocket.span.extracting(droppingFirst: payloadStart)
        if isBinary {
            output.append(UInt8(ascii: "b"))
            Base64.encode(payload, into: &output)
        } else {
            output.append(contentsOf: webSocket[payloadStart...])
        }
    }
}

extension WebSocketConnection {
    /// Sends an Engine.IO message: as it is, or compressed where that was agreed on.
    func send(_ frame: EngineFrame) {
        guard isCompressed, frame.isCompressible else { return send(frames: frame.webSocket) }
        if let shared = frame.shared { return send(shared) }
        let payload = frame.webSocket.span.extracting(droppingFirst: frame.payloadStart)
        return frame.isBinary ? send(binary: payload) : send(text: payload)
    }
}
