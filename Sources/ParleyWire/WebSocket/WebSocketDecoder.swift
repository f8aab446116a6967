/// Turns a peer's bytes into messages and control frames (RFC 6455). Knows nothing of connections or time.
///
/// Call ``next(_:at:)`` until it returns ``Event/needMore``, then again with the bytes that arrive next. However the input
/// is cut, the events are the same, but that a payload which lies whole in the input is given as a range of it, unmasked
/// in place, and any other one as an array. Between messages the decoder holds no storage; within one, what arrived of
/// it, never what was only announced.
public struct WebSocketDecoder: Sendable {
    /// A message's or a control frame's payload.
    public enum Payload: Sendable, Equatable {
        /// A range of the input of this call, unmasked.
        case input(Range<Int>)
        /// The bytes, put together from several pieces.
        case assembled([UInt8])
    }

    /// What the decoder found.
    public enum Event: Sendable, Equatable {
        /// The input is used up: the offset is at its end.
        case needMore
        /// A text message, which is valid UTF-8.
        case text(Payload)
        /// A binary message.
        case binary(Payload)
        /// A piece of a message with RSV1 set, which only a decoder that allows compression lets pass (RFC 7692 6): a range
        /// of the input, as it came. Neither its size after inflation nor its UTF-8 has been checked.
        case compressed(isText: Bool, Range<Int>, isLast: Bool)
        /// A ping: answer with a pong of the same payload.
        case ping(Payload)
        /// A pong.
        case pong(Payload)
        /// The close frame, with a valid code or none. Everything after it is ignored.
        case close(code: UInt16?, reason: String)
        /// The peer broke a rule, and the connection is to be failed. Nothing but this comes any more.
        case failure(WebSocketError)
    }

    /// The frame whose payload is arriving.
    private struct Frame {
        var opcode: WebSocketOpcode
        var isFinal: Bool
        var maskKey: UInt32
        var received: Int
        var length: Int
    }

    private enum State {
        case header
        case payload
        case closed
        case failed(WebSocketError)
    }

    private let role: WebSocketRole
    private let limits: WebSocketLimits
    private let allowsCompression: Bool
    private var state = State.header
    private var heldHeader: [UInt8] = []
    private var frame = Frame(opcode: .continuation, isFinal: true, maskKey: 0, received: 0, length: 0)
    private var control: [UInt8] = []
    private var message: WebSocketAssembly?

    /// A decoder at the beginning of a connection.
    /// - Parameters:
    ///   - role: the side that decodes.
    ///   - allowsCompression: true when permessage-deflate was negotiated, which gives RSV1 its meaning.
    public init(
        role: WebSocketRole, limits: WebSocketLimits = WebSocketLimits(), allowsCompression: Bool = false
    ) {
        self.role = role
        self.limits = limits
        self.allowsCompression = allowsCompression
    }

    /// True from the first byte of a message or of any frame up to its end.
    public var isMidMessage: Bool {
        switch state {
        case .header: message != nil || !heldHeader.isEmpty
        case .payload: true
        case .closed, .failed: false
        }
    }

    /// The next event of the input, from the offset on, which is advanced over what was read. Payloads are unmasked in
    /// place.
    public mutating func next(_ input: inout MutableSpan<UInt8>, at offset: inout Int) -> Event {
        do throws(WebSocketError) {
            return try advance(&input, at: &offset)
        } catch {
            state = .failed(error)
            release()
            return .failure(error)
        }
    }

    private mutating func release() {
        heldHeader = []
        control = []
        message = nil
    }

