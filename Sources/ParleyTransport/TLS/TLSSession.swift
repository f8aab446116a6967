/// What a TLS handshake has agreed upon; see ``ByteStream/tls``.
public struct TLSSession: Sendable, Hashable {
    /// The protocol's version: `TLSv1.2` or `TLSv1.3`.
    public let version: String
    /// The cipher suite by its IANA name, such as `TLS_AES_256_GCM_SHA384`.
    public let cipher: String
    /// The protocol chosen by ALPN (RFC 7301), such as `h2`; nil when client or server offered none.
    public let applicationProtocol: String?
    /// The host that the client wants (SNI, RFC 6066), as it wrote it; nil when it named none.
    public let serverName: String?
    /// True when the client resumed an earlier session, and the handshake was a short one.
    public let isResumed: Bool
    /// The client's certificate, which has been verified; nil without one.
    public let peerCertificate: TLSPeerCertificate?
}

/// A verified certificate (X.509, RFC 5280) of the peer.
public struct TLSPeerCertificate: Sendable, Hashable {
    /// The distinguished name of the subject as RFC 2253 writes it, such as `CN=alice,O=Example`, in UTF-8.
    public let subject: String
    /// The last common name (CN) of the subject.
    public let commonName: String?
    /// The DNS names among the subject alternative names.
    public let dnsNames: [String]
    /// The URIs among the subject alternative names, such as SPIFFE ids.
    public let uris: [String]
    /// The email addresses among the subject alternative names.
    public let emailAddresses: [String]
    /// The issuer's serial number for the certificate, in lower-case hexadecimal digits, two a byte.
    public let serialNumber: String
    /// The SHA-256 hash of the certificate, in lower-case hexadecimal digits.
    public let fingerprint: String
    /// The certificate itself, in DER.
    public let derBytes: [UInt8]
}
