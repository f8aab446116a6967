import Foundation
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct TLSHandshakeTests {
    @Test(arguments: [("TLSv1_2", "TLSv1.2"), ("TLSv1_3", "TLSv1.3")])
    func `both versions carry bytes both ways`(version: String, name: String) async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group) { handler, stream in
                #expect(stream.isSecure && stream.remoteAddress?.host == "127.0.0.1")
                handler.onReceive = { bytes, stream in stream.send(bytes.span) }
            }
            let output = try await server.python(
                """
                peer = connect(version=ssl.TLSVersion.\(version))
                peer.sendall(b'hello')
                print(peer.version(), exactly(peer, 5).decode(), names(peer))
                """)
            #expect(output == "\(name) hello localhost,one.example")
            let session = try await server.session()
            #expect(session.version == name)
            #expect(session.cipher.hasPrefix(name == "TLSv1.3" ? "TLS_AES" : "TLS_ECDHE_ECDSA_WITH_AES"))
            #expect(session.serverName == "one.example" && session.applicationProtocol == nil)
            #expect(session.peerCertificate == nil && !session.isResumed)
        }
    }

    @Test func `a version below the minimum is refused with protocol_version`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(
                on: group, change: { configuration, _ in configuration.minimumVersion = .tls13 })
            let output = try await server.python(
                """
                print(outcome(lambda: connect(version=ssl.TLSVersion.TLSv1_2)))
                print(connect(version=ssl.TLSVersion.TLSv1_3).version())
                """)
            #expect(output == "TLSV1_ALERT_PROTOCOL_VERSION\nTLSv1.3")
            let old = try await TLSServer.start(on: group)
            #expect(
                try await old.sClient("-tls1_1", "-cipher", "ALL@SECLEVEL=0").contains(
                    "alert protocol version"))
        }
    }

    @Test(arguments: ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-GCM-SHA256"])
    func `TLS 1.2 without forward secrecy or authenticated encryption is refused`(cipher: String) async throws
    {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group, identities: ["two"])
            #expect(
                try await server.sClient("-tls1_2", "-cipher", cipher).contains("alert handshake failure"))
            #expect(
                try await server.sClient("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256", input: "Q")
                    .contains("Cipher is ECDHE-RSA-AES128-GCM-SHA256"))
        }
    }

    @Test func `the client cannot renegotiate, and goes on as before`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group)
            // A line "R" asks s_client to renegotiate.
            let output = try await server.sClient("-tls1_2", input: "R\n")
            #expect(output.contains("RENEGOTIATING") && output.contains("no renegotiation"))
            #expect(output.contains("Compression: NONE"))
        }
    }

    @Test func `the server's order chooses the application protocol (RFC 7301)`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(
                on: group,
                change: { configuration, _ in configuration.applicationProtocols = ["h2", "http/1.1"] })
            let output = try await server.python(
                """
                for offer in [['http/1.1', 'h2'], ['spdy/1', 'http/1.1'], None, ['h3', 'h'], ['two', 'h2']]:
                    name = 'two.example' if offer and 'two' in offer else 'one.example'
                    print(outcome(lambda: connect(name, alpn=offer).selected_alpn_protocol()))
                """)
            #expect(output == "h2\nhttp/1.1\nNone\n[SSL] tlsv1 alert no application protocol\nh2")
            try await eventually { server.accepted.all.count == 4 }
            var chosen: [String?] = []
            for index in 0..<4 { chosen.append(try await server.session(index).applicationProtocol) }
            #expect(chosen == ["h2", "http/1.1", nil, "h2"])
        }
    }

    @Test func `a server without application protocols ignores what is offered`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group)
            #expect(try await server.python("print(connect(alpn=['h2']).selected_alpn_protocol())") == "None")
        }
    }

    @Test
    func
        `the server name chooses the certificate: exact, wildcard, any case, explicit; others get the first`()
        async throws
    {
        try await withLoops { group in
            let server = try await TLSServer.start(
                on: group,
                change: { configuration, certificates in
                    var named = certificates.identity("two")
                    named.serverNames = ["named.example"]
                    configuration.identities.append(named)
                })
            let output = try await server.python(
                """
                def named(name):
                    using = context()
                    using.check_hostname = False
                    return names(connect(name, using=using)).split(',')[0]
                for name in ['one.example', 'two.example', 'TWO.example', 'a.wild.example', 'a.b.wild.example',
                             'wild.example', 'named.example', 'other.example', None]:
                    print(name, named(name))
                """)
            #expect(
                output == """
                    one.example localhost
                    two.example Two.Example
                    TWO.example Two.Example
                    a.wild.example Two.Example
                    a.b.wild.example localhost
                    wild.example localhost
                    named.example Two.Example
                    other.example localhost
                    None localhost
                    """)
            try await eventually { server.accepted.all.count == 9 }
            #expect(try await server.session(8).serverName == nil)
        }
    }

    @Test func `records that arrive byte by byte are put together`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group) { handler, _ in
                handler.onReceive = { bytes, stream in stream.send(bytes.span) }
            }
            let output = try await server.python(
                """
                peer = Memory()
                peer.run(peer.tls.do_handshake, size=1)
                peer.run(lambda: peer.tls.write(b'hello'), size=1)
                print(peer.run(lambda: peer.tls.read(5)).decode())
                """)
            #expect(output == "hello")
        }
    }
}
