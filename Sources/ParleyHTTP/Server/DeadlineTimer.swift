import ParleyTransport

/// One timer for whatever is due next. A deadline that moves away costs nothing: the timer fires at the earlier point,
/// and is armed again by whoever looks at the time then.
struct DeadlineTimer {
    private var timer: LoopTimer?
    /// When the timer fires; nil when it doesn't run.
    private var deadline: MonotonicInstant?

    /// False when the timer fires at the deadline or before anyway: then nothing needs to be done.
    func isLate(for next: MonotonicInstant) -> Bool {
        guard let deadline else { return true }
        return deadline > next
    }

    /// Makes the closure be called at the deadline. The closure of the first call is the one that stays, up to
    /// ``stop()``, which ends a cycle of references too.
    mutating func arm(_ next: MonotonicInstant, on loop: EventLoop, _ fire: @escaping () -> Void) {
        deadline = next
        let delay = loop.now.duration(to: next)
        if let timer {
            timer.reschedule(after: delay)
        } else {
            timer = loop.schedule(after: delay, fire)
        }
    }

    /// To be called first when the timer fired.
    mutating func fired() { deadline = nil }

    mutating func stop() {
        timer?.cancel()
        timer = nil
        deadline = nil
    }
}
