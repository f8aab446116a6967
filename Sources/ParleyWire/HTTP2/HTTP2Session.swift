import CNGHTTP2

/// The server's side of an HTTP/2 connection (RFC 9113) over nghttp2: bytes in, events out by way of an
/// ``HTTP2SessionHandler``, bytes out. It knows no socket and no clock: times are milliseconds of a monotonic clock.
///
/// This file is the only one that touches nghttp2. The session is used by one thread at a time; its handler holds it, and it
/// doesn't hold the handler.
public final class HTTP2Session {
    private let session: OpaquePointer
    private let limits: HTTPLimits
    private let http2Limits: HTTP2Limits
    /// Set for as long as the handler's owner wants events: nil again before the handler goes away.
    @exclusivity(unchecked) public unowned(unsafe) var handler: (any HTTP2SessionHandler)?
    @exclusivity(unchecked) private var guards: HTTP2Guards
    @exclusivity(unchecked) private var head = HTTP2HeadBuilder()
    @exclusivity(unchecked) private var trailers: HTTPHeaderBlock?
    /// The stream that ``head`` or ``trailers`` belong to.
    @exclusivity(unchecked) private var headersStream: Int32 = 0
    @exclusivity(unchecked) private var violation: HTTP2Violation?
    /// True once the connection is ended for a violation: only GOAWAY is still to be sent.
    @exclusivity(unchecked) private var isTerminated = false
    @exclusivity(unchecked) private var now: UInt64 = 0
    /// True once the peer's first SETTINGS came.
    @exclusivity(unchecked) public private(set) var isEstablished = false
    /// True from the first frame of a header section to its last.
    public var isMidHeaders: Bool { head.isOpen || trailers != nil }

    /// Begins a session; its SETTINGS are the first thing that it sends.
    /// - Throws: ``HTTP2Violation`` with an internal error when there is no memory.
    public init(limits: HTTPLimits = HTTPLimits(), http2Limits: HTTP2Limits = HTTP2Limits()) throws(HTTP2Violation) {
        self.limits = limits
        self.http2Limits = http2Limits
        guards = HTTP2Guards(http2Limits)
        guard let library = HTTP2Library.shared else { throw Self.outOfMemory }
        let place = UnsafeMutablePointer<OpaquePointer?>.allocate(capacity: 1)
        defer { place.deallocate() }
        place.initialize(to: nil)
        // The session is made with the address of an object that is not complete yet, so it gets it afterwards.
        guard nghttp2_session_server_new2(place, library.callbacks, nil, library.options) == 0,
            let made = place.pointee
        else { throw Self.outOfMemory }
        session = made
        nghttp2_session_set_user_data(session, Unmanaged.passUnretained(self).toOpaque())
        try submitSettings()
    }

    deinit {
        nghttp2_session_del(session)
    }

    private static var outOfMemory: HTTP2Violation {
        HTTP2Violation(code: .internalError, rule: "out of memory")
    }

    private func submitSettings() throws(HTTP2Violation) {
        let settings = [
            (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, http2Limits.concurrentStreams),
            (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(max(0, http2Limits.streamWindow))),
            (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(clamping: limits.headerSectionBytes)),
            (NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1),
            (NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ].map { nghttp2_settings_entry(settings_id: Int32($0.0.rawValue), value: $0.1) }
        let status = nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
        let window = max(65_535, http2Limits.connectionWindow)
        guard status == 0,
            nghttp2_session_set_local_window_size(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, window) == 0
        else { throw Self.outOfMemory }
    }
}

// MARK: - In and out

extension HTTP2Session {
    /// Decodes input, and calls the handler with what is in it. The bytes may be written to by the handler.
    /// - Throws: ``HTTP2Violation``, after which nothing more may be received; see ``terminate(_:)``. What breaks a rule of
    ///   RFC 9113 itself doesn't throw: the session answers it, with GOAWAY where the connection is lost.
    public func receive(_ bytes: inout MutableSpan<UInt8>, now: UInt64) throws(HTTP2Violation) {
        self.now = now
        let result = bytes.withUnsafeMutableBufferPointer {
            nghttp2_session_mem_recv(session, $0.baseAddress, $0.count)
        }
        if let violation { throw violation }
        guard result < 0 else { return }
        throw Self.violation(Int32(truncatingIfNeeded: result))
    }

    /// Appends what is to be sent until the output holds `limit` bytes or more, at most a frame more.
    /// - Throws: ``HTTP2Violation`` when the peer made it too much, or there is no memory.
    public func send(into output: inout [UInt8], limit: Int, now: UInt64) throws(HTTP2Violation) {
        self.now = now
        while output.count < limit {
            var data: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &data)
            if let violation {
                self.violation = nil
                throw violation
            }
            guard count >= 0 else { throw Self.violation(Int32(truncatingIfNeeded: count)) }
            guard count > 0 else { return }
            output.append(contentsOf: UnsafeBufferPointer(start: data, count: count))
        }
    }

