import Foundation
import ParleyTransport

/// Certificates and keys that the `openssl` command made for this run of the tests.
struct TestCertificates: Sendable {
    let directory: URL

    /// Made once. `ca` signed `one` (localhost, one.example), `two` (two.example, *.wild.example) and the client `alice`;
    /// `foreign` signed the client `mallory`.
    static let shared = Result { try TestCertificates() }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("parley-tls-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        atexit { TestCertificates.remove() }
        try issueAuthority("ca")
        try issueAuthority("foreign")
        try issue("one", names: "DNS:localhost,DNS:one.example")
        try issue("two", names: "DNS:Two.Example,DNS:*.wild.example", key: ["rsa:2048"])
        try issue(
            "alice", subject: "/O=Example, Inc./CN=alicé",
            names: "DNS:alice.example,URI:spiffe://example/alice,email:alice@example.com")
        try issue("mallory", subject: "/CN=mallory", by: "foreign", names: "DNS:mallory.example")
        try openSSL("pkey", "-in", "one.key", "-aes256", "-passout", "pass:sécret", "-out", "locked.key")
    }

    private static func remove() {
        if case .success(let certificates) = shared {
            try? FileManager.default.removeItem(at: certificates.directory)
        }
    }

    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    /// The identity of `name.pem` and `name.key`.
    func identity(_ name: String) -> TLSIdentity {
        TLSIdentity(
            certificateChain: .file(path("\(name).pem")), privateKey: .file(path("\(name).key")))
    }

    private func issueAuthority(_ name: String) throws {
        try openSSL(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8",
            "-subj", "/CN=\(name)", "-keyout", "\(name).key", "-out", "\(name).pem", "-days", "2")
    }

    func issue(
        _ name: String, subject: String? = nil, by authority: String = "ca", names: String,
        key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    ) throws {
        try openSSL(
            ["req", "-x509", "-newkey"] + key + [
                "-nodes", "-utf8", "-subj", subject ?? "/CN=\(name)", "-addext", "subjectAltName=\(names)",
                "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "\(name).key", "-out",
                "\(name).pem", "-days", "2", "-CA", "\(authority).pem", "-CAkey", "\(authority).key",
            ])
    }

    @discardableResult
    func openSSL(_ arguments: String...) throws -> String { try openSSL(arguments) }

    @discardableResult
    func openSSL(_ arguments: [String]) throws -> String {
        let result = try Command("openssl", arguments, in: directory).run()
        guard result.status == 0 else { throw CommandFailure(text: result.errors) }
        return result.output
    }
}

struct CommandFailure: Error {
    let text: String
}
