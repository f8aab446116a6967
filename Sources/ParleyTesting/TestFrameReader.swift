import ParleyWire

/// Takes apart what a server sends on a WebSocket.
struct TestFrameReader: Sendable {
    /// What comes next.
    enum Frame: Sendable {
        case text([UInt8])
        case binary([UInt8])
        case ping([UInt8])
        case close(code: UInt16?, reason: String)
        /// The server broke this rule of RFC 6455.
        case failure(String)
    }

    private var decoder = WebSocketDecoder(role: .client, limits: limits)
    private var input: [UInt8]
    private var offset = 0

    init(_ input: [UInt8]) { self.input = input }

    /// How much the tested application sends is its own affair.
    private static var limits: WebSocketLimits {
        var limits = WebSocketLimits()
        limits.messageBytes = .max
        limits.fragments = .max
        limits.tinyFragmentBytes = 0
        return limits
    }

    mutating func append(_ bytes: [UInt8]) {
        input.removeFirst(offset)
        input += bytes
        offset = 0
    }

    /// The next frame that is of interest; nil when more bytes are needed.
    mutating func next() -> Frame? {
        while true {
            switch nextEvent() {
            case .needMore: return nil
            case .text(let payload): return .text(bytes(payload))
            case .binary(let payload): return .binary(bytes(payload))
            case .ping(let payload): return .ping(bytes(payload))
            case .close(let code, let reason): return .close(code: code, reason: reason)
            case .failure(let error): return .failure(error.rule)
            case .pong, .compressed: break
            }
        }
    }

    /// Unmasks in place, so that the input is taken out meanwhile.
    private mutating func nextEvent() -> WebSocketDecoder.Event {
        var bytes: [UInt8] = []
        swap(&bytes, &input)
        defer { swap(&bytes, &input) }
        var span = bytes.mutableSpan
        return decoder.next(&span, at: &offset)
    }

    private func bytes(_ payload: WebSocketDecoder.Payload) -> [UInt8] {
        switch payload {
        case .input(let range): Array(input[range])
        case .assembled(let bytes): bytes
        }
    }
}
