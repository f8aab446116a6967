import Testing

@testable import ParleyTransport

@Suite struct MonotonicInstantTests {
    @Test func `saturates instead of overflowing`() {
        let late = MonotonicInstant(milliseconds: .max - 1)
        #expect(late.advanced(by: .seconds(1)).milliseconds == .max)
        #expect(MonotonicInstant(milliseconds: 5).advanced(by: .seconds(-1)).milliseconds == 0)
        #expect(Duration.seconds(Int64.max).wholeMilliseconds == .max)
    }

    @Test func `rounds up, so that a timer is never early`() {
        #expect(Duration.microseconds(1).wholeMilliseconds == 1)
        #expect(Duration.milliseconds(1).wholeMilliseconds == 1)
        #expect(Duration.microseconds(1001).wholeMilliseconds == 2)
        #expect(Duration.seconds(-3).wholeMilliseconds == 0)
    }

    @Test func `measures both ways`() {
        let (early, late) = (MonotonicInstant(milliseconds: 100), MonotonicInstant(milliseconds: 350))
        #expect(early.duration(to: late) == .milliseconds(250))
        #expect(late.duration(to: early) == .milliseconds(-250))
        #expect(early < late)
    }
}

@Suite(.timeLimit(.minutes(1))) struct TimerTests {
    private func onLoop<Result: Sendable>(
        _ body: @escaping @Sendable (EventLoop, CheckedContinuation<Result, any Error>) -> Void
    ) async throws -> Result {
        try await withLoops { group in
            let loop = group.next()
            return try await withCheckedThrowingContinuation { continuation in
                loop.execute { body(loop, continuation) }
            }
        }
    }

    private final class Log { var entries: [Int] = [] }

    @Test func `timers fire by deadline, and in the order of scheduling where deadlines are the same`()
        async throws
    {
        let order = try await onLoop { loop, continuation in
            let log = Log()
            for (index, delay) in [30, 10, 20, 10, 0, 30].enumerated() {
                loop.schedule(after: .milliseconds(delay)) { log.entries.append(index) }
            }
            loop.schedule(after: .milliseconds(40)) { continuation.resume(returning: log.entries) }
        }
        #expect(order == [4, 1, 3, 2, 0, 5])
    }

    @Test func `a cancelled timer does not fire, and can be started again`() async throws {
        let order = try await onLoop { loop, continuation in
            let log = Log()
            let cancelled = loop.schedule(after: .milliseconds(5)) { log.entries.append(1) }
            let restarted = loop.schedule(after: .milliseconds(5)) { log.entries.append(2) }
            cancelled.cancel()
            cancelled.cancel()
            restarted.cancel()
            restarted.reschedule(after: .milliseconds(10))
            loop.schedule(after: .milliseconds(30)) {
                #expect(!cancelled.isScheduled && !restarted.isScheduled)
                continuation.resume(returning: log.entries)
            }
        }
        #expect(order == [2])
    }

    @Test func `a timer is put off and brought forward`() async throws {
        let order = try await onLoop { loop, continuation in
            let log = Log()
            let putOff = loop.schedule(after: .milliseconds(5)) { log.entries.append(1) }
            let broughtForward = loop.schedule(after: .seconds(100)) { log.entries.append(2) }
            loop.schedule(after: .milliseconds(15)) { log.entries.append(3) }
            putOff.reschedule(after: .milliseconds(25))
            putOff.reschedule(after: .milliseconds(20))
            broughtForward.reschedule(after: .milliseconds(2))
            loop.schedule(after: .milliseconds(40)) { continuation.resume(returning: log.entries) }
        }
        #expect(order == [2, 3, 1])
    }

    @Test func `a timer that restarts itself at once does not keep the loop from its other work`()
        async throws
    {
        let rounds = try await onLoop { loop, continuation in
            let log = Log()
            final class Box { var timer: LoopTimer? }
            let box = Box()
            box.timer = loop.schedule(after: .zero) {
                log.entries.append(0)
                box.timer?.reschedule(after: .zero)
            }
            loop.schedule(after: .milliseconds(20)) {
                box.timer?.cancel()
                box.timer = nil
                continuation.resume(returning: log.entries.count)
            }
        }
        #expect(rounds > 1)
    }

    @Test func `100,000 timers are scheduled, half of them cancelled, and the others fire in order`()
        async throws
    {
        let (fired, isSorted) = try await onLoop { loop, continuation in
            let log = Log()
            var generator = SystemRandomNumberGenerator()
            let timers = (0..<100_000).map { _ in
                let delay = Int.random(in: 0..<200, using: &generator)
                return loop.schedule(after: .milliseconds(delay)) { log.entries.append(delay) }
            }
            for index in stride(from: 0, to: timers.count, by: 2) { timers[index].cancel() }
            loop.schedule(after: .milliseconds(250)) {
                let isSorted = zip(log.entries, log.entries.dropFirst()).allSatisfy { $0 <= $1 }
                continuation.resume(returning: (log.entries.count, isSorted))
            }
        }
        #expect(fired == 50_000)
        #expect(isSorted)
    }

    @Test func `putting a timer off 100,000 times leaves one entry in the queue`() async throws {
        let (count, fired) = try await onLoop { loop, continuation in
            let log = Log()
            let timer = loop.schedule(after: .milliseconds(1)) { log.entries.append(0) }
            for index in 0..<100_000 { timer.reschedule(after: .milliseconds(index % 7)) }
            let count = loop.timers.count
            loop.schedule(after: .milliseconds(30)) {
                continuation.resume(returning: (count, log.entries.count))
            }
        }
        #expect(count == 1)
        #expect(fired == 1)
    }
}
