import ParleyTransport

/// A clock that stands still until it is told to go on: for tests of everything that waits.
///
/// A server that is tested with it (`Application.test(.memory(clock:))`) takes the time of all its timers from it: idle
/// connections, bodies that stall, heartbeats. It is a `Clock` too, to be handed to code that sleeps.
///
/// ```swift
/// let clock = ManualClock()
/// try await app.test(.memory(clock: clock)) { client in
///     let connection = try await client.connect()
///     await clock.advance(by: .seconds(75))          // the server closes what is idle that long
///     #expect(try await connection.read() == nil)
/// }
/// ```
public final class ManualClock: Clock, Sendable {
    /// A point of the clock's time, which begins at zero.
    public struct Instant: InstantProtocol {
        /// The time since the clock was made.
        public var offset: Duration

        /// The point at which that much time has passed since the clock was made.
        public init(offset: Duration) { self.offset = offset }

        /// The instant that much later.
        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }

        /// The time from this instant to another.
        public func duration(to other: Instant) -> Duration { other.offset - offset }

        /// Whether the left instant is the earlier one.
        public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private struct Sleeper {
        var deadline: Instant
        var continuation: CheckedContinuation<Void, any Error>
    }

    /// A loop whose clock was stopped, and when that was.
    private struct StoppedLoop {
        var loop: EventLoop
        var start: MonotonicInstant
        var offset: Duration

        func instant(of time: Instant) -> MonotonicInstant { start.advanced(by: time.offset - offset) }

        func time(of instant: MonotonicInstant) -> Instant {
            Instant(offset: offset + start.duration(to: instant))
        }
    }

    private struct State {
        var now = Instant(offset: .zero)
        var sleepers: [Int: Sleeper] = [:]
        var nextSleeper = 0
        var loops: [StoppedLoop] = []
    }

    private let state = Lock(State())

    /// A clock that stands at zero.
    public init() {}

    /// What the clock shows.
    public var now: Instant { state.withLock { $0.now } }

    /// Zero: the clock is exact.
    public var minimumResolution: Duration { .zero }

    /// Waits until ``advance(by:)`` has brought the clock to the deadline. Throws `CancellationError`.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        let number = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isDue = state.withLock { state in
                    if Task.isCancelled || deadline <= state.now { return true }
                    state.sleepers[number] = Sleeper(deadline: deadline, continuation: continuation)
                    return false
                }
                guard isDue else { return }
                if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    continuation.resume()
                }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: number) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}

// MARK: - Advancing

extension ManualClock {
    /// Puts the clock forward. Timers and sleepers that are due meanwhile run in the order of their deadlines, each at its own
    /// time, and what they bring about on the tested server's loop is done when this returns.
    ///
    /// The server's timers count whole milliseconds.
    public func advance(by duration: Duration) async {
        let target = now.advanced(by: duration)
        await settle()
        while let next = await nextDeadline(before: target) { await move(to: next) }
        await move(to: target)
    }

    /// Lets a loop have its time from this clock. Call it on the loop, before the loop has timers.
    func take(_ loop: EventLoop) {
        loop.stopClock()
        let start = loop.now
        state.withLock { $0.loops.append(StoppedLoop(loop: loop, start: start, offset: $0.now.offset)) }
    }

    /// Forgets a loop that is about to stop.
    func release(_ loop: EventLoop) {
        state.withLock { $0.loops.removeAll { $0.loop === loop } }
    }

    private func nextDeadline(before target: Instant) async -> Instant? {
        let (now, loops, sleeper) = state.withLock { state in
            (state.now, state.loops, state.sleepers.values.map(\.deadline).min())
        }
        var deadlines = [sleeper].compactMap { $0 }
        for stopped in loops {
            guard let next = try? await stopped.loop.run({ stopped.loop.nextDeadline }) else { continue }
            // A timer that is set for now, again and again, must not keep the clock from going on.
            deadlines.append(max(stopped.time(of: next), now.advanced(by: .milliseconds(1))))
        }
        return deadlines.filter { $0 < target }.min()
    }

    private func move(to instant: Instant) async {
        let (loops, due) = state.withLock { state in
            state.now = max(state.now, instant)
            let due = state.sleepers.filter { $0.value.deadline <= instant }
            for number in due.keys { state.sleepers[number] = nil }
            return (state.loops, due.values.sorted { $0.deadline < $1.deadline })
        }
        for sleeper in due { sleeper.continuation.resume() }
        for stopped in loops {
            try? await stopped.loop.run { stopped.loop.setClock(stopped.instant(of: instant)) }
        }
        await settle()
    }

    /// Waits until the loops have nothing to do, several turns in a row: what a timer brings about takes some.
    private func settle() async {
        for loop in state.withLock({ $0.loops.map(\.loop) }) {
            var quietTurns = 0
            while quietTurns < 4 {
                await Task.yield()
                guard let isQuiet = try? await loop.run({ loop.isQuiet }) else { break }
                quietTurns = isQuiet ? quietTurns + 1 : 0
            }
        }
    }
}
