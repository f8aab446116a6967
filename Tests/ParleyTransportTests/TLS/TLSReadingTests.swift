import Glibc
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct TLSReadingTests {
    /// Sends `count` bytes of the tests' pattern.
    private func sending(_ count: Int) -> String {
        """
        data = bytes((i * 31 + (i >> 8)) & 255 for i in range(\(count)))
        peer = connect()
        peer.sendall(data)

        """
    }

    @Test func `while reading is paused the peer's window closes, and nothing is lost`() async throws {
        try await withLoops { group in
            var options = TCPListenerOptions()
            options.receiveBufferSize = 16384
            let server = try await TLSServer.start(on: group, options: options) { _, stream in
                stream.pauseReading()
            }
            let isSent = Shared(false)
            let sender = Task {
                _ = try await server.python(sending(4_000_000) + "peer.recv(1)")
                isSent.value.withLock { $0 = true }
            }
            let (stream, handler) = try await server.stream()
            try await Task.sleep(for: .milliseconds(300))
            #expect(handler.received.isEmpty)
            try await stream.loop.run { stream.resumeReading() }
            try await eventually { handler.events.withLock { $0.received.count } == 4_000_000 }
            let isWhole = handler.received == pattern(4_000_000)
            #expect(isWhole)
            send("x", on: stream)
            try await sender.value
        }
    }

    @Test func `a handler pauses in the middle of its input, and what is decrypted or held waits`()
        async throws
    {
        try await withLoops { group in
            let isReceiving = Shared(false)
            let server = try await TLSServer.start(on: group) { handler, _ in
                handler.onReceive = { _, stream in
                    #expect(!isReceiving.value.withLock { $0 })
                    isReceiving.value.withLock { $0 = true }
                    stream.pauseReading()
                    stream.resumeReading()
                    stream.pauseReading()
                    stream.loop.schedule(after: .milliseconds(2)) { stream.resumeReading() }
                    isReceiving.value.withLock { $0 = false }
                }
                handler.onEnd = { stream in stream.close(linger: .seconds(1)) }
            }
            _ = try await server.python(sending(2_000_000) + "peer.unwrap()")
            let (_, handler) = try await server.stream()
            #expect(handler.events.withLock { $0.ends } == 1)
            let isWhole = handler.received == pattern(2_000_000)
            #expect(isWhole)
            #expect(handler.events.withLock { $0.reads } > 10)
        }
    }

    @Test func `the end is held back while reading is paused, and comes behind the bytes`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group) { handler, _ in
                handler.onReceive = { _, stream in stream.pauseReading() }
                handler.onEnd = { stream in stream.close(linger: .seconds(1)) }
            }
            async let output = server.python(
                """
                peer = Memory()
                peer.run(peer.tls.do_handshake)
                peer.tls.write(b'hello')
                try: peer.tls.unwrap()
                except ssl.SSLWantReadError: pass
                peer.send_pending()
                peer.run(peer.tls.unwrap)
                print('done')
                """)
            let (stream, handler) = try await server.stream()
            try await eventually { handler.received == Array("hello".utf8) }
            try await Task.sleep(for: .milliseconds(100))
            #expect(handler.events.withLock { $0.ends } == 0)
            try await stream.loop.run { stream.resumeReading() }
            #expect(try await output == "done")
            #expect(handler.events.withLock { $0.ends } == 1)
        }
    }

    @Test func `records that arrive together reach the handler in one call`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group)
            let output = try await server.python(
                """
                peer = Memory()
                peer.run(peer.tls.do_handshake)
                for index in range(100): peer.tls.write(b'%02d' % index)
                peer.raw.sendall(peer.outgoing.read())
                time.sleep(0.1)
                print('done')
                """)
            #expect(output == "done")
            let (_, handler) = try await server.stream()
            let events = handler.events.withLock { $0 }
            #expect(events.received.count == 200 && events.reads <= 2)
        }
    }

    @Test(arguments: [false, true])
    func `a handler replaces itself, and the new one gets what follows`(isPaused: Bool) async throws {
        try await withLoops { group in
            let second = RecordingHandler()
            second.onReceive = { bytes, stream in stream.send(bytes.span) }
            let server = try await TLSServer.start(on: group) { handler, _ in
                handler.onReceive = { _, stream in
                    stream.handler = second
                    send("switched", on: stream)
                    guard isPaused else { return }
                    stream.pauseReading()
                    stream.loop.schedule(after: .milliseconds(50)) { stream.resumeReading() }
                }
            }
            // More than the memory into which records are decrypted: the second handler gets the rest of one read.
            let output = try await server.python(
                """
                print(Memory().exchange(bytes(200000), 18).startswith(b'switched' + bytes(10)))
                """)
            #expect(output == "True")
            let first = server.accepted.allHandlers[0]
            try await eventually { first.received.count + second.received.count == 200_000 }
            #expect(first.events.withLock { $0.reads } == 1)
        }
    }

    @Test func `received bytes may be written to in place`() async throws {
        final class Upper: ByteStreamHandler {
            func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
                for index in bytes.indices { bytes[index] &= 0xDF }
                stream.send(bytes.span)
            }
            func receivedEnd(from stream: any ByteStream) { stream.close(linger: .zero) }
            func becameWritable(_ stream: any ByteStream) {}
            func closed(_ stream: any ByteStream, reason: CloseReason) {}
        }
        try await withLoops { group in
            let server = try await TLSServer.start(on: group) { _, stream in
                stream.loop.execute { stream.handler = Upper() }
            }
            let output = try await server.python(
                """
                peer = connect()
                time.sleep(0.1)
                peer.sendall(b'parley')
                print(exactly(peer, 6).decode())
                """)
            #expect(output == "PARLEY")
        }
    }

    @Test func `TLS runs over TLS: a stream below may be any`() async throws {
        try await withLoops { group in
            let certificates = try TestCertificates.shared.get()
            let context = try TLSContext(TLSConfiguration(identities: [certificates.identity("two")]))
            let server = try await TLSServer.start(on: group) { _, stream in
                stream.handler = TLSStream(over: stream, context: context) { _ in EchoHandler() }
            }
            let output = try await server.python(
                """
                outer = connect()
                peer = Memory('two.example', raw=outer)
                peer.run(peer.tls.do_handshake)
                data = bytes(range(256)) * 400
                peer.run(lambda: peer.tls.write(data))
                back = b''
                while len(back) < len(data): back += peer.run(lambda: peer.tls.read(65536))
                print(back == data)
                """)
            #expect(output == "True")
        }
    }
}