    private mutating func advance(
        _ input: inout MutableSpan<UInt8>, at offset: inout Int
    ) throws(WebSocketError) -> Event {
        while true {
            switch state {
            case .header:
                guard let header = try readHeader(input.span, at: &offset) else { return .needMore }
                try begin(header)
                if let event = try wholeFrame(header, &input, at: &offset) { return event }
                if message == nil, !header.opcode.isControl { message = WebSocketAssembly(header) }
                state = .payload
            case .payload:
                if isCompressed {
                    guard let event = compressedPiece(&input, at: &offset) else { return .needMore }
                    return event
                }
                guard try receive(&input, at: &offset) else { return .needMore }
                state = .header
                if let event = try finishFrame() { return event }
            case .closed:
                offset = input.count
                return .needMore
            case .failed(let error):
                return .failure(error)
            }
        }
    }
}

// MARK: - Headers

extension WebSocketDecoder {
    /// The next header, or nil when the input ends within it.
    @inline(__always)
    private mutating func readHeader(
        _ input: Span<UInt8>, at offset: inout Int
    ) throws(WebSocketError) -> WebSocketFrameHeader? {
        let available = input.count &- offset
        guard heldHeader.isEmpty, available >= 2 else { return try readHeldHeader(input, at: &offset) }
        let opcode = try checkStart(input[offset], input[offset &+ 1])
        let length = WebSocketFrameHeader.length(secondByte: input[offset &+ 1])
        guard available >= length else { return try readHeldHeader(input, at: &offset) }
        let header = try WebSocketFrameHeader.parse(input, at: offset, opcode: opcode)
        offset &+= length
        return header
    }

    /// Collects a header that the input cuts: two bytes, then as many as those call for.
    private mutating func readHeldHeader(
        _ input: Span<UInt8>, at offset: inout Int
    ) throws(WebSocketError) -> WebSocketFrameHeader? {
        while offset < input.count {
            heldHeader.append(input[offset])
            offset &+= 1
            guard heldHeader.count >= 2 else { continue }
            let opcode = try checkStart(heldHeader[0], heldHeader[1])
            guard heldHeader.count == WebSocketFrameHeader.length(secondByte: heldHeader[1]) else { continue }
            let header = try WebSocketFrameHeader.parse(heldHeader.span, at: 0, opcode: opcode)
            heldHeader = []
            return header
        }
        return nil
    }

    /// The rules that the first two bytes decide.
    @inline(__always)
    private func checkStart(_ first: UInt8, _ second: UInt8) throws(WebSocketError) -> WebSocketOpcode {
        guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else {
            throw first & 0x70 != 0 ? .reservedBits : .opcode
        }
        let mayBeCompressed = allowsCompression && (opcode == .text || opcode == .binary)
        guard first & 0x30 == 0, first & 0x40 == 0 || mayBeCompressed else { throw .reservedBits }
        if opcode.isControl {
            guard first & 0x80 != 0 else { throw .controlFragmented }
            guard second & 0x7F <= 125 else { throw .controlTooLong }
        } else if opcode == .continuation {
            guard message != nil else { throw .continuationWithoutStart }
        } else {
            guard message == nil else { throw .messageInMessage }
        }
        guard (second & 0x80 != 0) == (role == .server) else {
            throw role == .server ? .notMasked : .masked
        }
        return opcode
    }

    /// Checks the limits by what the header announces, before any of it is held.
    @inline(__always)
    private mutating func begin(_ header: WebSocketFrameHeader) throws(WebSocketError) {
        frame = Frame(
            opcode: header.opcode, isFinal: header.isFinal, maskKey: header.maskKey, received: 0,
            length: header.length)
        if header.opcode.isControl { return }
        if message == nil {
            let maximum = header.isCompressed ? limits.compressedBytes : limits.messageBytes
            guard header.length <= maximum else { throw .messageTooLong }
            if header.isFinal { return }
            message = WebSocketAssembly(header)
        }
        try message?.add(header.length, limits: limits)
    }
}

// MARK: - Payloads

