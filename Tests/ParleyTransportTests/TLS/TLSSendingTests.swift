import Glibc
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(3))) struct TLSSendingTests {
    @Test(arguments: ["TLSv1_2", "TLSv1_3"])
    func `10 MB come back as they were, through partial writes and a small mark`(version: String) async throws
    {
        try await withLoops { group in
            var options = TCPListenerOptions()
            options.sendBufferSize = 16384
            options.limits = StreamLimits(highWatermark: 200_000, lowWatermark: 50_000)
            let server = try await TLSServer.start(on: group, options: options) { handler, _ in
                // An echo that reads no faster than it can send.
                handler.onReceive = { bytes, stream in
                    stream.send(bytes.span)
                    if !stream.isWritable { stream.pauseReading() }
                    #expect(stream.pendingBytes < 200_000 + 2 * 65_536)
                }
                handler.onWritable = { $0.resumeReading() }
            }
            let output = try await server.python(
                """
                data = os.urandom(10_000_000)
                back = Memory(version=ssl.TLSVersion.\(version)).exchange(data, len(data))
                print(hashlib.sha256(back).digest() == hashlib.sha256(data).digest(), len(back))
                """)
            #expect(output == "True 10000000")
            #expect(server.accepted.allHandlers[0].events.withLock { $0.becameWritable } > 0)
        }
    }

    /// Sends 50,000 bytes a hundred times, whenever the stream is writable, and notes how many bytes were pending.
    private func refilling(_ most: Shared<Int>) -> @Sendable (any ByteStream) -> Void {
        let chunk = pattern(50_000)
        let rest = Shared(100)
        return { stream in
            while stream.isWritable {
                let more = rest.value.withLock { rest in
                    rest -= 1
                    return rest >= 0
                }
                guard more else { return stream.close(linger: .seconds(5)) }
                stream.send(shared: chunk)
                let pending = stream.pendingBytes
                most.value.withLock { $0 = max($0, pending) }
            }
        }
    }

    @Test func `a slow reader holds little here, and gets everything`() async throws {
        try await withLoops { group in
            var options = TCPListenerOptions()
            options.sendBufferSize = 8192
            options.limits = StreamLimits(
                highWatermark: 300_000, lowWatermark: 100_000, maximumPending: 900_000)
            let most = Shared(0)
            let refill = refilling(most)
            let server = try await TLSServer.start(on: group, options: options) { handler, stream in
                handler.onWritable = refill
                refill(stream)
            }
            let output = try await server.python(
                """
                peer = connect(buffer=16384)
                data = b''
                for turn in range(20):
                    time.sleep(0.01)
                    data += exactly(peer, 250_000)
                print(hashlib.sha256(data).hexdigest() ==
                      hashlib.sha256(bytes((i * 31 + (i >> 8)) & 255 for i in range(50_000)) * 100).hexdigest(),
                      peer.recv(1))
                """)
            #expect(output == "True b''")
            #expect(server.accepted.allHandlers[0].events.withLock { $0.becameWritable } > 3)
            // One chunk above the mark, and what encryption adds to what the stream below has.
            #expect((300_000...360_000).contains(most.value.withLock { $0 }))
        }
    }

    @Test func `who holds more back is told when little is pending, here and below, however often it asks`()
        async throws
    {
        try await withLoops { group in
            var options = TCPListenerOptions()
            options.sendBufferSize = 8192
            let server = try await TLSServer.start(on: group, options: options)
            async let output = server.python(
                """
                peer = connect(buffer=16384)
                exactly(peer, 1)
                while not os.path.exists('go-on'): time.sleep(0.01)
                print(len(exactly(peer, 1_000_000)))
                """)
            let (stream, handler) = try await server.stream()
            // 100 KB at a time, each when little of the one before is left.
            let left = Lock(9)
            handler.onWritable = { stream in
                guard stream.pendingBytes < 64_000 else { return stream.awaitWritable() }
                let isOver = left.withLock { left in
                    left -= 1
                    return left < 0
                }
                guard !isOver else { return }
                stream.send(pattern(100_000).span)
                stream.awaitWritable()
            }
            send("x", on: stream)
            stream.send(pattern(100_000).span)
            stream.awaitWritable()
            try await Task.sleep(for: .milliseconds(50))
            let asked = handler.events.withLock { $0.becameWritable }
            try await Task.sleep(for: .milliseconds(50))
            // Once or twice more, where the kernel took a little meanwhile.
            #expect(handler.events.withLock { $0.becameWritable } < asked + 5, "it asks in a circle")
            Glibc.close(open(server.certificates.path("go-on"), O_CREAT | O_WRONLY, 0o600))
            #expect(try await output == "1000000")
            unlink(server.certificates.path("go-on"))
        }
    }

    @Test
    func `above the high watermark a stream is not writable, and is told once when it is below the low one`()
        async throws
    {
        try await withLoops { group in
            var options = TCPListenerOptions()
            options.sendBufferSize = 8192
            options.limits = StreamLimits(highWatermark: 300_000, lowWatermark: 100_000)
            let server = try await TLSServer.start(on: group, options: options)
            async let output = server.python(
                """
                peer = connect(buffer=16384)
                exactly(peer, 1)
                while not os.path.exists('go'): time.sleep(0.01)
                print(len(exactly(peer, 750_000)), exactly(peer, 1).decode())
                """)
            let (stream, handler) = try await server.stream()
            send("x", on: stream)
            stream.send(pattern(250_000).span)
            #expect(stream.isWritable)
            stream.send(pattern(500_000).span)
            #expect(!stream.isWritable)
            try await Task.sleep(for: .milliseconds(100))
            #expect(!stream.isWritable && handler.events.withLock { $0.becameWritable } == 0)
            // Ciphertext doesn't pile up below.
            let below = try #require(stream as? TLSStream).below
            #expect(below.pendingBytes < 130_000 && stream.pendingBytes > 300_000)
            Glibc.close(open(server.certificates.path("go"), O_CREAT | O_WRONLY, 0o600))
            try await eventually { stream.isWritable && stream.pendingBytes == 0 }
            #expect(handler.events.withLock { $0.becameWritable } == 1)
            send("y", on: stream)
            #expect(try await output == "750000 y")
            #expect(handler.events.withLock { $0.becameWritable } == 1)
            unlink(server.certificates.path("go"))
        }
    }

    @Test func `the messages of each thread arrive in its order and whole, while the loop sends too`()
        async throws
    {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group) { handler, _ in
                handler.onReceive = { bytes, stream in stream.send(bytes.span) }
            }
            async let output = server.python(
                """
                own = b''.join(bytes([8, index >> 8, index & 255, 8 ^ 255]) for index in range(2000))
                data = Memory().exchange(own, 9 * 2000 * 4)
                following = [0] * 9
                for start in range(0, len(data), 4):
                    thread, high, low, check = data[start:start + 4]
                    assert check == thread ^ 255 and following[thread] == high * 256 + low
                    following[thread] += 1
                print(following)
                """)
            let (stream, _) = try await server.stream()
            let threads = (0..<8).map { thread in
                RawThread {
                    for index in 0..<2000 {
                        let message: [UInt8] = [
                            UInt8(thread), UInt8(index >> 8), UInt8(index & 255), UInt8(thread ^ 255),
                        ]
                        if index % 2 == 0 { stream.send(message.span) } else { stream.send(shared: message) }
                    }
                }
            }
            #expect(try await output == "[2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000]")
            try await blocking { for thread in threads { thread.join() } }
        }
    }

    @Test func `what is sent in one turn shares records of up to 16 KiB`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group) { handler, _ in
                handler.onReceive = { _, stream in
                    for _ in 0..<400 { stream.send([UInt8](repeating: 7, count: 100).span) }
                }
            }
            let output = try await server.python(
                """
                peer = Memory(version=ssl.TLSVersion.TLSv1_2)
                peer.run(peer.tls.do_handshake)
                peer.run(lambda: peer.tls.write(b'x'))
                peer.records.clear()
                count = 0
                while count < 40000: count += len(peer.run(lambda: peer.tls.read(65536)))
                print(count, peer.records)
                """)
            #expect(output == "40000 [23, 23, 23]")
        }
    }

    @Test func `a peer for which too much waits is cut off, and its neighbour is not`() async throws {
        try await withLoops { group in
            var options = TCPListenerOptions()
            options.sendBufferSize = 8192
            options.limits = StreamLimits(
                highWatermark: 100_000, lowWatermark: 50_000, maximumPending: 400_000)
            let server = try await TLSServer.start(on: group, options: options)
            async let slow = server.python(
                """
                peer = connect(buffer=16384)
                peer.do_handshake()
                while not os.path.exists('cut'): time.sleep(0.01)
                print(outcome(lambda: exactly(peer, 10_000_000)))
                """)
            let (first, firstHandler) = try await server.stream(0)
            async let fast = server.python("print(len(exactly(connect(), 2_000_000)))")
            let (second, secondHandler) = try await server.stream(1)
            let chunk = pattern(50_000)
            for _ in 0..<40 {
                first.send(shared: chunk)
                second.send(shared: chunk)
                try await eventually { second.pendingBytes == 0 }
            }
            #expect(try await fast == "2000000")
            try await eventually { firstHandler.reason == .slowPeer }
            #expect(secondHandler.reason != .slowPeer)
            #expect(first.pendingBytes == 0 && !first.isWritable)
            Glibc.close(open(server.certificates.path("cut"), O_CREAT | O_WRONLY, 0o600))
            let seen = try await slow
            #expect(seen == "EOF occurred in violation of protocol")
            unlink(server.certificates.path("cut"))
        }
    }

    @Test func `a peer that takes nothing for the stall time is cut off`() async throws {
        try await withLoops { group in
            var options = TCPListenerOptions()
            options.limits = StreamLimits(stallTimeout: .milliseconds(300))
            let server = try await TLSServer.start(on: group, options: options)
            async let output = server.python(
                """
                peer = connect(buffer=16384)
                while not os.path.exists('stalled'): time.sleep(0.01)
                print('done')
                """)
            let (stream, handler) = try await server.stream()
            let bytes = pattern(900_000)
            for _ in 0..<8 { stream.send(shared: bytes) }
            try await eventually { handler.reason != nil }
            #expect(handler.reason == .slowPeer)
            Glibc.close(open(server.certificates.path("stalled"), O_CREAT | O_WRONLY, 0o600))
            #expect(try await output == "done")
            unlink(server.certificates.path("stalled"))
        }
    }

    @Test func `an idle connection holds no buffer`() async throws {
        try await withLoops { group in
            let server = try await TLSServer.start(on: group) { handler, _ in
                handler.onReceive = { bytes, stream in stream.send(bytes.span) }
            }
            async let output = server.python(
                """
                peer = connect()
                peer.sendall(bytes(100_000))
                print(len(exactly(peer, 100_000)))
                time.sleep(0.3)
                """)
            let (stream, handler) = try await server.stream()
            try await eventually { handler.events.withLock { $0.received.count } == 100_000 }
            try await Task.sleep(for: .milliseconds(100))
            let tls = try #require(stream as? TLSStream)
            let capacities = try await stream.loop.run {
                (tls.outgoing.bytes.capacity, tls.outbox.withLock { $0.bytes.capacity }, tls.held.capacity)
            }
            #expect(capacities == (0, 0, 0))
            #expect(try await output == "100000")
        }
    }
}
