import CNGHTTP2

/// A client of HTTP/2 that none of us wrote: nghttp2's, as bytes in and bytes out. It is used by one thread at a time.
package final class HTTP2Peer {
    /// What came on a stream.
    package struct Stream: Sendable {
        package var fields: [(name: String, value: String)] = []
        package var trailers: [(name: String, value: String)] = []
        package var interim: [String] = []
        package var content: [UInt8] = []
        package var isEnded = false
        /// Set when the stream is gone.
        package var closeCode: UInt32?

        package var status: String? { self[":status"] }
        package var text: String { String(decoding: content, as: UTF8.self) }
        package subscript(_ name: String) -> String? { fields.first { $0.name == name }?.value }
    }

    /// A GOAWAY frame.
    package struct GoAway: Sendable, Equatable {
        package var code: UInt32
        package var lastStream: Int32
        package var text: String

        package init(code: UInt32, lastStream: Int32, text: String) {
            self.code = code
            self.lastStream = lastStream
            self.text = text
        }
    }

    package private(set) var streams: [Int32: Stream] = [:]
    package private(set) var goAways: [GoAway] = []
    package private(set) var settings: [Int32: UInt32] = [:]
    package private(set) var pongs = 0
    private var session: OpaquePointer?
    private var uploads: [Int32: Upload] = [:]

    private struct Upload {
        var bytes: [UInt8]
        var isLast: Bool
    }

    /// Begins a session, whose preface is the first output.
    /// - Parameter windows: false keeps the windows closed until ``consume(_:of:)``.
    package init(window: UInt32 = 65_535, opensWindows: Bool = true) {
        var callbacks: OpaquePointer?
        nghttp2_session_callbacks_new(&callbacks)
        defer { nghttp2_session_callbacks_del(callbacks) }
        Self.set(callbacks)
        var options: OpaquePointer?
        nghttp2_option_new(&options)
        defer { nghttp2_option_del(options) }
        if !opensWindows { nghttp2_option_set_no_auto_window_update(options, 1) }
        nghttp2_session_client_new2(&session, callbacks, Unmanaged.passUnretained(self).toOpaque(), options)
        let entry = nghttp2_settings_entry(
            settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: window)
        nghttp2_submit_settings(session, 0, [entry], 1)
    }

    deinit { nghttp2_session_del(session) }

    /// Takes what the server sent. False when nghttp2 finds that it is no HTTP/2.
    package func receive(_ bytes: [UInt8]) -> Bool {
        nghttp2_session_mem_recv(session, bytes, bytes.count) == bytes.count
    }

    /// What is to be sent to the server.
    package func output() -> [UInt8] {
        var output: [UInt8] = []
        while true {
            var data: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &data)
            guard count > 0 else { return output }
            output.append(contentsOf: UnsafeBufferPointer(start: data, count: count))
        }
    }

    /// Sends a request. Without content the stream is ended by its head.
    package func request(
        _ method: String = "GET", _ path: String, authority: String = "localhost",
        fields: [(String, String)] = [], content: [UInt8]? = nil, isLast: Bool = true
    ) -> Int32 {
        let pseudo = [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path)]
        return request(raw: pseudo + fields, content: content, isLast: isLast)
    }

    /// Sends a request whose fields are given as they are.
    package func request(
        raw fields: [(String, String)], content: [UInt8]? = nil, isLast: Bool = true
    ) -> Int32 {
        withFields(fields) { list, count in
            guard let content else {
                return nghttp2_submit_request(session, nil, list, count, nil, nil)
            }
            var provider = nghttp2_data_provider()
            provider.read_callback = { _, stream, buffer, length, flags, _, context in
                HTTP2Peer.of(context).upload(stream, buffer, length, flags)
            }
            let stream = nghttp2_submit_request(session, nil, list, count, &provider, nil)
            uploads[stream] = Upload(bytes: content, isLast: isLast)
            return stream
        }
    }

    /// Sends more content.
    package func send(_ bytes: [UInt8], on stream: Int32, isLast: Bool = false) {
        uploads[stream, default: Upload(bytes: [], isLast: false)].bytes += bytes
        uploads[stream]?.isLast = isLast
        nghttp2_session_resume_data(session, stream)
    }

    /// Sends trailers behind the content that was given before.
    package func send(trailers: [(String, String)], on stream: Int32) {
        withFields(trailers) { _ = nghttp2_submit_trailer(session, stream, $0, $1) }
    }

    package func reset(_ stream: Int32, code: UInt32 = 8) {
        nghttp2_submit_rst_stream(session, 0, stream, code)
    }

    package func ping() { nghttp2_submit_ping(session, 0, nil) }

    /// Opens the stream's and the connection's window.
    package func consume(_ count: Int, of stream: Int32) { nghttp2_session_consume(session, stream, count) }

    /// Lets the server send so much on all streams together.
    package func openConnectionWindow(to size: Int32) {
        nghttp2_session_set_local_window_size(session, 0, 0, size)
    }

    /// How much the server lets this side send on the stream.
    package func sendWindow(of stream: Int32) -> Int32 {
        nghttp2_session_get_stream_remote_window_size(session, stream)
    }

    private func upload(
        _ stream: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ length: Int,
        _ flags: UnsafeMutablePointer<UInt32>?
    ) -> Int {
        guard var upload = uploads[stream], let buffer else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
        let count = min(length, upload.bytes.count)
        guard count > 0 || upload.isLast else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
        upload.bytes.withUnsafeBufferPointer {
            if let base = $0.baseAddress { buffer.update(from: base, count: count) }
        }
        upload.bytes.removeFirst(count)
        uploads[stream] = upload
        if upload.bytes.isEmpty, upload.isLast { flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
        return count
    }

    private func withFields<Result>(
        _ fields: [(String, String)], _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result
    ) -> Result {
        var bytes = fields.flatMap { Array($0.0.utf8) + Array($0.1.utf8) }
        return bytes.withUnsafeMutableBufferPointer { buffer in
            var offset = 0
            let list = fields.map { name, value in
                let (nameLength, valueLength) = (name.utf8.count, value.utf8.count)
                defer { offset += nameLength + valueLength }
                let base = buffer.baseAddress.map { $0 + offset }
                return nghttp2_nv(
                    name: base, value: base.map { $0 + nameLength }, namelen: nameLength,
                    valuelen: valueLength,
                    flags: 0)
            }
            return body(list, list.count)
        }
    }
}