extension WebSocketDecoder {
    /// The event of a frame that is no fragment and lies whole in the input: the path of nearly every message.
    @inline(__always)
    private mutating func wholeFrame(
        _ header: WebSocketFrameHeader, _ input: inout MutableSpan<UInt8>, at offset: inout Int
    ) throws(WebSocketError) -> Event? {
        guard header.length <= input.count &- offset, message == nil || header.opcode.isControl else {
            return nil
        }
        let range = offset..<(offset &+ header.length)
        if header.isMasked { WebSocketMask.apply(header.maskKey, to: &input, range: range) }
        offset &+= header.length
        if header.isCompressed { return .compressed(isText: header.opcode == .text, range, isLast: true) }
        switch header.opcode {
        case .text:
            guard UTF8StreamValidator.isValid(input.span.extracting(range)) else { throw .text }
            return .text(.input(range))
        case .ping: return .ping(.input(range))
        case .pong: return .pong(.input(range))
        case .close: return try close(input.span.extracting(range))
        // A continuation has a message to continue, which the guard has sent away.
        case .binary, .continuation: return .binary(.input(range))
        }
    }

    /// Takes what the input has of the frame's payload. Returns true when it is complete.
    private mutating func receive(
        _ input: inout MutableSpan<UInt8>, at offset: inout Int
    ) throws(WebSocketError) -> Bool {
        let range = unmask(&input, at: &offset)
        if !range.isEmpty { try hold(input.span.extracting(range)) }
        return frame.received == frame.length
    }

    /// Unmasks what the input has of the frame's payload, and counts it as received.
    private mutating func unmask(_ input: inout MutableSpan<UInt8>, at offset: inout Int) -> Range<Int> {
        let length = min(frame.length &- frame.received, input.count &- offset)
        let range = offset..<(offset &+ length)
        if length > 0, role == .server {
            WebSocketMask.apply(frame.maskKey, phase: frame.received, to: &input, range: range)
        }
        offset &+= length
        frame.received &+= length
        return range
    }

    /// True within a frame of a compressed message.
    private var isCompressed: Bool { !frame.opcode.isControl && message?.isCompressed == true }

    /// What the input has of a compressed message's frame, as a piece; nil when that is nothing.
    private mutating func compressedPiece(
        _ input: inout MutableSpan<UInt8>, at offset: inout Int
    ) -> Event? {
        let range = unmask(&input, at: &offset)
        let isText = message?.isText == true
        guard frame.received == frame.length else {
            return range.isEmpty ? nil : .compressed(isText: isText, range, isLast: false)
        }
        state = .header
        if frame.isFinal { message = nil }
        return .compressed(isText: isText, range, isLast: frame.isFinal)
    }

    private mutating func hold(_ bytes: Span<UInt8>) throws(WebSocketError) {
        if frame.opcode.isControl {
            control.append(bytes: bytes)
        } else {
            try message?.append(bytes)
        }
    }

    /// The event of a frame whose payload is complete, or nil when it was a fragment with others to follow.
    private mutating func finishFrame() throws(WebSocketError) -> Event? {
        if frame.opcode.isControl {
            let payload = control
            control = []
            switch frame.opcode {
            case .ping: return .ping(.assembled(payload))
            case .pong: return .pong(.assembled(payload))
            default: return try close(payload.span)
            }
        }
        guard frame.isFinal, let message else { return nil }
        self.message = nil
        guard message.isText else { return .binary(.assembled(message.bytes)) }
        guard message.isCompleteText else { throw .text }
        return .text(.assembled(message.bytes))
    }

    /// Validates a close frame's payload (RFC 6455 5.5.1).
    private mutating func close(_ payload: Span<UInt8>) throws(WebSocketError) -> Event {
        var code: UInt16?
        var reason = ""
        if payload.count > 0 {
            guard payload.count >= 2 else { throw .closeLength }
            let number = UInt16(payload[0]) &<< 8 | UInt16(payload[1])
            guard WebSocketCloseCode.isValid(number) else { throw .closeCode }
            let text = payload.extracting(2..<payload.count)
            guard UTF8StreamValidator.isValid(text) else { throw .closeReason }
            code = number
            reason = String(bytes: text)
        }
        state = .closed
        release()
        return .close(code: code, reason: reason)
    }
}
