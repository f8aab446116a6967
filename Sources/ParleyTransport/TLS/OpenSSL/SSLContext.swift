import COpenSSL

/// One `SSL_CTX`: an identity and the rules of a server.
///
/// Sound as `Sendable`: it is configured before anybody else has it; what OpenSSL does with it afterwards, it does
/// under its own locks.
final class SSLContext: @unchecked Sendable {
    let pointer: OpaquePointer

    /// ECDHE for forward secrecy, AEAD for the rest. TLS 1.3 has nothing else anyway.
    private static let ciphers = """
        ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
        ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
        ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
        """

    /// A context that has no identity yet.
    init(minimumVersion: TLSVersion) throws(TLSError) {
        Self.initializeLibrary
        OpenSSLErrors.clear()
        guard let context = SSL_CTX_new(TLS_server_method()) else {
            throw .failed(operation: "create a TLS context", reason: OpenSSLErrors.take())
        }
        pointer = context
        let version = minimumVersion == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION
        try check(control(SSL_CTRL_SET_MIN_PROTO_VERSION, Int(version)), "set the TLS version")
        SSL_CTX_set_options(context, PARLEY_SSL_OP_NO_RENEGOTIATION | PARLEY_SSL_OP_NO_COMPRESSION)
        // Buffers are held only while they are filled; a chain is sent as it was given, not completed from the roots
        // for clients.
        control(
            SSL_CTRL_MODE,
            Int(
                UInt32(SSL_MODE_ENABLE_PARTIAL_WRITE) | UInt32(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER)
                    | UInt32(SSL_MODE_RELEASE_BUFFERS) | UInt32(SSL_MODE_NO_AUTO_CHAIN)))
        // Tickets keep sessions at the clients.
        control(SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF))
        try check(Int(SSL_CTX_set_cipher_list(context, Self.ciphers)), "set the TLS ciphers")
    }

    deinit {
        SSL_CTX_free(pointer)
    }

    /// Keeps OpenSSL from tearing itself down in `exit` while loops still use it.
    private static let initializeLibrary: Void = {
        _ = OPENSSL_init_ssl(PARLEY_OPENSSL_INIT_NO_ATEXIT, nil)
    }()

    @discardableResult
    func control(_ command: Int32, _ number: Int, _ data: UnsafeMutableRawPointer? = nil) -> Int {
        SSL_CTX_ctrl(pointer, command, number, data)
    }

    func check(_ status: Int, _ operation: String) throws(TLSError) {
        guard status <= 0 else { return }
        throw .failed(operation: operation, reason: OpenSSLErrors.take())
    }

    /// Makes the context a server with this certificate chain and key.
    func use(_ material: IdentityMaterial) throws(TLSError) {
        OpenSSLErrors.clear()
        guard SSL_CTX_use_certificate(pointer, material.certificate.pointer) == 1 else {
            throw .refused(source: material.chainName, reason: OpenSSLErrors.take())
        }
        for certificate in material.intermediates {
            // 1: with a reference of its own.
            guard control(SSL_CTRL_CHAIN_CERT, 1, UnsafeMutableRawPointer(certificate.pointer)) == 1 else {
                throw .refused(source: material.chainName, reason: OpenSSLErrors.take())
            }
        }
        guard SSL_CTX_use_PrivateKey(pointer, material.key.pointer) == 1 else {
            throw .refused(source: material.keyName, reason: OpenSSLErrors.take())
        }
    }
}

/// An identity, read and checked.
struct IdentityMaterial {
    let certificate: Certificate
    let intermediates: [Certificate]
    let key: PrivateKey
    let chainName: String
    let keyName: String
    let serverNames: [String]

    init(_ identity: TLSIdentity) throws(TLSError) {
        let chain = try PEMText(identity.certificateChain, role: "certificate chain")
        let keyText = try PEMText(identity.privateKey, role: "private key")
        let certificates = try chain.certificates()
        certificate = certificates[0]
        intermediates = Array(certificates.dropFirst())
        key = try keyText.privateKey(passphrase: identity.passphrase)
        chainName = chain.name
        keyName = keyText.name
        serverNames = identity.serverNames ?? certificate.alternativeNames(GEN_DNS)
        guard X509_check_private_key(certificate.pointer, key.pointer) == 1 else {
            OpenSSLErrors.clear()
            throw .keyMismatch(privateKey: keyName, certificate: chainName)
        }
    }
}
