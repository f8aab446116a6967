import COpenSSL

/// A certificate of OpenSSL (`X509`).
final class Certificate {
    let pointer: OpaquePointer

    /// Takes over a reference.
    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        X509_free(pointer)
    }

    /// The names of one kind among the subject alternative names (RFC 5280, section 4.2.1.6): `GEN_DNS`, `GEN_URI` or
    /// `GEN_EMAIL`.
    func alternativeNames(_ kind: Int32) -> [String] {
        let found = X509_get_ext_d2i(pointer, NID_subject_alt_name, nil, nil)
        OpenSSLErrors.clear()
        guard let names = found.map({ OpaquePointer($0) }) else { return [] }
        defer { GENERAL_NAMES_free(names) }
        return (0..<OPENSSL_sk_num(names)).compactMap { index in
            guard let raw = OPENSSL_sk_value(names, index) else { return nil }
            let name = raw.assumingMemoryBound(to: GENERAL_NAME.self)
            var kindFound: Int32 = -1
            let value = GENERAL_NAME_get0_value(name, &kindFound)
            guard kindFound == kind, let value else { return nil }
            return Self.text(value.assumingMemoryBound(to: ASN1_STRING.self))
        }
    }

    /// The subject's distinguished name (RFC 2253), with UTF-8 as it is.
    var subject: String {
        guard let name = X509_get_subject_name(pointer), let bio = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(bio) }
        let flags =
            ASN1_STRFLGS_ESC_2253 | ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT
            | ASN1_STRFLGS_DUMP_UNKNOWN | ASN1_STRFLGS_DUMP_DER
            | XN_FLAG_SEP_COMMA_PLUS | XN_FLAG_DN_REV | XN_FLAG_DUMP_UNKNOWN_FIELDS
        X509_NAME_print_ex(bio, name, 0, UInt(flags))
        let bytes = [UInt8](unsafeUninitializedCapacity: BIO_ctrl_pending(bio)) { buffer, count in
            count = max(0, Int(BIO_read(bio, buffer.baseAddress, Int32(clamping: buffer.count))))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The last common name of the subject: the most specific one.
    var commonName: String? {
        guard let name = X509_get_subject_name(pointer) else { return nil }
        var last: Int32 = -1
        while true {
            let next = X509_NAME_get_index_by_NID(name, NID_commonName, last)
            guard next >= 0 else { break }
            last = next
        }
        guard let entry = X509_NAME_get_entry(name, last), let value = X509_NAME_ENTRY_get_data(entry) else {
            return nil
        }
        var utf8: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&utf8, value)
        OpenSSLErrors.clear()
        guard count >= 0, let utf8 else { return nil }
        defer { CRYPTO_free(utf8, #file, #line) }
        return String(decoding: UnsafeBufferPointer(start: utf8, count: Int(count)), as: UTF8.self)
    }

    var serialNumber: String {
        guard let number = X509_get0_serialNumber(pointer) else { return "" }
        return Self.hexadecimal(Self.bytes(number))
    }

    var fingerprint: String {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard X509_digest(pointer, EVP_sha256(), &digest, &count) == 1 else { return "" }
        return Self.hexadecimal(digest.prefix(Int(count)))
    }

    var derBytes: [UInt8] {
        let size = Int(i2d_X509(pointer, nil))
        guard size > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            var cursor = buffer.baseAddress
            count = max(0, Int(i2d_X509(pointer, &cursor)))
        }
    }

    private static func text(_ string: UnsafePointer<ASN1_STRING>) -> String {
        String(decoding: bytes(string), as: UTF8.self)
    }

    private static func bytes(_ string: UnsafePointer<ASN1_STRING>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(
            start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string)))
    }

    private static func hexadecimal(_ bytes: some Collection<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

extension TLSPeerCertificate {
    init(_ certificate: Certificate) {
        subject = certificate.subject
        commonName = certificate.commonName
        dnsNames = certificate.alternativeNames(GEN_DNS)
        uris = certificate.alternativeNames(GEN_URI)
        emailAddresses = certificate.alternativeNames(GEN_EMAIL)
        serialNumber = certificate.serialNumber
        fingerprint = certificate.fingerprint
        derBytes = certificate.derBytes
    }
}

/// A private key of OpenSSL (`EVP_PKEY`).
final class PrivateKey {
    let pointer: OpaquePointer

    /// Takes over a reference.
    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        EVP_PKEY_free(pointer)
    }
}