    private static func violation(_ status: Int32) -> HTTP2Violation {
        switch nghttp2_error(rawValue: status) {
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
            HTTP2Violation(code: .protocolError, rule: "RFC 9113 3.4: invalid connection preface")
        case NGHTTP2_ERR_FLOODED: .limit("the peer lets answers to its control frames pile up")
        default:
            HTTP2Violation(
                code: .internalError, rule: nghttp2_strerror(status).map { String(cString: $0) } ?? "\(status)")
        }
    }

    /// True when there is something that ``send(into:limit:now:)`` would append.
    public var wantsWrite: Bool { nghttp2_session_want_write(session) != 0 }

    /// True when nothing more is to be received or sent: the connection is of no use any more.
    public var isFinished: Bool {
        nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    }
}

// MARK: - Streams

extension HTTP2Session {
    /// Answers a request. With content, the handler is asked for it.
    /// - Returns: false when the stream is gone, or was answered already.
    @discardableResult
    public func respond(_ fields: HTTP2FieldSection, on stream: Int32, hasContent: Bool) -> Bool {
        guard hasContent else {
            return submit(fields) { nghttp2_submit_response(session, stream, $0, $1, nil) }
        }
        var provider = nghttp2_data_provider()
        provider.read_callback = { session, stream, buffer, length, flags, _, context in
            HTTP2Session.with(context, otherwise: 0) { $0.provideContent(stream, buffer, length, flags) }
        }
        return submit(fields) { nghttp2_submit_response(session, stream, $0, $1, &provider) }
    }

    /// Sends an interim response (1xx); the real one follows.
    public func respondInterim(_ fields: HTTP2FieldSection, on stream: Int32) {
        submit(fields) {
            nghttp2_submit_headers(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, nil, $0, $1, nil)
        }
    }

    /// Sends trailers, which end the stream, when its content returns ``HTTP2Content/lastBeforeTrailers(_:)``.
    public func sendTrailers(_ fields: HTTP2FieldSection, on stream: Int32) {
        submit(fields) { nghttp2_submit_trailer(session, stream, $0, $1) }
    }

    /// There is content again on a stream that had none.
    public func resume(_ stream: Int32) {
        nghttp2_session_resume_data(session, stream)
    }

    /// Shares the connection evenly among streams with much to send, ahead of others where it is urgent.
    public func share(_ stream: Int32, isUrgent: Bool) {
        var priority = nghttp2_extpri(urgency: isUrgent ? 1 : UInt32(NGHTTP2_EXTPRI_DEFAULT_URGENCY), inc: 1)
        nghttp2_session_change_extpri_stream_priority(session, stream, &priority, 1)
    }

    /// Ends a stream at once.
    public func reset(_ stream: Int32, _ code: HTTP2ErrorCode) {
        nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code.rawValue)
    }

    /// Makes room in the windows for so many bytes of content, which were received and are of no weight any more. For a
    /// stream that is gone, in the connection's.
    public func consume(_ count: Int, of stream: Int32) {
        guard count > 0 else { return }
        nghttp2_session_consume(session, stream, count)
    }

    @discardableResult
    private func submit(
        _ fields: HTTP2FieldSection, _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Int32
    ) -> Bool {
        fields.bytes.withUnsafeBufferPointer { bytes in
            withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: max(1, fields.count)) { list in
                guard let base = UnsafeMutablePointer(mutating: bytes.baseAddress) else { return false }
                for (index, entry) in fields.entries.enumerated() {
                    // nghttp2 copies both, and writes to neither.
                    list.initializeElement(
                        at: index,
                        to: nghttp2_nv(
                            name: base + entry.name.lowerBound, value: base + entry.value.lowerBound,
                            namelen: entry.name.count, valuelen: entry.value.count,
                            flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
                }
                return body(list.baseAddress, fields.count) == 0
            }
        }
    }
}

// MARK: - The connection

extension HTTP2Session {
    /// Announces that the connection will end, with a GOAWAY that still lets streams come (RFC 9113 6.8).
    public func announceShutdown() {
        nghttp2_submit_shutdown_notice(session)
    }

    /// Ends the connection in an orderly way: streams that came are finished, later ones are ignored.
    public func goAway() {
        nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(session),
            HTTP2ErrorCode.noError.rawValue, nil, 0)
    }

    /// Ends the connection: nothing but GOAWAY, with the rule as its debug data, is sent any more, which
    /// ``send(into:limit:now:)`` with a limit of `.max` does.
    public func terminate(_ violation: HTTP2Violation) {
        self.violation = nil
        isTerminated = true
        let rule = Array(violation.rule.utf8.prefix(256))
        nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(session),
            violation.code.rawValue, rule, rule.count)
    }

    /// Sends a PING, whose answer shows that the peer has read what was sent before.
    public func ping() {
        nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    }
}

