import COpenSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Everything that a server's handshakes need, made from one reading of a ``TLSConfiguration``. Immutable: a reload
/// makes another one, and connections keep theirs.
///
/// Sound as `Sendable`: nothing changes after `init`, and OpenSSL locks what it counts in an `SSL_CTX`. The callbacks
/// hold a pointer to this object, which outlives the contexts' use as every ``SSLConnection`` holds it.
final class ServerContexts: @unchecked Sendable {
    let handshakeTimeout: Duration
    /// One for each identity, the default first.
    private let contexts: [SSLContext]
    private let names: ServerNames
    /// The rules for clients' certificates, to which sessions are bound.
    private let sessionContext: [UInt8]
    /// The application's protocols as ALPN has them on the wire.
    private let protocols: UnsafeBufferPointer<UInt8>

    init(_ configuration: TLSConfiguration, ticketKeys: TicketKeys) throws(TLSError) {
        guard !configuration.identities.isEmpty else {
            throw .invalid(reason: "at least one identity is needed")
        }
        let wire = try Self.wireFormat(configuration.applicationProtocols)
        let trust = try ClientTrust(configuration.clientCertificates)
        var contexts: [SSLContext] = []
        var names = ServerNames()
        for (index, identity) in configuration.identities.enumerated() {
            let material = try IdentityMaterial(identity)
            let context = try SSLContext(minimumVersion: configuration.minimumVersion)
            try context.use(material)
            try trust.apply(to: context)
            try ticketKeys.apply(to: context)
            contexts.append(context)
            for name in material.serverNames { names.add(name, identity: index) }
        }
        self.contexts = contexts
        self.names = names
        sessionContext = trust.sessionContext
        handshakeTimeout = configuration.handshakeTimeout
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: wire.count)
        _ = copy.initialize(from: wire)
        protocols = UnsafeBufferPointer(copy)
        installCallbacks()
    }

    deinit {
        protocols.deallocate()
    }

    /// A new `SSL` in the server's role; nil for lack of memory.
    func makeServer() -> OpaquePointer? {
        let ssl = SSL_new(contexts[0].pointer)
        if let ssl { SSL_set_accept_state(ssl) }
        return ssl
    }

    /// Each name behind its length (RFC 7301, section 3.1).
    private static func wireFormat(_ protocols: [String]) throws(TLSError) -> [UInt8] {
        var wire: [UInt8] = []
        for name in protocols {
            guard let length = UInt8(exactly: name.utf8.count), length > 0 else {
                throw .invalid(
                    reason: "an application protocol's name has 1 to 255 bytes, unlike \"\(name)\"")
            }
            wire.append(length)
            wire += name.utf8
        }
        return wire
    }
}

// MARK: - Callbacks

extension ServerContexts {
    /// All contexts get the choice of a protocol, as that comes after the choice of a context.
    private func installCallbacks() {
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        SSL_CTX_set_client_hello_cb(
            contexts[0].pointer,
            { ssl, _, data in
                guard let ssl, let data else { return SSL_CLIENT_HELLO_ERROR }
                Unmanaged<ServerContexts>.fromOpaque(data).takeUnretainedValue().chooseIdentity(for: ssl)
                return SSL_CLIENT_HELLO_SUCCESS
            }, pointer)
        // Without it OpenSSL would not acknowledge the name, nor keep it.
        let acknowledge: ServerNameCallback = { _, _, _ in SSL_TLSEXT_ERR_OK }
        for context in contexts {
            SSL_CTX_callback_ctrl(
                context.pointer, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                unsafeBitCast(acknowledge, to: (@convention(c) () -> Void).self))
        }
        guard !protocols.isEmpty else { return }
        for context in contexts {
            SSL_CTX_set_alpn_select_cb(
                context.pointer,
                { _, chosen, chosenLength, offered, offeredLength, data in
                    guard let data, let chosen, let chosenLength else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                    let contexts = Unmanaged<ServerContexts>.fromOpaque(data).takeUnretainedValue()
                    return chosen.withMemoryRebound(to: UnsafeMutablePointer<UInt8>?.self, capacity: 1) {
                        contexts.chooseProtocol(
                            UnsafeBufferPointer(start: offered, count: Int(offeredLength)), $0, chosenLength)
                    }
                }, pointer)
        }
    }

    /// Chooses before OpenSSL looks for a session to resume, and binds the session to the name: one of another name must not
    /// be resumed (RFC 6066, section 3).
    private func chooseIdentity(for ssl: OpaquePointer) {
        let name = Self.serverName(in: ssl).map { ServerNames.normalized($0) }
        if let name, let identity = names.identity(for: name), identity > 0 {
            SSL_set_SSL_CTX(ssl, contexts[identity].pointer)
        }
        let bound = ClientTrust.digest(sessionContext + (name ?? []))
        SSL_set_session_id_context(ssl, bound, UInt32(bound.count))
    }

    /// The host name in the client's hello: a list's length, a type, the name's length, the name.
    private static func serverName(in ssl: OpaquePointer) -> [UInt8]? {
        var data: UnsafePointer<UInt8>?
        var count = 0
        guard SSL_client_hello_get0_ext(ssl, UInt32(TLSEXT_TYPE_server_name), &data, &count) == 1 else {
            return nil
        }
        let bytes = UnsafeBufferPointer(start: data, count: count)
        guard count > 5, bytes[2] == UInt8(TLSEXT_NAMETYPE_host_name) else { return nil }
        let length = Int(bytes[3]) << 8 | Int(bytes[4])
        return length > 0 && length <= count - 5 ? Array(bytes[5..<(5 + length)]) : nil
    }

    /// The first of the server's protocols that the client offers too.
    private func chooseProtocol(
        _ offered: UnsafeBufferPointer<UInt8>, _ chosen: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>,
        _ chosenLength: UnsafeMutablePointer<UInt8>
    ) -> Int32 {
        let status = SSL_select_next_proto(
            chosen, chosenLength, protocols.baseAddress, UInt32(protocols.count), offered.baseAddress,
            UInt32(offered.count))
        return status == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL
    }
}

private typealias ServerNameCallback =
    @convention(c) (OpaquePointer?, UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?) -> Int32

/// The secret that session tickets (RFC 5077; RFC 8446, section 4.6.1) are encrypted with.
struct TicketKeys: Sendable {
    private let bytes: [UInt8]

    /// New random keys.
    init() throws(TLSError) {
        // Name, HMAC key and AES key, as `SSL_CTX_set_tlsext_ticket_keys` documents them.
        var random = [UInt8](repeating: 0, count: 80)
        guard RAND_bytes(&random, Int32(random.count)) == 1 else {
            throw .failed(operation: "make keys for session tickets", reason: OpenSSLErrors.take())
        }
        bytes = random
    }

    func apply(to context: SSLContext) throws(TLSError) {
        var copy = bytes
        let status = copy.withUnsafeMutableBytes {
            context.control(SSL_CTRL_SET_TLSEXT_TICKET_KEYS, $0.count, $0.baseAddress)
        }
        try context.check(status, "set the keys for session tickets")
    }
}
