import ParleyWire
import Testing

/// What a decoder said, with payloads as bytes: two runs over the same bytes must be equal.
struct WebSocketTranscript: Equatable {
    enum Event: Equatable {
        case text(String)
        case binary([UInt8])
        case compressed(isText: Bool, [UInt8])
        case ping([UInt8])
        case pong([UInt8])
        case close(UInt16?, String)
        case failure(WebSocketError)
    }

    var events: [Event] = []
    var isMidMessage = false

    /// What came of a compressed message that isn't complete.
    private var compressed: [UInt8] = []

    /// True when a payload was given as a range of the input.
    var hadRange = false

    static func == (left: Self, right: Self) -> Bool {
        left.events == right.events && left.isMidMessage == right.isMidMessage
    }

    /// The error that ended it.
    var failure: WebSocketError? {
        if case .failure(let error)? = events.last { error } else { nil }
    }

    init(
        _ pieces: [[UInt8]], role: WebSocketRole = .server, limits: WebSocketLimits = WebSocketLimits(),
        allowsCompression: Bool = false
    ) {
        var decoder = WebSocketDecoder(role: role, limits: limits, allowsCompression: allowsCompression)
        for var piece in pieces where failure == nil { take(&piece, &decoder) }
        isMidMessage = decoder.isMidMessage
    }

    private mutating func take(_ piece: inout [UInt8], _ decoder: inout WebSocketDecoder) {
        var offset = 0
        while true {
            var span = piece.mutableSpan
            let event = decoder.next(&span, at: &offset)
            switch event {
            case .needMore:
                #expect(offset == piece.count)
                return
            case .text(let payload):
                events.append(.text(String(decoding: bytes(payload, piece), as: UTF8.self)))
            case .binary(let payload): events.append(.binary(bytes(payload, piece)))
            case .compressed(let isText, let range, let isLast):
                compressed += piece[range]
                guard isLast else { continue }
                events.append(.compressed(isText: isText, compressed))
                compressed = []
            case .ping(let payload): events.append(.ping(bytes(payload, piece)))
            case .pong(let payload): events.append(.pong(bytes(payload, piece)))
            case .close(let code, let reason): events.append(.close(code, reason))
            case .failure(let error):
                events.append(.failure(error))
                #expect(decoder.next(&span, at: &offset) == .failure(error), "a failure must stay")
                return
            }
        }
    }

    private mutating func bytes(_ payload: WebSocketDecoder.Payload, _ piece: [UInt8]) -> [UInt8] {
        switch payload {
        case .input(let range):
            hadRange = true
            return Array(piece[range])
        case .assembled(let bytes): return bytes
        }
    }
}

/// Decodes the bytes whole, byte by byte, and with a ping behind them; all three must agree.
func decodeFrames(
    _ bytes: [UInt8], role: WebSocketRole = .server, limits: WebSocketLimits = WebSocketLimits(),
    allowsCompression: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
) -> WebSocketTranscript {
    func run(_ pieces: [[UInt8]]) -> WebSocketTranscript {
        WebSocketTranscript(pieces, role: role, limits: limits, allowsCompression: allowsCompression)
    }
    let whole = run([bytes])
    #expect(whole == run(bytes.map { [$0] }), "byte by byte", sourceLocation: sourceLocation)
    if !whole.isMidMessage {
        let ping = frame(.ping, Array("after".utf8), masked: role == .server)
        var expected = whole.events
        if whole.failure == nil {
            var isClosed = false
            if case .close? = whole.events.last { isClosed = true }
            if !isClosed { expected.append(.ping(Array("after".utf8))) }
        }
        #expect(run([bytes + ping]).events == expected, "with trailing bytes", sourceLocation: sourceLocation)
    }
    return whole
}

/// A frame, masked as a client's.
func frame(
    _ opcode: WebSocketOpcode, _ payload: [UInt8], isFinal: Bool = true, masked: Bool = true
) -> [UInt8] {
    var output: [UInt8] = []
    WebSocketEncoder.appendFrame(
        opcode, payload.span, isFinal: isFinal, maskKey: masked ? 0x3D21_FA37 : nil, to: &output)
    return output
}

func frame(_ opcode: WebSocketOpcode, _ payload: String, isFinal: Bool = true) -> [UInt8] {
    frame(opcode, Array(payload.utf8), isFinal: isFinal)
}

/// A masked frame's header with any first byte and a key of zero, so that the payload can follow as it is.
func rawFrame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
    [first, 0x80 | UInt8(payload.count), 0, 0, 0, 0] + payload
}
