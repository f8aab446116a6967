import Glibc
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct ClosingTests {
    @Test func `close writes what is pending, sends FIN, and waits for the peer's`() async throws {
        try await withLoops { group in
            let server = try await Server.start(on: group)
            let client = try RawSocket(port: server.port, receiveBuffer: 16384)
            let (stream, handler) = try await server.accepted.first()
            let bytes = pattern(900_000)
            stream.send(bytes.span)
            stream.close(linger: .seconds(60))
            send("too late", on: stream)
            #expect(!stream.isWritable)
            try await blocking {
                #expect(client.receive(exactly: 1000) == Array(bytes[..<1000]))
                client.send("discarded")
                #expect(client.receive(exactly: 899_000) == Array(bytes[1000...]))
                #expect(client.receive() == [])
            }
            try await Task.sleep(for: .milliseconds(50))
            #expect(handler.reason == nil)
            client.shutdownWrite()
            try await eventually { handler.reason == .closed }
            #expect(handler.received.isEmpty)
            #expect(try await stream.loop.run { stream.handler == nil })
        }
    }

    @Test func `a peer that does not close is left when the linger time has passed`() async throws {
        try await withLoops { group in
            let server = try await Server.start(on: group)
            let client = try RawSocket(port: server.port)
            let (stream, handler) = try await server.accepted.first()
            let start = ContinuousClock.now
            stream.close(linger: .milliseconds(100))
            #expect(try await blocking { client.receive() } == [])
            try await eventually { handler.reason == .closed }
            #expect(ContinuousClock.now - start >= .milliseconds(99))
            #expect(server.listener.connectionCount == 0)
        }
    }

    @Test func `a peer that sends on while this side lingers still gets every byte of the answer`()
        async throws
    {
        try await withLoops { group in
            let server = try await Server.start(on: group) { handler, _ in
                handler.onReceive = { _, stream in
                    send("413", on: stream)
                    stream.close(linger: .seconds(5))
                }
            }
            let client = try RawSocket(port: server.port)
            try await blocking {
                for _ in 0..<100 { client.send(pattern(20_000)) }
                #expect(client.receiveText(3) == "413")
                #expect(client.receive() == [])
            }
            client.shutdownWrite()
            let (_, handler) = try await server.accepted.first()
            try await eventually { handler.reason == .closed }
        }
    }

    @Test func `reset discards what is pending, and the peer learns that it did not get everything`()
        async throws
    {
        try await withLoops { group in
            let server = try await Server.start(on: group)
            let client = try RawSocket(port: server.port, receiveBuffer: 16384)
            let (stream, handler) = try await server.accepted.first()
            stream.send(pattern(3_000_000).span)
            stream.close(linger: .seconds(60))
            try await eventually { client.receive(1)?.count == 1 }
            stream.reset()
            stream.reset()
            try await eventually { handler.reason == .reset }
            try await blocking {
                while let bytes = client.receive(), !bytes.isEmpty {}
                #expect(errno == ECONNRESET)
            }
        }
    }

    @Test(arguments: ["reset", "close", "close and reset", "replace and reset"])
    func `a handler may end its stream while it receives`(how: String) async throws {
        try await withLoops { group in
            let replacement = RecordingHandler()
            let server = try await Server.start(on: group) { handler, _ in
                handler.onReceive = { [unowned handler] _, stream in
                    if how == "replace and reset" { stream.handler = replacement }
                    if how.hasPrefix("close") { stream.close(linger: .zero) }
                    if how.hasSuffix("reset") { stream.reset() }
                    // The end comes later: nothing is called in the midst of this.
                    #expect(handler.reason == nil && replacement.reason == nil)
                }
            }
            let client = try RawSocket(port: server.port)
            client.send("x")
            let (_, first) = try await server.accepted.first()
            let handler = how == "replace and reset" ? replacement : first
            try await eventually { handler.reason != nil }
            #expect(handler.reason == (how == "close" ? .closed : .reset))
            try await eventually { server.listener.connectionCount == 0 }
        }
    }

    @Test func `a stream refused in the accept handler is closed and told so`() async throws {
        try await withLoops { group in
            let server = try await Server.start(on: group) { _, stream in
                send("busy", on: stream)
                stream.close(linger: .zero)
            }
            let client = try RawSocket(port: server.port)
            #expect(try await blocking { client.receiveText(5) } == "busy")
            let (_, handler) = try await server.accepted.first()
            try await eventually { handler.reason == .closed }
        }
    }

    @Test func `nothing is received after the handler ended its stream, however much has arrived`()
        async throws
    {
        try await withLoops { group in
            let server = try await Server.start(on: group) { handler, stream in
                stream.pauseReading()
                handler.onReceive = { _, stream in stream.close(linger: .milliseconds(50)) }
            }
            let client = try RawSocket(port: server.port)
            let (stream, handler) = try await server.accepted.first()
            // More than the loop's buffer holds, so that libuv reads several times in one turn.
            let bytes = pattern(1_000_000)
            let sender = RawThread { client.send(bytes) }
            try await Task.sleep(for: .milliseconds(50))
            try await stream.loop.run { stream.resumeReading() }
            try await eventually { handler.reason == .closed }
            #expect(handler.events.withLock { $0.reads } == 1)
            try await blocking { sender.join() }
        }
    }

    @Test func `shutdown resets open connections and tells their handlers`() async throws {
        let group = try EventLoopGroup(count: 2)
        let server = try await Server.start(on: group)
        let clients = try (0..<20).map { _ in try RawSocket(port: server.port) }
        try await eventually { server.accepted.all.count == 20 }
        await group.shutdown()
        #expect(server.accepted.allHandlers.allSatisfy { $0.reason == .reset })
        #expect(server.listener.connectionCount == 0)
        for client in clients { #expect(client.receive() == nil) }
        await server.listener.close()
        // What is called afterwards is harmless.
        for stream in server.accepted.all {
            send("x", on: stream)
            stream.reset()
            stream.close(linger: .seconds(1))
            #expect(!stream.isWritable && stream.pendingBytes == 0)
        }
    }
}
