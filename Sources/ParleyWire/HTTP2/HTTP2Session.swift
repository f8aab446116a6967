import CNGHTTP2
public import HTTPTypes

/// The server's side of an HTTP/2 connection (RFC 9113) over nghttp2: bytes in, events out by way of an
/// ``HTTP2SessionHandler``, bytes out. It knows no socket and no clock: times are milliseconds of a monotonic clock.
///
/// This file and its `+Callbacks` are the only ones that touch nghttp2. The session is used by one thread at a time; its handler holds it, and it
/// doesn't hold the handler.
public final class HTTP2Session {
    private let session: OpaquePointer
    /// Where the session's memory comes from, which outlives it.
    private let memory = HTTP2Memory()
    let limits: HTTPLimits
    let http2Limits: HTTP2Limits
    /// Set for as long as the handler's owner wants events: nil again before the handler goes away.
    @exclusivity(unchecked) public unowned(unsafe) var handler: (any HTTP2SessionHandler)?
    @exclusivity(unchecked) var guards: HTTP2Guards
    @exclusivity(unchecked) var head = HTTP2HeadBuilder()
    @exclusivity(unchecked) var trailers: HTTP2TrailerBuilder?
    @exclusivity(unchecked) var order = HTTP2StreamOrder()
    /// The stream that ``head`` or ``trailers`` belong to.
    @exclusivity(unchecked) var headersStream: Int32 = 0
    @exclusivity(unchecked) var violation: HTTP2Violation?
    /// Requests that began since the call of `receive`.
    @exclusivity(unchecked) var requestsInCall = 0
    /// Resets of our own that were counted, and are not sent yet.
    @exclusivity(unchecked) var countedResets = 0
    /// True from the notice of a shutdown until it is sent.
    @exclusivity(unchecked) private var isNoticePending = false
    @exclusivity(unchecked) private var hasAnnounced = false
    /// True once the connection is ended for a violation: only GOAWAY is still to be sent.
    @exclusivity(unchecked) var isTerminated = false
    @exclusivity(unchecked) var now: UInt64 = 0
    /// True once the peer's first SETTINGS came.
    @exclusivity(unchecked) public internal(set) var isEstablished = false
    /// True from the first frame of a header section to its last.
    public var isMidHeaders: Bool { head.isOpen || trailers != nil }

    /// Begins a session; its SETTINGS are the first thing that it sends.
    /// - Throws: ``HTTP2Violation`` with an internal error when there is no memory.
    public init(
        limits: HTTPLimits = HTTPLimits(), http2Limits: HTTP2Limits = HTTP2Limits()
    ) throws(HTTP2Violation) {
        self.limits = limits
        self.http2Limits = http2Limits
        guards = HTTP2Guards(http2Limits)
        guard let library = HTTP2Library.shared else { throw Self.outOfMemory }
        let place = UnsafeMutablePointer<OpaquePointer?>.allocate(capacity: 1)
        defer { place.deallocate() }
        place.initialize(to: nil)
        // The session is made with the address of an object that is not complete yet, so it gets it afterwards.
        var source = HTTP2Library.memory(memory)
        guard nghttp2_session_server_new3(place, library.callbacks, nil, library.options, &source) == 0,
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
            // Ours is written over it: see `announceLimit`.
            (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, UInt32(Int32.max)),
            (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, UInt32(max(0, http2Limits.streamWindow))),
            (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, UInt32(clamping: limits.headerSectionBytes)),
            (NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1),
            (NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ].map { nghttp2_settings_entry(settings_id: Int32($0.0.rawValue), value: $0.1) }
        let status = nghttp2_submit_settings(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
        let window = max(65_535, http2Limits.connectionWindow)
        guard status == 0,
            nghttp2_session_set_local_window_size(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, window) == 0
        else { throw Self.outOfMemory }
    }
}

// MARK: - In and out

extension HTTP2Session {
    /// Requests that are decoded in one call. Their answers should be sent before the next ones are read: what a hundred
    /// streams hold at once is neither in the processor's caches nor in those of the allocator.
    static let requestsPerCall = 8

