import Foundation
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct TLSErrorTests {
    private func error(_ identity: TLSIdentity) -> TLSError? {
        #expect(throws: TLSError.self) { try TLSContext(TLSConfiguration(identities: [identity])) }
    }

    private func identity(_ chain: PEMSource, _ key: PEMSource, _ passphrase: String? = nil) -> TLSIdentity {
        TLSIdentity(certificateChain: chain, privateKey: key, passphrase: passphrase)
    }

    @Test func `chain and key may be in memory, in one text, or encrypted`() throws {
        let certificates = try TestCertificates.shared.get()
        let (chain, key) = (try certificates.text("one.pem"), try certificates.text("one.key"))
        for both in [key + chain, chain + key, "Bag Attributes\n" + chain + key] {
            _ = try TLSContext(TLSConfiguration(identities: [identity(.text(both), .text(both))]))
        }
        let locked = identity(.text(chain), .file(certificates.path("locked.key")), "sécret")
        _ = try TLSContext(TLSConfiguration(identities: [locked]))
    }

    @Test func `a missing file is named`() throws {
        let certificates = try TestCertificates.shared.get()
        let none = "/nowhere/chain.pem"
        let wanted = TLSError.unreadable(source: none, reason: "no such file or directory (ENOENT)")
        #expect(error(identity(.file(none), .file(certificates.path("one.key")))) == wanted)
        #expect(error(identity(.file(certificates.path("one.pem")), .file(none))) == wanted)
        #expect("\(wanted)" == "cannot read /nowhere/chain.pem: no such file or directory (ENOENT)")
        let directory = certificates.directory.path
        #expect(
            error(identity(.file(directory), .file(none)))
                == .unreadable(source: directory, reason: "illegal operation on a directory (EISDIR)"))
    }

    @Test func `text that is no PEM, or PEM of something else, is named with what was looked for`() throws {
        let certificates = try TestCertificates.shared.get()
        let (chain, key) = (certificates.path("one.pem"), certificates.path("one.key"))
        let empty = try #require(error(identity(.text("hello"), .file(key))))
        #expect("\(empty)" == "the certificate chain in memory: no usable certificate: there is none")
        #expect(
            error(identity(.file(key), .file(key)))
                == .malformed(source: key, item: "certificate", reason: "there is none"))
        #expect(
            error(identity(.file(chain), .file(chain)))
                == .malformed(source: chain, item: "private key", reason: "there is none"))
        // One certificate that is fine doesn't hide that the next one is not.
        let text = try certificates.text("one.pem")
        let middle = text.index(text.startIndex, offsetBy: 300)
        for broken in [
            text.replacing("M", with: "!"), text + text[..<middle] + "\n-----END CERTIFICATE-----\n",
        ] {
            guard
                case .malformed("the certificate chain in memory", "certificate", let reason) = error(
                    identity(.text(broken), .file(key)))
            else { throw NeverHappened() }
            #expect(reason != "there is none" && !reason.hasPrefix("unknown"))
        }
        let brokenKey = try certificates.text("one.key").replacing("M", with: "!")
        guard
            case .malformed("the private key in memory", "private key", _) = error(
                identity(.file(chain), .text(brokenKey)))
        else { throw NeverHappened() }
    }

    @Test func `a key of another certificate is named with that certificate`() throws {
        let certificates = try TestCertificates.shared.get()
        for key in ["two.key", "alice.key"] {
            let (chain, key) = (certificates.path("one.pem"), certificates.path(key))
            let wanted = TLSError.keyMismatch(privateKey: key, certificate: chain)
            #expect(error(identity(.file(chain), .file(key))) == wanted)
            #expect("\(wanted)" == "\(key): the private key does not belong to the certificate of \(chain)")
        }
    }

    @Test func `an encrypted key needs its passphrase, and nobody is asked at the terminal`() throws {
        let certificates = try TestCertificates.shared.get()
        let (chain, key) = (certificates.path("one.pem"), certificates.path("locked.key"))
        #expect(error(identity(.file(chain), .file(key))) == .passphraseMissing(source: key))
        for wrong in ["wrong", "", String(repeating: "x", count: 5000)] {
            #expect(error(identity(.file(chain), .file(key), wrong)) == .passphraseWrong(source: key))
        }
    }

    @Test func `a certificate too weak for OpenSSL is refused with its reason`() throws {
        let certificates = try TestCertificates()
        try certificates.issue("weak", names: "DNS:weak.example", key: ["rsa:512"])
        defer { try? FileManager.default.removeItem(at: certificates.directory) }
        #expect(
            error(certificates.identity("weak"))
                == .refused(source: certificates.path("weak.pem"), reason: "ee key too small"))
    }

    @Test(arguments: ["", String(repeating: "x", count: 256)])
    func `an application protocol's name has 1 to 255 bytes (RFC 7301, 3.1)`(name: String) throws {
        let certificates = try TestCertificates.shared.get()
        var configuration = TLSConfiguration(identities: [certificates.identity("one")])
        configuration.applicationProtocols = ["h2", name]
        #expect(throws: TLSError.self) { try TLSContext(configuration) }
        configuration.applicationProtocols = [String(repeating: "x", count: 255)]
        _ = try TLSContext(configuration)
    }

    @Test func `a server without an identity, and roots that are none, are errors`() throws {
        let certificates = try TestCertificates.shared.get()
        #expect(throws: TLSError.invalid(reason: "at least one identity is needed")) {
            try TLSContext(TLSConfiguration(identities: []))
        }
        var configuration = TLSConfiguration(identities: [certificates.identity("one")])
        configuration.clientCertificates = .optional(roots: .file(certificates.path("one.key")))
        #expect(throws: TLSError.self) { try TLSContext(configuration) }
    }
}

