import Foundation
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct TLSClientCertificateTests {
    private func start(
        on group: EventLoopGroup, _ policy: @escaping (PEMSource) -> TLSClientCertificates
    ) async throws -> TLSServer {
        try await TLSServer.start(on: group) { handler, _ in
            handler.onReceive = { bytes, stream in stream.send(bytes.span) }
        } change: { configuration, certificates in
            configuration.clientCertificates = policy(.file(certificates.path("ca.pem")))
        }
    }

    /// In TLS 1.3 the client's part of the handshake ends before the server has seen its certificate.
    private let attempts = """
        def attempt(cert, version, name='one.example'):
            def body():
                peer = connect(name, cert=cert, version=version)
                peer.sendall(b'hello')
                return exactly(peer, 5).decode()
            return outcome(body)
        for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
            print(attempt('alice', version), attempt('alice', version, 'two.example'), attempt(None, version),
                  attempt('mallory', version), attempt('one', version))

        """

    @Test func `a required certificate must be there, and lead to a root`() async throws {
        try await withLoops { group in
            let server = try await start(on: group) { .required(roots: $0) }
            let output = try await server.python(attempts)
            #expect(
                output == """
                    hello hello SSLV3_ALERT_HANDSHAKE_FAILURE TLSV1_ALERT_UNKNOWN_CA hello
                    hello hello TLSV13_ALERT_CERTIFICATE_REQUIRED TLSV1_ALERT_UNKNOWN_CA hello
                    """)
            // The refused never had a handler.
            #expect(server.accepted.all.count == 6)
        }
    }

    @Test func `an optional certificate may be missing, but one that is there must lead to a root`()
        async throws
    {
        try await withLoops { group in
            let server = try await start(on: group) { .optional(roots: $0) }
            let output = try await server.python(attempts)
            #expect(
                output == """
                    hello hello hello TLSV1_ALERT_UNKNOWN_CA hello
                    hello hello hello TLSV1_ALERT_UNKNOWN_CA hello
                    """)
            let sessions = [try await server.session(0), try await server.session(2)]
            #expect(sessions[0].peerCertificate?.commonName == "alicé")
            #expect(sessions[1].peerCertificate == nil)
        }
    }

    @Test func `clients are asked for nothing by default`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group)
            _ = try await server.python("connect(cert='mallory').sendall(b'x')")
            #expect(try await server.session().peerCertificate == nil)
            #expect(try await server.sClient(input: "Q").contains("No client certificate CA names sent"))
        }
    }

    @Test func `the server names its roots, so that a client can choose`() async throws {
        try await withLoops { group in
            let server = try await start(on: group) { .optional(roots: $0) }
            for name in ["one.example", "two.example"] {
                let output = try await server.sClient("-servername", name, input: "Q")
                #expect(output.contains("Acceptable client certificate CA names\nCN = ca\n"))
            }
        }
    }

    @Test(arguments: ["TLSv1_2", "TLSv1_3"])
    func `the certificate's identity is there for the handler, also in a resumed session`(
        version: String
    )
        async throws
    {
        try await withLoops { group in
            let server = try await start(on: group) { .required(roots: $0) }
            let output = try await server.python(
                """
                using = context(cert='alice', version=ssl.TLSVersion.\(version))
                session = None
                for turn in range(2):
                    peer = connect(using=using, session=session)
                    peer.sendall(b'hello')
                    exactly(peer, 5)
                    session = peer.session
                    print(peer.session_reused)
                """)
            #expect(output == "False\nTrue")
            let certificates = server.certificates
            for index in 0..<2 {
                let session = try await server.session(index)
                #expect(session.isResumed == (index == 1))
                let certificate = try #require(session.peerCertificate)
                #expect(certificate.subject == "CN=alicé,O=Example\\, Inc.")
                #expect(certificate.commonName == "alicé")
                #expect(certificate.dnsNames == ["alice.example"])
                #expect(certificate.uris == ["spiffe://example/alice"])
                #expect(certificate.emailAddresses == ["alice@example.com"])
                let printed = try certificates.openSSL(
                    "x509", "-in", "alice.pem", "-noout", "-fingerprint", "-sha256", "-serial")
                let expected = printed.lowercased().replacing(":", with: "")
                #expect(expected.contains("fingerprint=\(certificate.fingerprint)\n"))
                #expect(expected.contains("serial=\(certificate.serialNumber)\n"))
                try Data(certificate.derBytes).write(to: URL(fileURLWithPath: certificates.path("alice.der")))
                let pem = try certificates.openSSL("x509", "-inform", "DER", "-in", "alice.der")
                #expect(try certificates.text("alice.pem").contains(pem))
            }
        }
    }

    @Test func `a certificate that is trusted itself needs nothing above it`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group) { handler, _ in
                handler.onReceive = { bytes, stream in stream.send(bytes.span) }
            } change: { configuration, certificates in
                configuration.clientCertificates = .required(roots: .file(certificates.path("mallory.pem")))
            }
            let output = try await server.python(attempts)
            #expect(
                output.split(separator: "\n").allSatisfy { $0.contains("hello") && $0.contains("UNKNOWN_CA") }
            )
        }
    }

    @Test func `a session of other rules for clients does not get past these`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group) { handler, _ in
                handler.onReceive = { bytes, stream in stream.send(bytes.span) }
            } change: { configuration, certificates in
                configuration.clientCertificates = .optional(roots: .file(certificates.path("foreign.pem")))
            }
            let context = server.context
            let certificates = server.certificates
            async let output = server.python(
                """
                using = context(cert='mallory')
                peer = connect(using=using)
                peer.sendall(b'hello')
                print(exactly(peer, 5).decode())
                open('ready', 'w').close()
                while os.path.exists('ready'): time.sleep(0.01)
                again = connect(using=using, session=peer.session)
                print(outcome(lambda: (again.sendall(b'hello'), exactly(again, 5))), again.session_reused)
                """)
            try await eventually { FileManager.default.fileExists(atPath: certificates.path("ready")) }
            var configuration = context.configuration
            configuration.clientCertificates = .optional(roots: .file(certificates.path("ca.pem")))
            try context.update(configuration)
            try FileManager.default.removeItem(atPath: certificates.path("ready"))
            #expect(try await output == "hello\nTLSV1_ALERT_UNKNOWN_CA False")
        }
    }
}
