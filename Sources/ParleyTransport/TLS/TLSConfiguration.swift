/// What a server does about TLS: its identities, and what it demands of clients.
///
/// TLS 1.2 is spoken with forward secrecy and authenticated encryption only (ECDHE with AES-GCM or ChaCha20), without
/// renegotiation (RFC 5746) and compression; TLS 1.3 (RFC 8446) without early data.
public struct TLSConfiguration: Sendable {
    /// The server's certificates with their keys. The client's server name indication (SNI, RFC 6066, section 3)
    /// chooses among them; the first one serves clients that name no server, or one that none is for.
    public var identities: [TLSIdentity]
    /// The application's protocols in the server's order of preference, such as `["h2", "http/1.1"]` (ALPN, RFC 7301).
    /// A client that offers others only is refused. Empty, the default, ignores what clients offer.
    public var applicationProtocols: [String] = []
    /// The oldest version that is spoken. TLS 1.2 by default.
    public var minimumVersion = TLSVersion.tls12
    /// Whether clients show certificates. None by default.
    public var clientCertificates = TLSClientCertificates.none
    /// How long a client may take from the connection's start to the handshake's end. 5 seconds by default.
    public var handshakeTimeout = Duration.seconds(5)

    /// A configuration with one or more identities, and the defaults.
    public init(identities: [TLSIdentity]) {
        self.identities = identities
    }

    /// A configuration with a certificate chain and its key in PEM files, and the defaults.
    public init(certificateChainFile: String, privateKeyFile: String) {
        identities = [
            TLSIdentity(certificateChain: .file(certificateChainFile), privateKey: .file(privateKeyFile))
        ]
    }
}

/// A certificate chain and the private key of its first certificate.
public struct TLSIdentity: Sendable {
    /// The server's certificate, followed by the intermediate ones that lead to a root.
    public var certificateChain: PEMSource
    /// The first certificate's key. One source may hold both chain and key.
    public var privateKey: PEMSource
    /// What the key is encrypted with; nil when it is not.
    public var passphrase: String?
    /// The host names that the identity is for: exact names, and wildcards such as `*.example.com`, which stands for
    /// one label. Nil, the default, takes the DNS names of the certificate's subject alternative names.
    public var serverNames: [String]?

    /// An identity of a chain and a key.
    public init(
        certificateChain: PEMSource, privateKey: PEMSource, passphrase: String? = nil,
        serverNames: [String]? = nil
    ) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.passphrase = passphrase
        self.serverNames = serverNames
    }
}

/// Where PEM text (RFC 7468) comes from.
public enum PEMSource: Sendable {
    /// A file, which ``TLSContext/reload()`` reads again.
    case file(String)
    /// The text itself.
    case text(String)
}

/// A version of the protocol.
public enum TLSVersion: Sendable {
    /// TLS 1.2 (RFC 5246).
    case tls12
    /// TLS 1.3 (RFC 8446).
    case tls13
}

/// Whether clients show certificates (mutual TLS), and which certificates are believed.
///
/// The roots are what is trusted, whether or not they are self-signed: a client's chain must lead to one of them, and
/// be meant for clients.
public enum TLSClientCertificates: Sendable {
    /// Clients are not asked.
    case none
    /// Clients are asked. One without a certificate is served; one with a certificate that is not believed is refused.
    case optional(roots: PEMSource)
    /// Clients without a certificate that is believed are refused.
    case required(roots: PEMSource)
}
