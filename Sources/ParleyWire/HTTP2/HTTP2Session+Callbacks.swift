import CNGHTTP2
import HTTPTypes

// MARK: - Callbacks

extension HTTP2Session {
    /// Calls a session from a callback. Whoever called nghttp2 holds it meanwhile.
    @inline(__always)
    static func with<Result>(
        _ context: UnsafeMutableRawPointer?, otherwise: Result, _ body: (HTTP2Session) -> Result
    ) -> Result {
        guard let context else { return otherwise }
        return Unmanaged<HTTP2Session>.fromOpaque(context)._withUnsafeGuaranteedRef { body($0) }
    }

    private static let aborted = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue

    /// Ends the call that the callback belongs to, where there is something to end it for.
    private func outcome(_ violation: HTTP2Violation?) -> Int32 {
        guard let violation else { return 0 }
        self.violation = violation
        return Self.aborted
    }

    func didBegin(_ header: nghttp2_frame_hd) -> Int32 {
        let type: HTTP2Guards.FrameType =
            switch UInt32(header.type) {
            case NGHTTP2_HEADERS.rawValue: .headers
            case NGHTTP2_RST_STREAM.rawValue: .reset
            case NGHTTP2_CONTINUATION.rawValue: .continuation
            case NGHTTP2_PRIORITY.rawValue: .priority
            case NGHTTP2_DATA.rawValue: .data(length: header.length, endsStream: Self.endsStream(header))
            default: .other
            }
        return outcome(guards.receivedFrame(type, at: now) ?? order.received(type, on: header.stream_id))
    }

    private static func endsStream(_ header: nghttp2_frame_hd) -> Bool {
        UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
    }

    func didBeginHeaders(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        abandonHeaders()
        headersStream = frame.pointee.hd.stream_id
        guards.explainFrame()
        if frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
            head.begin()
            requestsInCall += 1
        } else {
            trailers = HTTP2TrailerBuilder()
        }
        return 0
    }

    func didReceive(name: Span<UInt8>, value: Span<UInt8>) -> Int32 {
        if trailers != nil {
            return outcome(trailers?.take(name: name, value: value, limits: limits, http2Limits: http2Limits))
        }
        if let violation = head.take(name: name, value: value, limits: limits, http2Limits: http2Limits) {
            return outcome(violation)
        }
        guard requestsInCall > Self.requestsPerCall else { return 0 }
        requestsInCall = 0
        return NGHTTP2_ERR_PAUSE.rawValue
    }

    func didReceive(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        let header = frame.pointee.hd
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue: return didReceiveHeaders(header)
        case NGHTTP2_DATA.rawValue:
            if Self.endsStream(header) { handler?.receivedEnd(trailers: nil, on: header.stream_id) }
        case NGHTTP2_SETTINGS.rawValue: isEstablished = true
        case NGHTTP2_PING.rawValue:
            if UInt32(header.flags) & NGHTTP2_FLAG_ACK.rawValue != 0 { handler?.receivedPong() }
        default: break
        }
        return 0
    }

    private func didReceiveHeaders(_ header: nghttp2_frame_hd) -> Int32 {
        if let received = trailers {
            trailers = nil
            if let refusal = received.refusal { return refuse(header.stream_id, refusal, isEnded: true) }
            handler?.receivedEnd(trailers: received.block, on: header.stream_id)
            return 0
        }
        guard head.isOpen else { return 0 }
        let isEnded = Self.endsStream(header)
        do throws(HTTP2Refusal) {
            try head.finish(isEnded: isEnded)
        } catch {
            head.abandon()
            return refuse(header.stream_id, error, isEnded: isEnded)
        }
        handler?.received(request: head.take(), on: header.stream_id, isEnded: isEnded)
        // The handler may have refused one stream too many.
        return outcome(violation)
    }

    private func refuse(_ stream: Int32, _ refusal: HTTP2Refusal, isEnded: Bool) -> Int32 {
        handler?.received(refused: refusal, on: stream, isEnded: isEnded)
        return outcome(guards.causedReset(at: now) ?? violation)
    }

    func didReceive(content: UnsafePointer<UInt8>, count: Int, on stream: Int32) -> Int32 {
        guards.explainFrame()
        // It points into the input of `receive`, which may be written to and which nghttp2 does not read again.
        var bytes = MutableSpan(_unsafeStart: UnsafeMutablePointer(mutating: content), count: count)
        handler?.received(content: &bytes, on: stream)
        return 0
    }

    func didSend(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        guard !isTerminated else { return 0 }
        switch UInt32(frame.pointee.hd.type) {
        case NGHTTP2_DATA.rawValue: guards.sentData()
        case NGHTTP2_GOAWAY.rawValue: didSendGoAway()
        case NGHTTP2_RST_STREAM.rawValue:
            guard HTTP2ErrorCode(rawValue: frame.pointee.rst_stream.error_code).blamesPeer else { break }
            guard countedResets == 0 else {
                countedResets -= 1
                break
            }
            // Noted only: the frame is on its way, and nghttp2 shall end what it is doing.
            violation = guards.causedReset(at: now) ?? violation
        default: break
        }
        return 0
    }

    /// Forgets a header section that was refused half-way: nothing tells of its end.
    func abandonHeaders() {
        if head.isOpen { head.abandon() }
        trailers = nil
    }

    /// nghttp2 gave a frame up: a header section that is larger than it sends.
    func didNotSend(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        let header = frame.pointee.hd
        if UInt32(header.type) == NGHTTP2_HEADERS.rawValue { handler?.failed(stream: header.stream_id) }
        return 0
    }

    func didClose(_ stream: Int32, _ code: UInt32) -> Int32 {
        if stream == headersStream { abandonHeaders() }
        handler?.closed(stream: stream, code: HTTP2ErrorCode(rawValue: code))
        return 0
    }

    func provideContent(
        _ stream: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ length: Int,
        _ flags: UnsafeMutablePointer<UInt32>?
    ) -> Int {
        guard let handler, !isTerminated else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
        switch handler.content(of: stream, into: UnsafeMutableBufferPointer(start: buffer, count: length)) {
        case .bytes(let count): return count
        case .none: return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        case .last(let count):
            flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
            return count
        case .lastBeforeTrailers(let count):
            flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            return count
        }
    }
}

