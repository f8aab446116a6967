extension EventLoop {
    /// Stops the loop's clock: from now on time passes by ``setClock(_:)`` only, so that tests of timers take no
    /// time. On the loop only, and before it has timers.
    package func stopClock() {
        stoppedClock = now
    }

    /// The deadline of the timer that fires next; it may turn out to have been put off. Loop only.
    package var nextDeadline: MonotonicInstant? {
        timers.nextDeadline.map { MonotonicInstant(milliseconds: $0) }
    }

    /// Puts a stopped clock forward, and fires the timers that are due by then. Loop only.
    package func setClock(_ instant: MonotonicInstant) {
        guard let current = stoppedClock, instant >= current else { return }
        stoppedClock = instant
        fireTimers()
    }

    /// True when nothing is queued on the loop. Loop only.
    package var isQuiet: Bool { localWork.isEmpty && dirty.isEmpty }
}
