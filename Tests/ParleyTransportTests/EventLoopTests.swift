import Foundation
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(1))) struct EventLoopTests {
    @Test func `closures of each thread run in its order, on the loop, never inline`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let log = Lock<[(Int, Int)]>([])
            let threads = (0..<4).map { thread in
                RawThread {
                    for index in 0..<5000 {
                        loop.execute {
                            #expect(loop.isCurrent)
                            log.withLock { $0.append((thread, index)) }
                        }
                    }
                }
            }
            try await blocking { for thread in threads { thread.join() } }
            try await eventually { log.withLock { $0.count } == 20_000 }
            for thread in 0..<4 {
                #expect(log.withLock { log in log.filter { $0.0 == thread }.map(\.1) } == Array(0..<5000))
            }
            let inline = try await loop.run {
                let shared = Shared(false)
                loop.execute { shared.value.withLock { $0 = true } }
                return shared.value.withLock { $0 }
            }
            #expect(!inline)
        }
    }

    @Test func `a loop knows its own thread`() async throws {
        try await withLoops(2) { group in
            let (one, two) = (group.loops[0], group.loops[1])
            #expect(EventLoop.current == nil && !one.isCurrent)
            let seen = try await one.run { (EventLoop.current === one, one.isCurrent, two.isCurrent) }
            #expect(seen == (true, true, false))
        }
    }

    @Test func `a task that prefers the loop runs on its thread before and after it suspends`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let places = await Task(executorPreference: loop) {
                var places = [loop.isCurrent]
                await Task.yield()
                places.append(loop.isCurrent)
                try? await Task.sleep(for: .milliseconds(5))
                places.append(loop.isCurrent)
                places.append(await elsewhere())
                places.append(loop.isCurrent)
                return places
            }.value
            #expect(places == [true, true, true, true, true])
        }
    }

    /// A non-isolated asynchronous function inherits the task's executor preference.
    private func elsewhere() async -> Bool { EventLoop.current != nil }

    @Test func `an immediate task starts inline on the loop and resumes on it`() async throws {
        guard #available(macOS 26, *) else { return }
        try await withLoops { group in
            let loop = group.next()
            let log = Shared<[String]>([])
            let task = try await loop.run {
                let task = Task.immediate(executorPreference: loop) {
                    log.value.withLock { $0.append("start") }
                    try? await Task.sleep(for: .milliseconds(5))
                    log.value.withLock { $0.append(loop.isCurrent ? "on the loop" : "elsewhere") }
                }
                log.value.withLock { $0.append("after") }
                return task
            }
            await task.value
            #expect(log.value.withLock { $0 } == ["start", "after", "on the loop"])
        }
    }

    @Test func `tasks that yield for ever do not keep timers from firing`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let task = Task(executorPreference: loop) { while !Task.isCancelled { await Task.yield() } }
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Void, any Error>) in
                loop.execute { loop.schedule(after: .milliseconds(10)) { continuation.resume() } }
            }
            task.cancel()
            await task.value
        }
    }

    @Test func `clocks are cached for a turn`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let (difference, first, second) = try await loop.run {
                let first = loop.now
                usleep(20_000)
                return (Date().timeIntervalSince1970 - Double(loop.wallClockSeconds), first, loop.now)
            }
            #expect(difference >= 0 && difference < 2)
            #expect(first == second)
            try await eventually { try await loop.run { loop.now > first } }
        }
    }

    @Test func `loops are handed out in turn, and threads carry their names`() async throws {
        try await withLoops(3) { group in
            #expect((0..<6).map { _ in group.next().name } == (0..<6).map { "test-\($0 % 3)" })
            let name = try await group.loops[1].run {
                try String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
            }
            #expect(name == "test-1\n")
        }
    }

    @Test func `shutdown is idempotent, and refuses what comes later without losing tasks`() async throws {
        let group = try EventLoopGroup(count: 2)
        let loop = group.next()
        async let first: Void = group.shutdown()
        async let second: Void = group.shutdown()
        _ = await (first, second)
        await group.shutdown()
        #expect(loop.execute {} == false)
        await #expect(throws: TransportError.loopStopped) { try await loop.run {} }
        await #expect(throws: TransportError.loopStopped) { try await loop.offload {} }
        await #expect(throws: TransportError.loopStopped) {
            try await TCPConnection.connect(to: "127.0.0.1", port: 1, on: loop) { _ in EchoHandler() }
        }
        #expect(await Task(executorPreference: loop) { 7 }.value == 7)
    }

    @Test func `a task on the loop can shut its own group down`() async throws {
        let group = try EventLoopGroup(count: 1)
        await Task(executorPreference: group.next()) { await group.shutdown() }.value
    }
}

/// A value behind a lock that closures can share.
final class Shared<Value: Sendable>: Sendable {
    let value: Lock<Value>
    init(_ value: Value) { self.value = Lock(value) }
}
