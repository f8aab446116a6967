import ParleyTransport
import Testing

@testable import ParleyRealtime

@Suite("Clients that send too much")
struct FloodTests {
    private func makeRealtime(_ limit: FloodLimit, _ journal: SynchronousJournal) -> Realtime {
        var options = RealtimeOptions()
        options.flood = limit
        let realtime = Realtime(options: options)
        realtime.root.on("n") { (_: Socket, number: Int) in journal.add("\(number)") }
        realtime.root.onFlood { _, report in journal.add("\(report.measure) \(report.action)") }
        realtime.root.onDisconnect { _, reason in journal.add(reason.rawValue) }
        return realtime
    }

    private func join(_ realtime: Realtime, _ manual: ManualLoop) async throws -> WebSocketClient {
        let client = try await WebSocketClient.open(realtime, loop: manual.loop)
        await client.send("40")
        _ = try await client.next()
        #expect(try await client.next().hasPrefix("40"))
        return client
    }

    @Test("a bucket gives so much in the long run, and so much at once")
    func bucket() {
        var bucket = TokenBucket(perSecond: 10, burst: .seconds(2))
        var now = MonotonicInstant(milliseconds: 5)
        bucket.refill(now: now)
        for _ in 0..<20 {
            #expect(bucket.covers(1))
            bucket.take(1)
        }
        #expect(!bucket.covers(1) && bucket.settled == .zero)
        now = now.advanced(by: .milliseconds(100))
        bucket.refill(now: now)
        #expect(bucket.covers(1) && !bucket.covers(2))
        bucket.take(11)
        #expect(bucket.settled == .seconds(1))
        bucket.refill(now: nil)
        bucket.refill(now: now.advanced(by: .milliseconds(-50)))
        #expect(bucket.settled == .seconds(1))
        bucket.refill(now: now.advanced(by: .seconds(1)))
        #expect(bucket.settled == .zero)
        bucket.refill(now: now.advanced(by: .seconds(100_000_000_000)))
        #expect(bucket.covers(20))
        #expect(bucket.covers(1 << 40), "what is larger than the bucket needs a full one")
        bucket.take(1)
        #expect(!bucket.covers(1 << 40))
    }

    @Test("extreme numbers neither trap nor wrap")
    func extremes() {
        for rate in [Int.min, 0, 1, Int.max] {
            var bucket = TokenBucket(perSecond: rate, burst: .seconds(Int64.max / 2))
            bucket.refill(now: MonotonicInstant(milliseconds: 0))
            for amount in [Int.max, Int.min, 0] { bucket.take(amount) }
            bucket.refill(now: MonotonicInstant(milliseconds: .max))
            #expect(bucket.settled >= .zero)
        }
    }

    @Test("by pause: it is not read from until it is within the limit, and nothing is lost")
    func pause() async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        let realtime = makeRealtime(FloodLimit(packetsPerSecond: 10, burst: .seconds(1)), journal)
        let client = try await join(realtime, manual)
        await client.send((0..<9).map { #"42["n",\#($0)]"# })
        #expect(!client.isPaused)
        await client.send((9..<20).map { #"42["n",\#($0)]"# })
        try await manual.settle()
        #expect(client.isPaused)
        #expect(journal.entries == (0..<9).map { "\($0)" } + ["packets pause"] + (9..<20).map { "\($0)" })
        try await manual.advance(by: .milliseconds(1000))
        #expect(client.isPaused)
        try await manual.advance(by: .milliseconds(200))
        #expect(!client.isPaused && realtime.metrics.floods == 1)
        await manual.end()
    }

    @Test("a client that goes amid a long pause is not held until its end")
    func goneAmidPause() async throws {
        let manual = try await ManualLoop()
        let realtime = makeRealtime(FloodLimit(packetsPerSecond: 1, burst: .seconds(1)), SynchronousJournal())
        final class Witness: @unchecked Sendable { weak var client: Client? }
        let witness = Witness()
        do {
            let client = try await join(realtime, manual)
            witness.client = realtime.root.sockets.first?.client
            await client.send((0..<500).map { #"42["n",\#($0)]"# })
            // The first pause is for what was too much then; the next one for all of it.
            try await manual.advance(by: .seconds(2))
            #expect(client.isPaused)
            await client.disconnect()
        }
        try await manual.advance(by: .seconds(6))
        #expect(witness.client == nil)
        await manual.end()
    }

    @Test("by drop: events are dropped while it is over the limit, and heard again when it is not")
    func drop() async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        let realtime = makeRealtime(
            FloodLimit(packetsPerSecond: 10, burst: .seconds(1), action: .drop), journal)
        let client = try await join(realtime, manual)
        await client.send((0..<50).map { #"42["n",\#($0)]"# })
        #expect(journal.entries == (0..<9).map { "\($0)" } + ["packets drop"])
        #expect(realtime.metrics.floodDropped == 41)
        try await manual.advance(by: .milliseconds(100))
        await client.send([#"42["n",50]"#, #"42["n",51]"#])
        #expect(journal.entries.suffix(2) == ["50", "packets drop"])
        #expect(!client.isClosed && !client.isPaused)
        await manual.end()
    }

    @Test("by disconnect, for bytes, of which attachments count too")
    func disconnect() async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        let realtime = makeRealtime(
            FloodLimit(bytesPerSecond: 1000, burst: .seconds(1), action: .disconnect), journal)
        let client = try await join(realtime, manual)
        let text = String(repeating: "x", count: 200)
        await client.send((0..<3).map { #"42["n",\#($0),"\#(text)"]"# })
        #expect(journal.entries == ["0", "1", "2"])
        await client.send((3..<9).map { #"42["n",\#($0),"\#(text)"]"# })
        #expect(journal.entries == ["0", "1", "2", "3", "bytes disconnect", "flood"])
        await manual.end()
    }

    @Test("a polling client's POST is answered when it is within the limit again")
    func polling() async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        let realtime = makeRealtime(FloodLimit(packetsPerSecond: 10, burst: .seconds(1)), journal)
        let client = try await PollingClient(realtime, loop: manual.loop)
        try await client.send("40")
        let packets = (0..<20).map { #"42["n",\#($0)]"# }.joined(separator: "\u{1E}")
        let loop = manual.loop
        let answered = SynchronousJournal()
        let post = Task(executorPreference: loop) {
            _ = try await client.send(packets)
            answered.add("ok")
        }
        _ = try await journal.wait(for: 21)
        try await manual.advance(by: .milliseconds(900))
        #expect(answered.entries.isEmpty)
        try await manual.advance(by: .milliseconds(300))
        try await post.value
        #expect(answered.entries == ["ok"])
        await manual.end()
    }
}
