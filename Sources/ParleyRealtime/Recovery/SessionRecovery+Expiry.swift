import ParleyTransport

// Time is that of one loop: sessions get their deadlines there, and the age of events is told by the numbers that the
// log had when it was looked at. So emitting reads no clock.
extension SessionRecovery {
    /// Looks for what has expired, on the loop, and says when to look again.
    func sweepSoon() {
        guard let loop = state.withLock({ $0.loop }) else { return }
        let isRunning = loop.execute { [weak self] in self?.sweep(on: loop) }
        guard !isRunning else { return }
        // That server has ended. Another one may go on with this namespace.
        state.withLock { state in
            guard state.loop === loop else { return }
            state.loop = nil
            state.isArmed = false
        }
    }

    /// How often the age of events is looked at while there are any.
    private var interval: Duration { max(retention / 8, .milliseconds(1)) }

    private func sweep(on loop: EventLoop) {
        let now = loop.now
        let (expired, next): ([ExpiredSession], MonotonicInstant?) = state.withLock { state in
            state.saved.setDeadlines(now.advanced(by: options.maxDisconnectionDuration))
            state.forgetEvents(now: now, retention: retention, interval: interval)
            let expired = state.takeExpired(now: now)
            let nextMark = state.log.count > 0 ? now.advanced(by: interval) : nil
            let next = [nextMark, state.saved.nextDeadline()].compactMap { $0 }.min()
            state.isArmed = next != nil
            return (expired, next)
        }
        arm(next, on: loop)
        report(expired)
    }

    private func arm(_ next: MonotonicInstant?, on loop: EventLoop) {
        guard let next else {
            timer?.cancel()
            timer = nil
            return
        }
        let delay = max(.zero, loop.now.duration(to: next))
        if let timer {
            timer.reschedule(after: delay)
        } else {
            timer = loop.schedule(after: delay) { [weak self] in self?.sweep(on: loop) }
        }
    }
}

extension SessionRecovery.State {
    fileprivate mutating func forgetEvents(
        now: MonotonicInstant, retention: Duration, interval: Duration
    ) {
        if marks.last.map({ $0.time.duration(to: now) >= interval }) ?? true { marks.append((now, log.last)) }
        guard let mark = marks.last(where: { $0.time.duration(to: now) >= retention }) else { return }
        log.drop(through: mark.number)
        marks.removeAll { $0.time < mark.time }
    }

    /// Takes the sessions whose time is over, and those that need events which are not there any more.
    fileprivate mutating func takeExpired(now: MonotonicInstant) -> [ExpiredSession] {
        var expired: [ExpiredSession] = []
        while let session = saved.takeFirst(where: { _, deadline in deadline.map { $0 <= now } ?? false }) {
            expired.append(ExpiredSession(session, .timeout))
        }
        let dropped = log.dropped
        while let session = saved.takeFirst(where: { session, _ in session.position < dropped }) {
            expired.append(ExpiredSession(session, .eventsDropped))
        }
        return expired
    }
}
