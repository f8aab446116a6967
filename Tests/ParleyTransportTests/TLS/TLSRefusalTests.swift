import Glibc
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct TLSRefusalTests {
    private func isRefused(_ bytes: [UInt8], answer: (([UInt8]) -> Bool)) async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group)
            let client = try RawSocket(port: server.port)
            client.send(bytes)
            let start = ContinuousClock.now
            let answered = try await blocking { client.receive(exactly: 10_000) }
            #expect(answer(answered), "\(answered)")
            #expect(ContinuousClock.now - start < .seconds(4))
            client.shutdownWrite()
            try await eventually { server.server.listener.connectionCount == 0 }
            #expect(server.accepted.all.isEmpty)
            // The others are served as ever: nothing is left in OpenSSL's error queue of the thread.
            #expect(try await server.python("print(connect().version())") == "TLSv1.3")
        }
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /x HTTP/1.1\r\nContent-Length: 1\r\n\r\n1"])
    func `plain HTTP is told so and closed`(request: String) async throws {
        try await isRefused(Array(request.utf8)) {
            let text = String(decoding: $0, as: UTF8.self)
            return text.hasPrefix("HTTP/1.1 400 Bad Request\r\n") && text.hasSuffix("HTTPS only.\n")
        }
    }

    @Test(arguments: [
        Array("SSH-2.0-OpenSSH_9.2\r\n".utf8), [UInt8](repeating: 0, count: 100),
        [UInt8](repeating: 255, count: 40_000),
        Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8),
        // A record of a handshake without a message that there is, and one that is too long (RFC 8446, 5.1).
        [22, 3, 1, 0, 4, 77, 0, 0, 0], [22, 3, 1, 0xFF, 0xFF] + [UInt8](repeating: 1, count: 0xFFFF),
        // A ClientHello whose inner lengths lie.
        [22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3] + [UInt8](repeating: 9, count: 32) + [0, 255, 255, 1, 0, 0, 0],
    ]) func `garbage is answered with nothing but an alert, and closed`(bytes: [UInt8]) async throws {
        try await isRefused(bytes) { $0.isEmpty || ($0[0] == 21 && $0.count == 7 && $0[5] == 2) }
    }

    @Test func `a ClientHello that is cut off at any byte leaves nothing behind`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group)
            let output = try await server.python(
                """
                peer = Memory()
                try: peer.tls.do_handshake()
                except ssl.SSLWantReadError: pass
                hello = peer.outgoing.read()
                for count in list(range(0, len(hello), 7)) + [len(hello) - 1, len(hello)]:
                    raw = dial()
                    raw.sendall(hello[:count])
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(65536): pass
                print(connect().version())
                """)
            #expect(output == "TLSv1.3")
            try await eventually { server.server.listener.connectionCount <= 1 }
            #expect(server.accepted.all.count == 1)
        }
    }

    @Test(arguments: [[], [22, 3, 1, 1]] as [[UInt8]])
    func `a handshake that takes too long is closed`(start: [UInt8]) async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(
                on: group, change: { configuration, _ in configuration.handshakeTimeout = .milliseconds(200) }
            )
            let client = try RawSocket(port: server.port)
            client.send(start)
            let began = ContinuousClock.now
            // Slow bytes don't put it off.
            let isDone = Shared(false)
            let drip = RawThread {
                while !isDone.value.withLock({ $0 }), !start.isEmpty {
                    client.send([0])
                    usleep(50_000)
                }
            }
            #expect(try await blocking { client.receive() } ?? [] == [])
            isDone.value.withLock { $0 = true }
            drip.join()
            #expect((.milliseconds(195)...(.seconds(2))).contains(ContinuousClock.now - began))
            try await eventually { server.server.listener.connectionCount == 0 }
            #expect(server.accepted.all.isEmpty)
        }
    }

    @Test func `after the handshake its timeout is no more`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group) { handler, _ in
                handler.onReceive = { bytes, stream in stream.send(bytes.span) }
            } change: { configuration, _ in
                configuration.handshakeTimeout = .milliseconds(300)
            }
            let output = try await server.python(
                """
                peer = connect()
                time.sleep(0.6)
                peer.sendall(b'hello')
                print(exactly(peer, 5).decode())
                """)
            #expect(output == "hello")
        }
    }

    @Test func `a record that was tampered with ends the connection with bad_record_mac`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group)
            let output = try await server.python(
                """
                peer = Memory()
                peer.run(peer.tls.do_handshake)
                peer.tls.write(b'hello')
                data = bytearray(peer.outgoing.read())
                data[-1] ^= 1
                peer.raw.sendall(data)
                print(outcome(lambda: peer.run(lambda: peer.tls.read(5))))
                """)
            #expect(output == "SSLV3_ALERT_BAD_RECORD_MAC")
            let (_, handler) = try await server.stream()
            try await eventually { handler.reason != nil }
            #expect(handler.received.isEmpty)
            guard case .error(let text) = handler.reason else { throw NeverHappened() }
            #expect(text.hasPrefix("TLS: decryption failed or bad record mac"))
        }
    }
}
