import COpenSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// PEM text with the name by which errors call it.
struct PEMText {
    let name: String
    private let bytes: [UInt8]

    /// More than any chain, key or bundle of roots has.
    private static let largestFile = 16 * 1024 * 1024

    /// Reads a source; `role` names one that is in memory.
    init(_ source: PEMSource, role: String) throws(TLSError) {
        switch source {
        case .text(let text):
            name = "the \(role) in memory"
            bytes = Array(text.utf8)
        case .file(let path):
            name = path
            bytes = try Self.contents(of: path)
        }
    }

    private static func contents(of path: String) throws(TLSError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .unreadable(source: path, reason: SystemError.text(errno: errno))
        }
        defer { systemClose(descriptor) }
        var contents: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0 { throw .unreadable(source: path, reason: SystemError.text(errno: errno)) }
            if count == 0 { return contents }
            contents += piece[..<count]
            guard contents.count <= largestFile else {
                throw .unreadable(source: path, reason: "larger than \(largestFile) bytes")
            }
        }
    }

    /// All certificates, in their order; at least one.
    func certificates() throws(TLSError) -> [Certificate] {
        OpenSSLErrors.clear()
        let reader = try Reader(bytes)
        var found: [Certificate] = []
        // The callback, so that OpenSSL doesn't ask the terminal for the passphrase of an encrypted block.
        while let certificate = PEM_read_bio_X509(reader.bio, nil, answerPassphrase, nil) {
            found.append(Certificate(owning: certificate))
        }
        guard OpenSSLErrors.isEndOfPEM else {
            throw .malformed(source: name, item: "certificate", reason: OpenSSLErrors.take())
        }
        OpenSSLErrors.clear()
        guard !found.isEmpty else {
            throw .malformed(source: name, item: "certificate", reason: "there is none")
        }
        return found
    }

    /// The first private key.
    func privateKey(passphrase: String?) throws(TLSError) -> PrivateKey {
        OpenSSLErrors.clear()
        let reader = try Reader(bytes)
        let request = PassphraseRequest(passphrase)
        let key = withExtendedLifetime(request) {
            PEM_read_bio_PrivateKey(
                reader.bio, nil, answerPassphrase, Unmanaged.passUnretained(request).toOpaque())
        }
        if let key {
            OpenSSLErrors.clear()
            return PrivateKey(owning: key)
        }
        let reason = OpenSSLErrors.take()
        if request.wasAsked {
            throw passphrase == nil ? .passphraseMissing(source: name) : .passphraseWrong(source: name)
        }
        // OpenSSL says "unsupported" for want of a key too.
        let hasKey = String(decoding: bytes, as: UTF8.self).contains("PRIVATE KEY-----")
        throw .malformed(source: name, item: "private key", reason: hasKey ? reason : "there is none")
    }

    /// Lets OpenSSL read bytes.
    private final class Reader {
        let bio: OpaquePointer

        init(_ bytes: [UInt8]) throws(TLSError) {
            let bio = BIO_new(BIO_s_mem())
            guard let bio else { throw .failed(operation: "read PEM", reason: OpenSSLErrors.take()) }
            BIO_write(bio, bytes, Int32(clamping: bytes.count))
            self.bio = bio
        }

        deinit {
            BIO_free(bio)
        }
    }
}

/// What OpenSSL is told when it asks for a passphrase, and whether it did.
private final class PassphraseRequest {
    private let passphrase: String?
    private(set) var wasAsked = false

    init(_ passphrase: String?) {
        self.passphrase = passphrase
    }

    /// Writes the passphrase, and returns its length; -1 when there is none that fits.
    func answer(_ buffer: UnsafeMutablePointer<CChar>, size: Int32) -> Int32 {
        wasAsked = true
        guard let passphrase, passphrase.utf8.count <= size else { return -1 }
        for (index, byte) in passphrase.utf8.enumerated() { buffer[index] = CChar(bitPattern: byte) }
        return Int32(passphrase.utf8.count)
    }
}

private func answerPassphrase(
    _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int32, _: Int32, _ data: UnsafeMutableRawPointer?
) -> Int32 {
    guard let buffer, let data else { return -1 }
    return Unmanaged<PassphraseRequest>.fromOpaque(data).takeUnretainedValue().answer(buffer, size: size)
}
