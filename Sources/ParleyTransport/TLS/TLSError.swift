/// Why a ``TLSContext`` cannot be made or reloaded. Sources are named by their paths, those in memory by their roles.
public enum TLSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A file that cannot be read, and the system's reason.
    case unreadable(source: String, reason: String)
    /// A source that does not hold what it should: the item that was looked for, and what is wrong.
    case malformed(source: String, item: String, reason: String)
    /// A private key that does not belong to its certificate.
    case keyMismatch(privateKey: String, certificate: String)
    /// An encrypted private key for which no passphrase was given.
    case passphraseMissing(source: String)
    /// An encrypted private key that the passphrase given does not open.
    case passphraseWrong(source: String)
    /// A certificate or key that is well-formed and that OpenSSL refuses to use, such as one that is too weak.
    case refused(source: String, reason: String)
    /// A configuration that makes no sense.
    case invalid(reason: String)
    /// Something that should not fail, such as for lack of memory.
    case failed(operation: String, reason: String)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .unreadable(let source, let reason): "cannot read \(source): \(reason)"
        case .malformed(let source, let item, let reason): "\(source): no usable \(item): \(reason)"
        case .keyMismatch(let key, let certificate):
            "\(key): the private key does not belong to the certificate of \(certificate)"
        case .passphraseMissing(let source):
            "\(source): the private key is encrypted, and no passphrase was given"
        case .passphraseWrong(let source): "\(source): the passphrase does not open the private key"
        case .refused(let source, let reason): "\(source): refused: \(reason)"
        case .invalid(let reason): "invalid TLS configuration: \(reason)"
        case .failed(let operation, let reason): "\(operation): \(reason)"
        }
    }
}
