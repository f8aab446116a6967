import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct TLSClosingTests {
    @Test func `close sends what is pending, then close_notify, then FIN`() async throws {
        try await withLoops { group in
            var options = TCPListenerOptions()
            options.sendBufferSize = 8192
            let server = try await TLSServer.start(on: group, options: options)
            async let output = server.python(
                """
                peer = Memory(version=ssl.TLSVersion.TLSv1_2)
                peer.run(peer.tls.do_handshake)
                peer.records.clear()
                count = 0
                while True:
                    data = peer.run(lambda: peer.tls.read(65536))
                    if not data: break
                    count += len(data)
                print(count, set(peer.records[:-1]), peer.records[-1], peer.raw.recv(1))
                peer.raw.shutdown(socket.SHUT_WR)
                """)
            let (stream, handler) = try await server.stream()
            stream.send(pattern(900_000).span)
            stream.close(linger: .seconds(60))
            send("too late", on: stream)
            #expect(!stream.isWritable)
            #expect(try await output == "900000 {23} 21 b''")
            try await eventually { handler.reason == .closed }
            #expect(try await stream.loop.run { stream.handler == nil })
        }
    }

    @Test func `a peer that does not close is left when the linger time has passed`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group)
            async let output = server.python("peer = connect()\nprint(peer.recv(1))\ntime.sleep(1)")
            let (stream, handler) = try await server.stream()
            let start = ContinuousClock.now
            stream.close(linger: .milliseconds(100))
            try await eventually { handler.reason == .closed }
            #expect((.milliseconds(99)...(.milliseconds(900))).contains(ContinuousClock.now - start))
            #expect(server.server.listener.connectionCount == 0)
            #expect(try await output == "b''")
        }
    }

    @Test(arguments: ["TLSv1_2", "TLSv1_3"])
    func `the peer's close_notify ends one direction only`(version: String) async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group) { handler, _ in
                handler.onEnd = { stream in
                    send("still here", on: stream)
                    stream.close(linger: .seconds(5))
                }
            }
            let output = try await server.python(
                """
                peer = Memory(version=ssl.TLSVersion.\(version))
                peer.run(peer.tls.do_handshake)
                peer.run(lambda: peer.tls.write(b'bye'))
                try: peer.tls.unwrap()
                except ssl.SSLWantReadError: pass
                peer.send_pending()
                peer.raw.shutdown(socket.SHUT_WR)
                data = b''
                while len(data) < 10: data += peer.run(lambda: peer.tls.read(10))
                print(data.decode())
                """)
            #expect(output == "still here")
            let (_, handler) = try await server.stream()
            try await eventually { handler.reason == .closed }
            #expect(handler.events.withLock { $0.ends } == 1)
            #expect(handler.received == Array("bye".utf8))
        }
    }

    @Test(arguments: ["FIN", "half of a record"])
    func `a stream that ends without close_notify is cut off, not ended (RFC 8446, 6.1)`(
        how: String
    ) async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group)
            _ = try await server.python(
                """
                peer = Memory()
                peer.run(peer.tls.do_handshake)
                peer.run(lambda: peer.tls.write(b'HTTP body'))
                if '\(how)' != 'FIN':
                    peer.tls.write(b'more')
                    peer.raw.sendall(peer.outgoing.read()[:-3])
                peer.raw.shutdown(socket.SHUT_WR)
                while peer.raw.recv(65536): pass
                """)
            let (_, handler) = try await server.stream()
            try await eventually { handler.reason != nil }
            #expect(
                handler.reason
                    == .error("TLS: the peer's stream was cut off: it ended without close_notify"))
            #expect(handler.events.withLock { $0.ends } == 0)
            #expect(handler.received == Array("HTTP body".utf8))
        }
    }

    @Test func `the peer's RST closes the stream`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group)
            _ = try await server.python(
                """
                import struct
                peer = connect()
                peer.sendall(b'x')
                time.sleep(0.1)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                """)
            let (stream, handler) = try await server.stream()
            try await eventually { handler.reason == .peer }
            #expect(try await stream.loop.run { stream.handler == nil })
            #expect(server.server.listener.connectionCount == 0)
        }
    }

    @Test(arguments: ["close", "reset", "close and reset", "replace and reset", "close twice"])
    func `a handler may end its stream while it receives, and receives nothing more`(how: String) async throws
    {
        try await withLoops { group in
            let replacement = RecordingHandler()
            let server = try await TLSServer.start(on: group) { handler, _ in
                handler.onReceive = { [unowned handler] _, stream in
                    if how == "replace and reset" { stream.handler = replacement }
                    if how.hasPrefix("close") { stream.close(linger: .milliseconds(50)) }
                    if how == "close twice" { stream.close(linger: .zero) }
                    if how.hasSuffix("reset") { stream.reset() }
                    // The end comes later: nothing is called in the midst of this.
                    #expect(handler.reason == nil && replacement.reason == nil)
                }
            }
            _ = try await server.python(
                """
                peer = connect()
                def sending():
                    for turn in range(50): peer.sendall(bytes(16384))
                outcome(sending)
                outcome(lambda: peer.recv(1))
                """)
            let (_, first) = try await server.stream()
            let handler = how == "replace and reset" ? replacement : first
            try await eventually { handler.reason != nil }
            #expect(handler.reason == (how.hasSuffix("reset") ? .reset : .closed))
            #expect(first.events.withLock { $0.reads } == 1)
            #expect(replacement.events.withLock { $0.reads } == 0)
            try await eventually { server.server.listener.connectionCount == 0 }
        }
    }

    @Test func `a stream refused in the accept handler is closed and told so`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group) { _, stream in
                send("busy", on: stream)
                stream.close(linger: .zero)
            }
            #expect(try await server.python("peer = connect()\nprint(exactly(peer, 5).decode())") == "busy")
            let (_, handler) = try await server.stream()
            try await eventually { handler.reason == .closed }
        }
    }

    @Test func `the listener's request to shut down reaches the handlers, and breaks off handshakes`()
        async throws
    {
        try await withLoops(2) { group in
            let server = try await TLSServer.start(on: group)
            async let output = server.python("peer = connect()\nprint(peer.recv(1))")
            let (_, handler) = try await server.stream()
            let silent = try RawSocket(port: server.port)
            try await eventually { server.server.listener.connectionCount == 2 }
            await server.server.listener.shutDownConnections()
            #expect(try await output == "b''")
            try await eventually { handler.reason == .closed }
            #expect(try await blocking { silent.receive() } == [])
            try await eventually { server.server.listener.connectionCount == 0 }
        }
    }

    @Test func `stopped loops close their TLS streams, and what is called afterwards is harmless`()
        async throws
    {
        let group = try EventLoopGroup(count: 2)
        let server = try await TLSServer.start(on: group)
        let output = Task {
            try await server.python("peer = connect()\nprint(outcome(lambda: peer.recv(1)))")
        }
        let (stream, handler) = try await server.stream()
        let silent = try RawSocket(port: server.port)
        try await eventually { server.server.listener.connectionCount == 2 }
        await group.shutdown()
        #expect(handler.reason == .reset)
        let seen = try await output.value
        #expect(seen == "EOF occurred in violation of protocol")
        send("x", on: stream)
        stream.reset()
        stream.close(linger: .seconds(1))
        #expect(!stream.isWritable && stream.pendingBytes == 0)
        _ = silent
        await server.server.listener.close()
    }
}
