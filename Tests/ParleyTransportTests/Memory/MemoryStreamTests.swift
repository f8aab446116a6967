import Testing

@testable import ParleyTransport

@Suite("Connections in memory")
struct MemoryStreamTests {
    /// What a handler heard, in words.
    private final class Recorder: ByteStreamHandler, Sendable {
        let heard = Lock<[String]>([])
        private func note(_ text: String) { heard.withLock { $0.append(text) } }

        func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
            note("received \(bytes.count)")
        }
        func receivedEnd(from stream: any ByteStream) { note("end") }
        func becameWritable(_ stream: any ByteStream) { note("writable") }
        func closed(_ stream: any ByteStream, reason: CloseReason) { note("closed \(reason)") }
    }

    private struct Pair: Sendable {
        let group: EventLoopGroup
        let client: MemoryStream
        let server: MemoryStream
        let clientHeard = Recorder()
        let serverHeard = Recorder()

        init(limits: StreamLimits = StreamLimits()) async throws {
            group = try EventLoopGroup(count: 1)
            let loop = group.loops[0]
            (client, server) = MemoryStream.pair(on: loop, limits: limits)
            let (client, server, clientHeard, serverHeard) = (client, server, clientHeard, serverHeard)
            try await loop.run {
                client.handler = clientHeard
                server.handler = serverHeard
            }
        }

        /// Lets the loop take some turns.
        func settle() async throws {
            for _ in 0..<4 { try await group.loops[0].run {} }
        }

        /// Waits until both ends are closed.
        func waitUntilClosed() async throws {
            for _ in 0..<500 where clientHeard.heard.withLock({ !$0.contains { $0.hasPrefix("closed") } }) {
                try await Task.sleep(for: .milliseconds(10))
            }
        }

        var heard: ([String], [String]) {
            (clientHeard.heard.withLock { $0 }, serverHeard.heard.withLock { $0 })
        }
    }

    @Test("what is sent on a turn arrives as one piece, both ways")
    func delivery() async throws {
        let pair = try await Pair()
        let (client, server) = (pair.client, pair.server)
        try await pair.group.loops[0].run {
            client.send([1, 2].span)
            client.send(shared: [3])
            server.send([4].span)
        }
        try await pair.settle()
        #expect(pair.heard == (["received 1"], ["received 3"]))
        await pair.group.shutdown()
    }

    @Test("a paused reader fills the other end's outbox, and empties it when it resumes")
    func backpressure() async throws {
        let pair = try await Pair(limits: StreamLimits(highWatermark: 1000, lowWatermark: 500))
        let (client, server) = (pair.client, pair.server)
        try await pair.group.loops[0].run { server.pauseReading() }
        client.send([UInt8](repeating: 0, count: 900).span)
        try await pair.settle()
        #expect(client.isWritable && client.pendingBytes == 900)
        client.send([UInt8](repeating: 0, count: 200).span)
        try await pair.settle()
        #expect(!client.isWritable && client.pendingBytes == 1100)
        #expect(pair.heard == ([], []))
        try await pair.group.loops[0].run { server.resumeReading() }
        try await pair.settle()
        #expect(client.isWritable && client.pendingBytes == 0)
        #expect(pair.heard == (["writable"], ["received 1100"]))
        await pair.group.shutdown()
    }

    @Test("a reader that takes nothing for the stall time is cut off")
    func stall() async throws {
        let pair = try await Pair(limits: StreamLimits(stallTimeout: .milliseconds(30)))
        let (client, server) = (pair.client, pair.server)
        try await pair.group.loops[0].run { server.pauseReading() }
        client.send([1].span)
        try await pair.waitUntilClosed()
        #expect(pair.heard == (["closed slowPeer"], ["closed peer"]))
        await pair.group.shutdown()
    }

    @Test("an end passes behind what was sent; the connection closes when both have ended")
    func close() async throws {
        let pair = try await Pair()
        let (client, server) = (pair.client, pair.server)
        client.send([1].span)
        client.close(linger: .seconds(5))
        client.send([2].span)
        try await pair.settle()
        #expect(pair.heard == ([], ["received 1", "end"]))
        server.send([1].span)
        server.close(linger: .seconds(5))
        try await pair.settle()
        #expect(pair.heard == (["closed closed"], ["received 1", "end", "closed closed"]))
        #expect(!client.isWritable && !server.isWritable)
        await pair.group.shutdown()
    }

    @Test("a close that nobody answers ends when it has lingered")
    func linger() async throws {
        let pair = try await Pair()
        pair.client.close(linger: .milliseconds(20))
        try await pair.waitUntilClosed()
        #expect(pair.heard == (["closed closed"], ["end", "closed peer"]))
        await pair.group.shutdown()
    }

    @Test("a reset discards what is pending, and the other end hears of its peer's doing")
    func reset() async throws {
        let pair = try await Pair()
        let client = pair.client
        try await pair.group.loops[0].run {
            client.send([1].span)
            client.reset()
        }
        try await pair.settle()
        #expect(pair.heard == (["closed reset"], ["closed peer"]))
        await pair.group.shutdown()
    }
}