// MARK: - Callbacks

extension HTTP2Peer {
    private static func of(_ context: UnsafeMutableRawPointer?) -> HTTP2Peer {
        guard let context else { preconditionFailure("nghttp2 lost its context") }
        return Unmanaged<HTTP2Peer>.fromOpaque(context).takeUnretainedValue()
    }

    private static func set(_ callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameLength, value, valueLength, _, context in
            let name = String(decoding: UnsafeBufferPointer(start: name, count: nameLength), as: UTF8.self)
            let value = String(decoding: UnsafeBufferPointer(start: value, count: valueLength), as: UTF8.self)
            if let frame { HTTP2Peer.of(context).didReceive(name, value, frame.pointee) }
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, stream, data, count, context in
            let bytes = UnsafeBufferPointer(start: data, count: count)
            HTTP2Peer.of(context).streams[stream, default: Stream()].content.append(contentsOf: bytes)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
            if let frame { HTTP2Peer.of(context).didReceive(frame.pointee) }
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, context in
            HTTP2Peer.of(context).streams[stream, default: Stream()].closeCode = code
            return 0
        }
    }

    private func didReceive(_ name: String, _ value: String, _ frame: nghttp2_frame) {
        let stream = frame.hd.stream_id
        let isTrailer = frame.headers.cat == NGHTTP2_HCAT_HEADERS && streams[stream]?.status != nil
        if name == ":status", value.hasPrefix("1") {
            streams[stream, default: Stream()].interim.append(value)
        } else if isTrailer {
            streams[stream, default: Stream()].trailers.append((name, value))
        } else {
            streams[stream, default: Stream()].fields.append((name, value))
        }
    }

    private func didReceive(_ frame: nghttp2_frame) {
        let endsStream = UInt32(frame.hd.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
        switch UInt32(frame.hd.type) {
        case NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue:
            if endsStream { streams[frame.hd.stream_id, default: Stream()].isEnded = true }
        case NGHTTP2_SETTINGS.rawValue:
            for entry in UnsafeBufferPointer(start: frame.settings.iv, count: frame.settings.niv) {
                settings[entry.settings_id] = entry.value
            }
        case NGHTTP2_PING.rawValue:
            if UInt32(frame.hd.flags) & NGHTTP2_FLAG_ACK.rawValue != 0 { pongs += 1 }
        case NGHTTP2_GOAWAY.rawValue:
            let data = UnsafeBufferPointer(
                start: frame.goaway.opaque_data, count: frame.goaway.opaque_data_len)
            goAways.append(
                GoAway(
                    code: frame.goaway.error_code, lastStream: frame.goaway.last_stream_id,
                    text: String(decoding: data, as: UTF8.self)))
        default: break
        }
    }
}
