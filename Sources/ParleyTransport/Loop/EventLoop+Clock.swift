import CUV

extension EventLoop {
    /// What ``stoppedMilliseconds`` is while time passes by itself.
    static let runningClock = UInt64.max

    /// The time, where a test has stopped the clock.
    var stoppedClock: MonotonicInstant? {
        let milliseconds = stoppedMilliseconds.load(ordering: .relaxed)
        return milliseconds == Self.runningClock ? nil : MonotonicInstant(milliseconds: milliseconds)
    }

    /// The monotonic time of this loop's timers, for other threads too: ``now`` is as of the turn's begin, and this is not.
    public var instant: MonotonicInstant {
        stoppedClock ?? MonotonicInstant(milliseconds: uv_hrtime() / 1_000_000)
    }

    /// Stops the loop's clock: from now on time passes by ``setClock(_:)`` only, so that tests of timers take no
    /// time. On the loop only, and before it has timers.
    package func stopClock() {
        stoppedMilliseconds.store(now.milliseconds, ordering: .relaxed)
    }

    /// The deadline of the timer that fires next; it may turn out to have been put off. Loop only.
    package var nextDeadline: MonotonicInstant? {
        timers.nextDeadline.map { MonotonicInstant(milliseconds: $0) }
    }

    /// Puts a stopped clock forward, and fires the timers that are due by then. Loop only.
    package func setClock(_ instant: MonotonicInstant) {
        guard let current = stoppedClock, instant >= current else { return }
        stoppedMilliseconds.store(instant.milliseconds, ordering: .relaxed)
        fireTimers()
    }

    /// True when nothing is queued on the loop. Loop only.
    package var isQuiet: Bool { localWork.isEmpty && dirty.isEmpty }
}
