import COpenSSL

/// What a server demands of clients' certificates, read and checked.
final class ClientTrust {
    private let roots: [Certificate]
    private let verification: Int32
    /// `X509_STORE`; nil when clients are not asked.
    private let store: OpaquePointer?
    /// Tells sessions of one policy from those of another: a ticket that was issued under other roots, or to a client
    /// that was not asked, must not bring its holder past these.
    let sessionContext: [UInt8]

    init(_ clientCertificates: TLSClientCertificates) throws(TLSError) {
        switch clientCertificates {
        case .none:
            roots = []
            verification = SSL_VERIFY_NONE
        case .optional(let source):
            roots = try Self.certificates(source)
            verification = SSL_VERIFY_PEER
        case .required(let source):
            roots = try Self.certificates(source)
            verification = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
        }
        store = roots.isEmpty ? nil : try Self.store(of: roots)
        var policy = [UInt8(truncatingIfNeeded: verification)]
        for root in roots { policy += root.derBytes }
        sessionContext = Self.digest(policy)
    }

    deinit {
        X509_STORE_free(store)
    }

    /// SHA-256, whose 32 bytes are what a session id context may have.
    static func digest(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { buffer, count in
            SHA256(bytes, bytes.count, buffer.baseAddress)
            count = Int(SHA256_DIGEST_LENGTH)
        }
    }

    private static func certificates(_ source: PEMSource) throws(TLSError) -> [Certificate] {
        try PEMText(source, role: "roots for clients").certificates()
    }

    private static func store(of roots: [Certificate]) throws(TLSError) -> OpaquePointer {
        guard let store = X509_STORE_new() else {
            throw .failed(operation: "create a certificate store", reason: OpenSSLErrors.take())
        }
        for root in roots { X509_STORE_add_cert(store, root.pointer) }
        // What the application trusts is trusted, also when it is an intermediate certificate.
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        OpenSSLErrors.clear()
        return store
    }

    /// Makes a context demand what this says.
    func apply(to context: SSLContext) throws(TLSError) {
        let status = SSL_CTX_set_session_id_context(
            context.pointer, sessionContext, UInt32(sessionContext.count))
        try context.check(Int(status), "set the TLS session context")
        guard let store else { return }
        SSL_CTX_set1_cert_store(context.pointer, store)
        SSL_CTX_set_verify(context.pointer, verification, nil)
        // Their names, by which a client chooses its certificate.
        for root in roots { SSL_CTX_add_client_CA(context.pointer, root.pointer) }
    }
}