@Suite(.timeLimit(.minutes(2))) struct TLSReloadTests {
    /// A server whose identity is in files `live.pem` and `live.key`, at first those of `one`.
    private func start(on group: EventLoopGroup) async throws -> (TLSServer, TestCertificates) {
        let files = try TestCertificates()
        try install("one", in: files)
        let server = try await TLSServer.start(on: group) { handler, _ in
            handler.onReceive = { bytes, stream in stream.send(bytes.span) }
        } change: { configuration, _ in
            configuration = TLSConfiguration(
                certificateChainFile: files.path("live.pem"), privateKeyFile: files.path("live.key"))
        }
        return (server, files)
    }

    private func install(_ name: String, in files: TestCertificates) throws {
        for kind in ["pem", "key"] {
            try files.text("\(name).\(kind)").write(
                toFile: files.path("live.\(kind)"), atomically: true, encoding: .utf8)
        }
    }

    private let show = """
        open_context = ssl._create_unverified_context()
        def served():
            peer = connect(using=open_context)
            der = peer.getpeercert(True)
            return [name for name in ['one', 'two'] if ssl.PEM_cert_to_DER_cert(open(os.path.join(files, name + '.pem')).read()) == der]

        """

    @Test func `after a reload new connections see the new certificate, and open ones go on`() async throws {
        try await withLoops(2) { group in
            let (server, files) = try await start(on: group)
            defer { try? FileManager.default.removeItem(at: files.directory) }
            async let output = server.python(
                "files = '\(files.directory.path)'\n" + show + """
                    old = connect(using=open_context)
                    print(served())
                    open(os.path.join(files, 'ready'), 'w').close()
                    while os.path.exists(os.path.join(files, 'ready')): time.sleep(0.01)
                    old.sendall(b'hello')
                    print(exactly(old, 5).decode(), served())
                    """)
            try await eventually { FileManager.default.fileExists(atPath: files.path("ready")) }
            try install("two", in: files)
            try server.context.reload()
            try FileManager.default.removeItem(atPath: files.path("ready"))
            #expect(try await output == "['one']\nhello ['two']")
        }
    }

    @Test(arguments: ["garbage", "missing", "mismatch"])
    func `a failed reload throws and leaves the old certificate in force`(how: String) async throws {
        try await withLoops { group in
            let (server, files) = try await start(on: group)
            defer { try? FileManager.default.removeItem(at: files.directory) }
            switch how {
            case "garbage":
                try "garbage".write(toFile: files.path("live.pem"), atomically: true, encoding: .utf8)
            case "missing": try FileManager.default.removeItem(atPath: files.path("live.key"))
            default:
                try files.text("two.pem").write(
                    toFile: files.path("live.pem"), atomically: true, encoding: .utf8)
            }
            let error = #expect(throws: TLSError.self) { try server.context.reload() }
            #expect("\(try #require(error))".contains(files.path("live.")))
            let output = try await server.python(
                "files = '\(files.directory.path)'\n" + show + "print(served())")
            #expect(output == "['one']")
            try install("two", in: files)
            try server.context.reload()
            let later = try await server.python(
                "files = '\(files.directory.path)'\n" + show + "print(served())")
            #expect(later == "['two']")
        }
    }

    @Test func `an update that fails leaves the configuration as it was`() async throws {
        let certificates = try TestCertificates.shared.get()
        let context = try TLSContext(TLSConfiguration(identities: [certificates.identity("one")]))
        var configuration = context.configuration
        configuration.identities = [certificates.identity("two")]
        configuration.applicationProtocols = [""]
        #expect(throws: TLSError.self) { try context.update(configuration) }
        #expect(context.configuration.applicationProtocols.isEmpty)
        configuration.applicationProtocols = ["h2"]
        try context.update(configuration)
        #expect(context.configuration.applicationProtocols == ["h2"])
    }

    @Test func `connections come and go while the context is reloaded again and again`() async throws {
        try await withLoops(2) { group in
            let (server, files) = try await start(on: group)
            defer { try? FileManager.default.removeItem(at: files.directory) }
            let isDone = Shared(false)
            let context = server.context
            let reloader = RawThread {
                while !isDone.value.withLock({ $0 }) { #expect(throws: Never.self) { try context.reload() } }
            }
            let output = try await server.python(
                """
                using = ssl._create_unverified_context()
                total = 0
                for turn in range(200):
                    peer = connect(using=using)
                    peer.sendall(b'hello')
                    total += len(exactly(peer, 5))
                    peer.close()
                print(total)
                """)
            isDone.value.withLock { $0 = true }
            try await blocking { reloader.join() }
            #expect(output == "1000")
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct TLSResumptionTests {
    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a session is resumed on any loop, after a reload too`(version: String) async throws {
        try await withLoops(2) { group in
            let server = try await TLSServer.start(on: group) { _, stream in
                send("welcome", on: stream)
                stream.close(linger: .seconds(1))
            }
            let file = server.certificates.path("session\(version).pem")
            // With -ign_eof it ends with the connection: it has the ticket by then.
            let first = try await server.sClient(version, "-sess_out", file, "-ign_eof")
            #expect(first.contains("New, "))
            try server.context.reload()
            for _ in 0..<6 {
                let again = try await server.sClient(version, "-sess_in", file, "-ign_eof")
                #expect(again.contains("Reused, "))
            }
            try await eventually { server.accepted.all.count == 7 }
            #expect(Set(server.accepted.all.map { $0.loop.name }).count == 2)
            #expect(try await server.session(0).isResumed == false)
            #expect(try await server.session(6).isResumed)
        }
    }

    @Test(arguments: ["1_2", "1_3"])
    func `a session is not resumed under another name (RFC 6066, section 3)`(version: String) async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(
                on: group,
                change: { configuration, _ in configuration.identities[1].serverNames = ["two.example"] })
            let outcome = try await server.python(
                """
                using = ssl.create_default_context(cafile='ca.pem')
                using.check_hostname = False
                using.maximum_version = ssl.TLSVersion.TLSv\(version)
                def visit(name, session=None):
                    with using.wrap_socket(socket.create_connection(('127.0.0.1', port)), server_hostname=name,
                                           session=session) as stream:
                        stream.sendall(b'x')
                        stream.settimeout(0.3)
                        try: stream.recv(10)
                        except OSError: pass
                        return stream.session, stream.session_reused
                session, _ = visit('one.example')
                print(visit('one.example', session)[1], visit('two.example', session)[1], visit('ONE.example', session)[1])
                """)
            #expect(outcome == "True False True")
            #expect(try await server.session(2).serverName == "two.example")
        }
    }

    @Test func `another context does not know the session, and makes a new one`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group)
            let file = server.certificates.path("foreign-session.pem")
            _ = try await server.sClient("-tls1_2", "-sess_out", file, input: "Q\n")
            let other = try await TLSServer.start(on: group)
            #expect(try await other.sClient("-tls1_2", "-sess_in", file, input: "Q\n").contains("New, "))
        }
    }
}
