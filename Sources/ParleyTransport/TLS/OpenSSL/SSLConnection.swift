import COpenSSL

/// One `SSL`: the protocol of one connection. It knows no loop, clock or lock: it takes records from ``input``, and
/// passes records on to the stream below while one of its methods is called.
///
/// Every method clears OpenSSL's error queue of the thread first, and leaves it empty.
final class SSLConnection {
    /// The outcome of a step of the handshake.
    enum Handshake {
        case done
        case needsInput
        case failed(Failure)
    }

    /// The outcome of a read.
    enum Read {
        /// So many bytes were decrypted.
        case bytes(Int)
        case needsInput
        /// The peer's close_notify.
        case ended
        case failed(Failure)
    }

    /// Why the protocol cannot go on. Where the peer is to know, its alert is on the way.
    struct Failure {
        let reason: String
        /// True when the first bytes were an HTTP request.
        var isPlainHTTP = false
    }

    /// The most that one record holds (RFC 8446, section 5.1).
    static let largestRecord = 16 * 1024

    /// What has arrived and is not yet taken. Valid only while the caller says so: it is set before a call, and
    /// whatever is left is kept by the caller.
    @exclusivity(unchecked) var input = UnsafeRawBufferPointer(start: nil, count: 0)

    private let ssl: OpaquePointer
    private let output: any ByteStream
    /// The callbacks of the `SSL` point to it.
    private let contexts: ServerContexts

    /// The server's side of a connection; nil for lack of memory.
    init?(server contexts: ServerContexts, output: any ByteStream) {
        OpenSSLErrors.clear()
        guard let ssl = contexts.makeServer() else { return nil }
        self.ssl = ssl
        self.output = output
        self.contexts = contexts
        guard let bio = RecordBIO.make(for: self) else { return nil }
        // One reference for both directions; the `SSL` owns it.
        SSL_set_bio(ssl, bio, bio)
    }

    deinit {
        SSL_free(ssl)
    }

    var handshakeTimeout: Duration { contexts.handshakeTimeout }

    /// Whether a read may yield something without further input.
    var hasMore: Bool { input.count > 0 || SSL_pending(ssl) > 0 }

    // MARK: - The BIO's side

    func takeInput(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(input.count, buffer.count)
        guard count > 0 else { return 0 }
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<count]))
        input = UnsafeRawBufferPointer(rebasing: input[count...])
        return count
    }

    func passOn(_ record: UnsafeRawBufferPointer) {
        output.send(Span<UInt8>(_unsafeBytes: record))
    }

    // MARK: - The stream's side

    func handshake() -> Handshake {
        OpenSSLErrors.clear()
        let status = SSL_do_handshake(ssl)
        if status == 1 { return .done }
        return failure(status).map { .failed($0) } ?? .needsInput
    }

    /// Decrypts at most one record into a buffer.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Read {
        OpenSSLErrors.clear()
        var count = 0
        let status = SSL_read_ex(ssl, buffer.baseAddress, buffer.count, &count)
        if status == 1 { return .bytes(count) }
        if SSL_get_error(ssl, status) == SSL_ERROR_ZERO_RETURN { return .ended }
        return failure(status).map { .failed($0) } ?? .needsInput
    }

    /// Encrypts bytes, at most ``largestRecord`` of them; how many, or nil when the connection has failed.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int? {
        OpenSSLErrors.clear()
        var count = 0
        if SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &count) == 1 { return count }
        OpenSSLErrors.clear()
        return nil
    }

    /// Sends close_notify.
    func sendEnd() {
        OpenSSLErrors.clear()
        SSL_shutdown(ssl)
        OpenSSLErrors.clear()
    }

    /// Nil when only input is missing.
    private func failure(_ status: Int32) -> Failure? {
        let error = SSL_get_error(ssl, status)
        guard error != SSL_ERROR_WANT_READ, error != SSL_ERROR_WANT_WRITE else {
            OpenSSLErrors.clear()
            return nil
        }
        let isPlainHTTP = OpenSSLErrors.isTLS(SSL_R_HTTP_REQUEST)
        var reason = OpenSSLErrors.take()
        let verification = SSL_get_verify_result(ssl)
        if verification != X509_V_OK, let text = X509_verify_cert_error_string(verification) {
            reason += ": \(String(cString: text))"
        }
        return Failure(reason: reason, isPlainHTTP: isPlainHTTP)
    }

    /// What the handshake has agreed upon.
    var session: TLSSession {
        var selected: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &selected, &length)
        let applicationProtocol = selected.map {
            String(decoding: UnsafeBufferPointer(start: $0, count: Int(length)), as: UTF8.self)
        }
        let certificate = SSL_get1_peer_certificate(ssl).map { Certificate(owning: $0) }
        let isVerified = SSL_get_verify_result(ssl) == X509_V_OK
        defer { OpenSSLErrors.clear() }
        return TLSSession(
            version: String(cString: SSL_get_version(ssl)),
            cipher: SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)).map { String(cString: $0) } ?? "",
            applicationProtocol: applicationProtocol,
            serverName: SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) },
            isResumed: SSL_session_reused(ssl) == 1,
            peerCertificate: isVerified ? certificate.map { TLSPeerCertificate($0) } : nil)
    }
}
