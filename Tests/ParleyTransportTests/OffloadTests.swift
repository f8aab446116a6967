import Foundation
import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(1))) struct OffloadTests {
    struct Failure: Error {}

    @Test func `blocking work runs off the loop, and its result and errors come back`() async throws {
        try await withLoops { group in
            let loop = group.next()
            #expect(try await loop.offload { EventLoop.current == nil })
            await #expect(throws: Failure.self) { try await loop.offload { throw Failure() } }
            let results = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for index in 0..<200 { tasks.addTask { try await loop.offload { index } } }
                return try await tasks.reduce(0, +)
            }
            #expect(results == 199 * 100)
        }
    }

    @Test func `the task comes back to the loop that it prefers`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let isBack = try await Task(executorPreference: loop) {
                _ = try await loop.offload { 1 }
                return loop.isCurrent
            }.value
            #expect(isBack)
        }
    }

    @Test func `work that is cancelled before it begins is not done`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let (begun, isReleased) = (Shared(0), Shared(false))
            // The pool has 4 threads.
            let blockers = (0..<8).map { _ in
                Task {
                    try await loop.offload {
                        begun.value.withLock { $0 += 1 }
                        while !isReleased.value.withLock({ $0 }) { usleep(1000) }
                    }
                }
            }
            try await eventually { begun.value.withLock { $0 } == 4 }
            let wasDone = Shared(false)
            let task = Task { try await loop.offload { wasDone.value.withLock { $0 = true } } }
            try await Task.sleep(for: .milliseconds(10))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            isReleased.value.withLock { $0 = true }
            for blocker in blockers { try await blocker.value }
            #expect(!wasDone.value.withLock { $0 })
        }
    }

    @Test func `a loop that stops awaits work that has begun`() async throws {
        let group = try EventLoopGroup(count: 1)
        let loop = group.next()
        let hasBegun = Shared(false)
        let task = Task {
            try await loop.offload {
                hasBegun.value.withLock { $0 = true }
                usleep(100_000)
                return 5
            }
        }
        try await eventually { hasBegun.value.withLock { $0 } }
        await group.shutdown()
        #expect(try await task.value == 5)
    }
}

@Suite(.timeLimit(.minutes(1))) struct SignalTests {
    @Test func `a signal is delivered on the loop until its source is cancelled`() async throws {
        try await withLoops { group in
            let loop = group.next()
            let count = Shared(0)
            let source = try await loop.onSignal(SIGUSR1) {
                #expect(loop.isCurrent)
                count.value.withLock { $0 += 1 }
            }
            kill(getpid(), SIGUSR1)
            try await eventually { count.value.withLock { $0 } == 1 }
            kill(getpid(), SIGUSR1)
            try await eventually { count.value.withLock { $0 } == 2 }
            source.cancel()
            source.cancel()
            try await eventually { try await loop.run { loop.openResources == 0 } }
        }
    }

    @Test func `a signal that cannot be caught is an error`() async throws {
        try await withLoops { group in
            await #expect(throws: TransportError.self) { try await group.next().onSignal(SIGKILL) {} }
        }
    }
}
