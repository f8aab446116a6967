/// A timer of an event loop; see ``EventLoop/schedule(after:_:)``. Use it on its loop only.
///
/// The timer keeps its closure, also after it fired or was cancelled, so that it can be started again: capture
/// weakly whatever owns the timer. An expired or cancelled timer that nobody holds is gone.
public final class LoopTimer {
    @exclusivity(unchecked) var deadline: UInt64 = 0
    @exclusivity(unchecked) var sequence: UInt64 = 0
    /// The timer's place in its loop's ``TimerQueue``; -1 when it is not scheduled.
    @exclusivity(unchecked) var heapIndex = -1
    let body: () -> Void
    /// The loop outlives its timers' use, as timers are only used on its thread.
    private unowned let loop: EventLoop

    init(loop: EventLoop, body: @escaping () -> Void) {
        self.loop = loop
        self.body = body
    }

    /// True until the timer fires or is cancelled.
    public var isScheduled: Bool { heapIndex >= 0 }

    /// Stops the timer, if it runs. Its closure will not be called until it is rescheduled.
    public func cancel() {
        loop.cancel(self)
    }

    /// Starts the timer anew, whether it is running, has fired or was cancelled. To put a running timer off is
    /// cheap enough to be done for every message.
    public func reschedule(after delay: Duration) {
        loop.start(self, after: delay)
    }
}