// MARK: - Callbacks

extension HTTP2Session {
    /// Calls a session from a callback. Whoever called nghttp2 holds it meanwhile.
    @inline(__always)
    fileprivate static func with<Result>(
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

    fileprivate func didBegin(_ header: nghttp2_frame_hd) -> Int32 {
        let type: HTTP2Guards.FrameType =
            switch UInt32(header.type) {
            case NGHTTP2_HEADERS.rawValue: .headers
            case NGHTTP2_RST_STREAM.rawValue: .reset
            case NGHTTP2_CONTINUATION.rawValue: .continuation
            case NGHTTP2_DATA.rawValue: .data(length: header.length, endsStream: Self.endsStream(header))
            default: .other
            }
        return outcome(guards.receivedFrame(type, at: now))
    }

    private static func endsStream(_ header: nghttp2_frame_hd) -> Bool {
        UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
    }

    fileprivate func didBeginHeaders(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        headersStream = frame.pointee.hd.stream_id
        if frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
            head.begin()
            guards.explainFrame()
        } else {
            trailers = HTTPHeaderBlock()
        }
        return 0
    }

    fileprivate func didReceive(name: Span<UInt8>, value: Span<UInt8>) -> Int32 {
        if trailers == nil {
            return outcome(head.take(name: name, value: value, limits: limits, http2Limits: http2Limits))
        }
        // Trailers are bounded as a header section is, and one that is too long is as bad as a flood.
        guard let count = trailers?.count, let size = trailers?.bytes.count, count < limits.headerCount,
            size + name.count + value.count + 32 * count <= limits.headerSectionBytes
        else { return outcome(.limit("headerSectionBytes: the trailer section is too long")) }
        trailers?.append(name: name, value: value)
        return 0
    }

    fileprivate func didReceive(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
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
            handler?.receivedEnd(trailers: received, on: header.stream_id)
            return 0
        }
        guard head.isOpen else { return 0 }
        let isEnded = Self.endsStream(header)
        do throws(HTTP2Refusal) {
            try head.finish(isEnded: isEnded)
            handler?.received(request: head.take(), on: header.stream_id, isEnded: isEnded)
            return 0
        } catch {
            head.abandon()
            handler?.received(refused: error, on: header.stream_id)
            return outcome(guards.causedReset(at: now))
        }
    }

    fileprivate func didReceive(content: UnsafePointer<UInt8>, count: Int, on stream: Int32) -> Int32 {
        guards.explainFrame()
        // It points into the input of `receive`, which may be written to and which nghttp2 does not read again.
        var bytes = MutableSpan(_unsafeStart: UnsafeMutablePointer(mutating: content), count: count)
        handler?.received(content: &bytes, on: stream)
        return 0
    }

    fileprivate func didSend(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        guard !isTerminated else { return 0 }
        switch UInt32(frame.pointee.hd.type) {
        case NGHTTP2_DATA.rawValue: guards.sentData()
        case NGHTTP2_RST_STREAM.rawValue:
            guard HTTP2ErrorCode(rawValue: frame.pointee.rst_stream.error_code).blamesPeer else { break }
            return outcome(guards.causedReset(at: now))
        default: break
        }
        return 0
    }

    fileprivate func didClose(_ stream: Int32, _ code: UInt32) -> Int32 {
        if stream == headersStream {
            // Its header section was refused half-way.
            head.abandon()
            trailers = nil
        }
        handler?.closed(stream: stream, code: HTTP2ErrorCode(rawValue: code))
        return 0
    }

    private func provideContent(
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
private final class HTTP2Library: @unchecked Sendable {
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

    private func setOptions() {
        nghttp2_option_set_no_auto_window_update(options, 1)
        // Counts read calls where a frame comes in pieces, so that our own count must be the stricter one.
        nghttp2_option_set_max_continuations(options, 128)
        // Ours is stricter here too.
        nghttp2_option_set_stream_reset_rate_limit(options, 10_000, 1000)
        nghttp2_option_set_no_closed_streams(options, 1)
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
        // Without it nghttp2 would leave such fields out and go on (RFC 9113 8.1.1 calls the request malformed).
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks) { _, _, _, _, _, _, _, _ in
            NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
            guard let frame else { return 0 }
            return HTTP2Session.with(context, otherwise: 0) { $0.didReceive(frame) }
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, stream, data, count, context in
            guard let data else { return 0 }
            return HTTP2Session.with(context, otherwise: 0) { $0.didReceive(content: data, count: count, on: stream) }
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
