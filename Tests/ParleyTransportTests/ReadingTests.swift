import Glibc
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct ReadingTests {
    @Test func `while reading is paused the peer's window closes, and nothing is lost`() async throws {
        try await withLoops { group in
            var options = TCPListenerOptions()
            options.receiveBufferSize = 16384
            let server = try await Server.start(on: group, options: options) { _, stream in
                stream.pauseReading()
            }
            let client = try RawSocket(port: server.port)
            client.set(SO_SNDBUF, 16384)
            client.setNonblocking()
            let (stream, handler) = try await server.accepted.first()
            let bytes = pattern(4_000_000)
            var sent = 0
            let end = ContinuousClock.now + .milliseconds(300)
            while sent < bytes.count, ContinuousClock.now < end {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(client.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count > 0 { sent += count }
            }
            #expect(sent < bytes.count)
            #expect(handler.received.isEmpty)
            let total = sent
            try await stream.loop.run { stream.resumeReading() }
            try await eventually { handler.events.withLock { $0.received.count } == total }
            #expect(handler.received == Array(bytes[..<total]))
        }
    }

    @Test func `a handler pauses in the middle of its input, and resumes later`() async throws {
        try await withLoops { group in
            let server = try await Server.start(on: group) { handler, _ in
                handler.onReceive = { _, stream in
                    stream.pauseReading()
                    stream.loop.schedule(after: .milliseconds(5)) { stream.resumeReading() }
                }
            }
            let client = try RawSocket(port: server.port)
            let (_, handler) = try await server.accepted.first()
            let bytes = pattern(2_000_000)
            #expect(try await blocking { client.send(bytes) })
            try await eventually { handler.events.withLock { $0.received.count } == bytes.count }
            #expect(handler.received == bytes)
            #expect(handler.events.withLock { $0.reads } > 1)
        }
    }

    @Test func `a handler replaces itself, and the new one gets what follows`() async throws {
        try await withLoops { group in
            let second = RecordingHandler()
            let server = try await Server.start(on: group) { handler, _ in
                handler.onReceive = { _, stream in
                    stream.handler = second
                    send("switched", on: stream)
                }
            }
            let client = try RawSocket(port: server.port)
            client.send("one")
            #expect(try await blocking { client.receiveText(8) } == "switched")
            client.send("two")
            try await eventually { second.received == Array("two".utf8) }
            client.resetOnClose()
            client.shutdownWrite()
            try await eventually { second.events.withLock { $0.ends } == 1 }
            #expect(server.accepted.allHandlers[0].received == Array("one".utf8))
        }
    }

    @Test func `the peer's FIN ends one direction only`() async throws {
        try await withLoops { group in
            let server = try await Server.start(on: group) { handler, _ in
                handler.onEnd = { stream in send("still here", on: stream) }
            }
            let client = try RawSocket(port: server.port)
            client.send("bye")
            client.shutdownWrite()
            #expect(try await blocking { client.receiveText(10) } == "still here")
            let (stream, handler) = try await server.accepted.first()
            #expect(handler.reason == nil)
            #expect(handler.events.withLock { $0.ends } == 1)
            try await stream.loop.run {
                stream.pauseReading()
                stream.resumeReading()
            }
            stream.close(linger: .seconds(5))
            #expect(try await blocking { client.receive() } == [])
            try await eventually { handler.reason == .closed }
            #expect(handler.events.withLock { $0.ends } == 1)
        }
    }

    @Test func `the peer's RST closes the stream`() async throws {
        try await withLoops { group in
            let server = try await Server.start(on: group)
            var client: RawSocket? = try RawSocket(port: server.port)
            client?.send("x")
            let (stream, handler) = try await server.accepted.first()
            try await eventually { handler.received == [UInt8(ascii: "x")] }
            client?.resetOnClose()
            client = nil
            try await eventually { handler.reason == .peer }
            #expect(try await stream.loop.run { stream.handler == nil })
            #expect(server.listener.connectionCount == 0)
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
            let listener = try await TCPListener.bind(host: "127.0.0.1", port: 0, group: group) { _ in Upper()
            }
            let client = try RawSocket(port: listener.localAddress.port)
            client.send("parley")
            #expect(try await blocking { client.receiveText(6) } == "PARLEY")
        }
    }
}