/// The callbacks and options that all sessions share.
///
/// Sound as `Sendable`: both are filled in once, and sessions copy from them.
final class HTTP2Library: @unchecked Sendable {
    static let shared = HTTP2Library()
    let callbacks: OpaquePointer
    let options: OpaquePointer

    private init?() {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        guard nghttp2_session_callbacks_new(&callbacks) == 0, nghttp2_option_new(&options) == 0,
            let callbacks, let options
        else { return nil }
        self.callbacks = callbacks
        self.options = options
        setOptions()
        setCallbacks()
    }

    /// nghttp2's view of a session's memory; it keeps a copy of this.
    static func memory(_ memory: HTTP2Memory) -> nghttp2_mem {
        nghttp2_mem(
            mem_user_data: Unmanaged.passUnretained(memory).toOpaque(),
            malloc: { size, memory in HTTP2Library.with(memory) { $0.allocate(size) } },
            free: { pointer, memory in HTTP2Library.with(memory) { $0.release(pointer) } },
            calloc: { count, size, memory in HTTP2Library.with(memory) { $0.allocateZeros(count, size) } },
            realloc: { pointer, size, memory in HTTP2Library.with(memory) { $0.resize(pointer, to: size) } })
    }

    /// The session holds its memory for as long as nghttp2 may ask for some.
    @inline(__always)
    private static func with<Result>(
        _ memory: UnsafeMutableRawPointer?, _ body: (HTTP2Memory) -> Result
    ) -> Result {
        Unmanaged<HTTP2Memory>.fromOpaque(memory.unsafelyUnwrapped)._withUnsafeGuaranteedRef { body($0) }
    }

    private func setOptions() {
        nghttp2_option_set_no_auto_window_update(options, 1)
        // nghttp2 counts read calls, where a frame comes in pieces: an honest one would be sent away. Ours counts frames.
        nghttp2_option_set_max_continuations(options, 1 << 20)
        // Ours is stricter here too.
        nghttp2_option_set_stream_reset_rate_limit(options, 10_000, 1000)
        nghttp2_option_set_no_closed_streams(options, 1)
        // A response's header section may be as large as HTTP/1.1 sends one, within reason.
        nghttp2_option_set_max_send_header_block_length(options, 1 << 20)
        // Frames of unknown types are ignored (RFC 9113 5.5), but shall be seen and counted.
        for type in UInt8(0x0A)...UInt8.max { nghttp2_option_set_user_recv_extension_type(options, type) }
    }

    private func setCallbacks() {
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, header, context in
            guard let header else { return 0 }
            return HTTP2Session.with(context, otherwise: 0) { $0.didBegin(header.pointee) }
        }
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, context in
            guard let frame else { return 0 }
            return HTTP2Session.with(context, otherwise: 0) { $0.didBeginHeaders(frame) }
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, _, name, nameLength, value, valueLength, _, context in
            HTTP2Session.with(context, otherwise: 0) {
                $0.didReceive(
                    name: UnsafeBufferPointer(start: name, count: nameLength).span,
                    value: UnsafeBufferPointer(start: value, count: valueLength).span)
            }
        }
        nghttp2_session_callbacks_set_unpack_extension_callback(callbacks) { _, _, _, _ in
            NGHTTP2_ERR_CANCEL.rawValue
        }
        // Without it nghttp2 would leave such fields out and go on (RFC 9113 8.1.1 calls the request malformed).
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, context in
            HTTP2Session.with(context, otherwise: ()) { $0.abandonHeaders() }
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, _, context in
            guard let frame else { return 0 }
            return HTTP2Session.with(context, otherwise: 0) { $0.didNotSend(frame) }
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
            guard let frame else { return 0 }
            return HTTP2Session.with(context, otherwise: 0) { $0.didReceive(frame) }
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, stream, data, count, context in
            guard let data else { return 0 }
            return HTTP2Session.with(context, otherwise: 0) {
                $0.didReceive(content: data, count: count, on: stream)
            }
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
            guard let frame else { return 0 }
            return HTTP2Session.with(context, otherwise: 0) { $0.didSend(frame) }
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, context in
            HTTP2Session.with(context, otherwise: 0) { $0.didClose(stream, code) }
        }
    }
}
