import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("The store of sessions in memory")
struct MemorySessionStoreTests {
    final class Clock: Sendable {
        private let instant = Lock(ContinuousClock.now)
        var now: ContinuousClock.Instant { instant.withLock { $0 } }
        func advance(_ duration: Duration) { instant.withLock { $0 = $0.advanced(by: duration) } }
    }

    private let clock = Clock()

    private func store(count: Int = 3, bytes: Int = 1000) -> MemorySessionStore {
        MemorySessionStore(maximumCount: count, maximumBytes: bytes) { [clock] in clock.now }
    }

    @Test("contents are over with their time, which an update begins anew")
    func expiry() async {
        let store = store()
        await store.create("a", [1], timeToLive: .seconds(10))
        clock.advance(.seconds(9))
        #expect(await store.load("a") == [1])
        #expect(await store.update("a", [2], timeToLive: .seconds(10)))
        clock.advance(.seconds(9))
        #expect(await store.load("a") == [2])
        clock.advance(.seconds(1))
        #expect(await store.load("a") == nil)
        #expect(await !store.update("a", [3], timeToLive: .seconds(10)))
        #expect(store.count == 0)
    }

    @Test("those that weren't saved for longest go first, by number and by bytes")
    func bounds() async {
        let store = store()
        for id in ["a", "b", "c"] { await store.create(id, [1], timeToLive: .seconds(10)) }
        #expect(await store.update("a", [1], timeToLive: .seconds(10)))
        await store.create("d", [1], timeToLive: .seconds(10))
        #expect(await store.load("b") == nil)
        #expect(await store.load("a") != nil && store.count == 3)
        await store.create("e", [UInt8](repeating: 0, count: 999), timeToLive: .seconds(10))
        #expect(await store.load("a") == nil && store.count == 2)
        await store.create("f", [UInt8](repeating: 0, count: 1001), timeToLive: .seconds(10))
        #expect(store.count == 0, "one that is too large for the whole store isn't kept")
    }

    @Test("what is over is removed by others' saving")
    func removal() async {
        let store = store(count: 1000)
        for index in 0..<500 { await store.create("\(index)", [1], timeToLive: .seconds(10)) }
        clock.advance(.seconds(10))
        await store.create("new", [1], timeToLive: .seconds(10))
        #expect(store.count == 1)
    }

    @Test("a million saves of one session hold one place")
    func queue() {
        var table = SessionTable(maximumCount: 10, maximumBytes: 1000)
        let now = ContinuousClock.now
        for _ in 0..<1_000_000 { table.save("a", [1], expiry: now.advanced(by: .seconds(1)), at: now) }
        #expect(table.count == 1 && table.places <= 66)
    }
}
