import Glibc
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct SendingTests {
    private var smallBuffers: TCPListenerOptions {
        var options = TCPListenerOptions()
        options.sendBufferSize = 8192
        return options
    }

    @Test func `a slow reader gets all bytes in order through partial writes`() async throws {
        try await withLoops { group in
            let server = try await Server.start(on: group, options: smallBuffers)
            let port = server.port
            let client = try RawSocket(port: port, receiveBuffer: 16384)
            let (stream, _) = try await server.accepted.first()
            let all = pattern(1_500_000)
            let expected = all
            let (early, late) = (Array(all[..<700_000]), Array(all[700_000...]))
            stream.send(early.span)
            try await blocking {
                let start = client.receive(exactly: 100_000)
                #expect(start == Array(expected[..<100_000]))
            }
            stream.send(late.span)
            #expect(stream.pendingBytes > 0)
            try await blocking {
                #expect(client.receive(exactly: expected.count - 100_000) == Array(expected[100_000...]))
            }
            try await eventually { stream.pendingBytes == 0 }
        }
    }

    @Test func `the messages of each thread arrive in its order, and whole`() async throws {
        try await withLoops { group in
            let server = try await Server.start(on: group)
            let client = try RawSocket(port: server.port)
            let (stream, _) = try await server.accepted.first()
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
            try await blocking {
                let bytes = client.receive(exactly: 8 * 2000 * 4)
                var next = [Int](repeating: 0, count: 8)
                for start in stride(from: 0, to: bytes.count, by: 4) {
                    let thread = Int(bytes[start])
                    try #require(thread < 8 && bytes[start + 3] == bytes[start] ^ 255)
                    #expect(Int(bytes[start + 1]) << 8 | Int(bytes[start + 2]) == next[thread])
                    next[thread] += 1
                }
                #expect(next == [Int](repeating: 2000, count: 8))
                for thread in threads { thread.join() }
            }
        }
    }

    @Test func `what a thread sends after the loop stays behind it, and the other way round`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let server = try await Server.start(on: group)
            let client = try RawSocket(port: server.port)
            let (stream, _) = try await server.accepted.first()
            for index in 0..<200 {
                if index % 2 == 0 {
                    try await loop.run { send("\(index % 10)", on: stream) }
                } else {
                    send("\(index % 10)", on: stream)
                }
            }
            let expected = String(repeating: "0123456789", count: 20)
            #expect(try await blocking { client.receiveText(200) } == expected)
        }
    }

    @Test func `a shared buffer reaches 1,000 connections, also where something else is pending`()
        async throws
    {
        try await withLoops(2) { group in
            let server = try await Server.start(on: group)
            let port = server.port
            let clients = try await blocking { try (0..<1000).map { _ in try RawSocket(port: port) } }
            try await eventually { server.accepted.all.count == 1000 }
            #expect(server.listener.connectionCount == 1000)
            let shared = pattern(500)
            for (index, stream) in server.accepted.all.enumerated() {
                if index % 3 == 0 { send("x", on: stream) }
                stream.send(shared: shared)
                stream.send(shared: shared)
                if index % 3 == 1 { send("y", on: stream) }
            }
            #expect(shared == pattern(500))
            let extra = try await blocking {
                var extra = ""
                for client in clients {
                    var bytes = client.receive(exactly: 1000)
                    if bytes.first == UInt8(ascii: "x") {
                        extra += "x"
                        bytes.removeFirst()
                        bytes += client.receive(exactly: 1)
                    }
                    #expect(bytes == shared + shared)
                }
                return extra
            }
            #expect(extra.count == 334)
            for client in clients { client.shutdownWrite() }
        }
    }

    @Test func `everything sent in one turn leaves with one write`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let server = try await Server.start(on: group)
            let client = try RawSocket(port: server.port)
            let (stream, _) = try await server.accepted.first()
            try await loop.run {
                for index in 0..<10 { send("\(index)", on: stream) }
                loop.execute { send("later", on: stream) }
            }
            // With TCP_NODELAY each write would be a segment, and a read of its own.
            try await blocking { #expect(client.receive() == Array("0123456789later".utf8)) }
        }
    }

    @Test func `an idle connection holds no buffer`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let server = try await Server.start(on: group)
            let client = try RawSocket(port: server.port)
            let (stream, _) = try await server.accepted.first()
            let connection = try #require(stream as? TCPConnection)
            stream.send(pattern(1000).span)
            #expect(try await blocking { client.receive(exactly: 1000) }.count == 1000)
            let capacities = try await loop.run {
                (connection.outgoing.bytes.capacity, connection.outbox.withLock { $0.bytes.capacity })
            }
            #expect(capacities == (0, 0))
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct BackpressureTests {
    private func options(_ limits: StreamLimits) -> TCPListenerOptions {
        var options = TCPListenerOptions()
        options.sendBufferSize = 8192
        options.limits = limits
        return options
    }

    @Test func `above the high watermark a stream is not writable, and is told when it is below the low one`()
        async throws
    {
        try await withLoops { group in
            let limits = StreamLimits(highWatermark: 300_000, lowWatermark: 100_000)
            let server = try await Server.start(on: group, options: options(limits))
            let client = try RawSocket(port: server.port, receiveBuffer: 16384)
            let (stream, handler) = try await server.accepted.first()
            stream.send(pattern(250_000).span)
            #expect(stream.isWritable)
            stream.send(pattern(500_000).span)
            #expect(!stream.isWritable)
            try await Task.sleep(for: .milliseconds(50))
            #expect(!stream.isWritable && handler.events.withLock { $0.becameWritable } == 0)
            try await blocking { #expect(client.receive(exactly: 750_000).count == 750_000) }
            try await eventually { stream.isWritable && stream.pendingBytes == 0 }
            #expect(handler.events.withLock { $0.becameWritable } == 1)
            // Once for each time: the next message is small.
            send("x", on: stream)
            try await blocking { #expect(client.receiveText(1) == "x") }
            #expect(handler.events.withLock { $0.becameWritable } == 1)
        }
    }

    @Test func `a handler that refills in becameWritable sends without end, and holds little`() async throws {
        try await withLoops { group in
            let limits = StreamLimits(highWatermark: 300_000, lowWatermark: 100_000, maximumPending: 900_000)
            let chunk = pattern(50_000)
            let rest = Shared(60)
            let refill: @Sendable (any ByteStream) -> Void = { stream in
                while stream.isWritable {
                    let more = rest.value.withLock { rest in
                        rest -= 1
                        return rest >= 0
                    }
                    guard more else { return stream.close(linger: .seconds(5)) }
                    stream.send(shared: chunk)
                }
            }
            let server = try await Server.start(on: group, options: options(limits)) { handler, stream in
                handler.onWritable = refill
                refill(stream)
            }
            let client = try RawSocket(port: server.port, receiveBuffer: 16384)
            let (_, handler) = try await server.accepted.first()
            try await blocking {
                for _ in 0..<60 { #expect(client.receive(exactly: 50_000) == chunk) }
                #expect(client.receive() == [])
                client.shutdownWrite()
            }
            try await eventually { handler.reason == .closed }
            #expect(handler.events.withLock { $0.becameWritable } > 3)
        }
    }

    @Test func `a peer for which too much waits is cut off, and its neighbour is not`() async throws {
        try await withLoops { group in
            let limits = StreamLimits(highWatermark: 100_000, lowWatermark: 50_000, maximumPending: 400_000)
            let server = try await Server.start(on: group, options: options(limits))
            let slow = try RawSocket(port: server.port, receiveBuffer: 16384)
            try await eventually { server.accepted.all.count == 1 }
            let fast = try RawSocket(port: server.port)
            try await eventually { server.accepted.all.count == 2 }
            let (streams, handlers) = (server.accepted.all, server.accepted.allHandlers)
            let chunk = pattern(50_000)
            for _ in 0..<40 {
                for stream in streams { stream.send(shared: chunk) }
                try await blocking { #expect(fast.receive(exactly: 50_000) == chunk) }
            }
            try await eventually { handlers[0].reason == .slowPeer }
            #expect(handlers[1].reason == nil)
            #expect(streams[0].pendingBytes == 0 && !streams[0].isWritable)
            _ = slow
        }
    }

    @Test func `one message above the limit is sent, as nothing waited before it`() async throws {
        try await withLoops { group in
            let limits = StreamLimits(highWatermark: 100_000, lowWatermark: 50_000, maximumPending: 400_000)
            let server = try await Server.start(on: group, options: options(limits))
            let client = try RawSocket(port: server.port)
            let (stream, _) = try await server.accepted.first()
            let large = pattern(1_000_000)
            stream.send(large.span)
            #expect(try await blocking { client.receive(exactly: 1_000_000) } == large)
        }
    }

    @Test func `a peer that takes nothing for the stall time is cut off`() async throws {
        try await withLoops { group in
            let limits = StreamLimits(stallTimeout: .milliseconds(300))
            let server = try await Server.start(on: group, options: options(limits))
            let client = try RawSocket(port: server.port, receiveBuffer: 16384)
            let (stream, handler) = try await server.accepted.first()
            let start = ContinuousClock.now
            stream.send(pattern(900_000).span)
            try await eventually { handler.reason != nil }
            #expect(handler.reason == .slowPeer)
            #expect(ContinuousClock.now - start >= .milliseconds(300))
            _ = client
        }
    }

    @Test func `a peer that takes a little now and then is not stalled`() async throws {
        try await withLoops { group in
            let limits = StreamLimits(stallTimeout: .seconds(2))
            let server = try await Server.start(on: group, options: options(limits))
            let client = try RawSocket(port: server.port, receiveBuffer: 65536)
            let (stream, handler) = try await server.accepted.first()
            stream.send(pattern(5_000_000).span)
            try await blocking {
                for _ in 0..<30 {
                    usleep(100_000)
                    #expect(client.receive(exactly: 100_000).count == 100_000)
                }
            }
            #expect(handler.reason == nil)
            #expect(stream.pendingBytes > 0)
        }
    }
}

/// `awaitWritable`: who holds more back hears when there is room.
@Suite(.timeLimit(.minutes(2))) struct AwaitWritableTests {
    @Test func `with nothing pending it is told at once, once for each time it asked`() async throws {
        try await withLoops { group in
            let server = try await Server.start(on: group)
            let client = try RawSocket(port: server.port)
            let (stream, handler) = try await server.accepted.first()
            for count in 1...3 {
                stream.awaitWritable()
                try await eventually { stream.isWritable }
                #expect(handler.events.withLock { $0.becameWritable } == count)
            }
            stream.send(pattern(1000).span)
            try await blocking { #expect(client.receive(exactly: 1000) == pattern(1000)) }
            #expect(handler.events.withLock { $0.becameWritable } == 3)
        }
    }

    @Test func `while the peer reads nothing it is not told, and asking again costs no turns`() async throws {
        try await withLoops { group in
            var options = TCPListenerOptions()
            options.sendBufferSize = 8192
            options.limits = StreamLimits(highWatermark: 1 << 20, lowWatermark: 50_000)
            let server = try await Server.start(on: group, options: options)
            let client = try RawSocket(port: server.port, receiveBuffer: 16384)
            let (stream, handler) = try await server.accepted.first()
            stream.send(pattern(400_000).span)
            try await Task.sleep(for: .milliseconds(20))
            for _ in 0..<10 { stream.awaitWritable() }
            #expect(!stream.isWritable)
            try await Task.sleep(for: .milliseconds(50))
            #expect(handler.events.withLock { $0.becameWritable } == 0)
            try await blocking { #expect(client.receive(exactly: 400_000) == pattern(400_000)) }
            try await eventually { stream.isWritable }
            #expect(handler.events.withLock { $0.becameWritable } == 1)
        }
    }
}