    /// Decodes input, and calls the handler with what is in it. The bytes may be written to by the handler.
    /// - Parameter offset: where the input begins.
    /// - Returns: where the rest of the input begins, if not everything was used: send first, and call again.
    /// - Throws: ``HTTP2Violation``, after which nothing more may be received; see ``terminate(_:)``. What breaks a rule of
    ///   RFC 9113 itself doesn't throw: the session answers it, with GOAWAY where the connection is lost.
    public func receive(
        _ bytes: inout MutableSpan<UInt8>, from offset: Int = 0, now: UInt64
    ) throws(HTTP2Violation) -> Int {
        self.now = now
        requestsInCall = 0
        let result = bytes.withUnsafeMutableBufferPointer {
            nghttp2_session_mem_recv(session, $0.baseAddress.map { $0 + offset }, $0.count - offset)
        }
        if let violation { throw violation }
        guard result < 0 else { return offset + result }
        throw Self.violation(Int32(truncatingIfNeeded: result))
    }

    /// Appends what is to be sent until the output holds `limit` bytes or more, at most a frame more.
    /// - Throws: ``HTTP2Violation`` when the peer made it too much, or there is no memory. What was appended up to then is to
    ///   be sent.
    public func send(into output: inout [UInt8], limit: Int, now: UInt64) throws(HTTP2Violation) {
        self.now = now
        while output.count < limit {
            var data: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &data)
            guard count >= 0 else { throw Self.violation(Int32(truncatingIfNeeded: count)) }
            if count > 0 {
                output.append(contentsOf: UnsafeBufferPointer(start: data, count: count))
                announceLimit(in: &output, frameLength: count)
            }
            if let violation = violation.take() { throw violation }
            guard count > 0 else { return }
        }
    }

    /// Writes the number of streams that a peer may open into the first SETTINGS. nghttp2 believes in a higher one: a peer
    /// that exceeds the one that it knows of would lose its connection, where RFC 9113 5.1.2 has a stream refused.
    private func announceLimit(in output: inout [UInt8], frameLength: Int) {
        guard !hasAnnounced else { return }
        hasAnnounced = true
        // The frame's head has 9 bytes, the setting's id, which is our first, 2.
        let value = output.count - frameLength + 9 + 2
        guard frameLength >= 15, output[value - 1] == UInt8(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue)
        else { return }
        for index in 0..<4 {
            output[value + index] = UInt8(
                truncatingIfNeeded: http2Limits.concurrentStreams >> (24 - 8 * UInt32(index)))
        }
    }

    private static func violation(_ status: Int32) -> HTTP2Violation {
        switch nghttp2_error(rawValue: status) {
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
            HTTP2Violation(code: .protocolError, rule: "RFC 9113 3.4: invalid connection preface")
        case NGHTTP2_ERR_FLOODED: .limit("the peer lets answers to its control frames pile up")
        default:
            HTTP2Violation(
                code: .internalError,
                rule: nghttp2_strerror(status).map { String(cString: $0) } ?? "\(status)")
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

    /// Ends a stream at once. Codes that blame the peer count against it.
    public func reset(_ stream: Int32, _ code: HTTP2ErrorCode) {
        if code.blamesPeer {
            // Now rather than when it is sent: much may be received before.
            violation = guards.causedReset(at: now) ?? violation
            countedResets += 1
        }
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
                var start = 0
                for index in 0..<fields.count {
                    let entry = fields.entries[index]
                    // nghttp2 copies both, and writes to neither.
                    list.initializeElement(
                        at: index,
                        to: nghttp2_nv(
                            name: base + start, value: base + entry.nameEnd, namelen: entry.nameEnd - start,
                            valuelen: entry.valueEnd - entry.nameEnd,
                            flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
                    start = entry.valueEnd
                }
                return body(list.baseAddress, fields.count) == 0
            }
        }
    }
}

// MARK: - The connection

extension HTTP2Session {
    /// Announces that the connection will end, with a GOAWAY that still lets streams come (RFC 9113 6.8) and a PING behind
    /// it, whose answer shows that it was read.
    public func announceShutdown() {
        isNoticePending = true
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

    /// A GOAWAY was sent. nghttp2 would send a PING that was submitted along with it first.
    func didSendGoAway() {
        guard isNoticePending else { return }
        isNoticePending = false
        nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    }
}
