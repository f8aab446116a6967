import Logging
import ParleyTransport
import ParleyWire

// MARK: - Time

extension HTTP2Connection {
    /// Makes sure that an exchange's next deadline is noticed.
    func watch(_ exchange: HTTP2Exchange) {
        if let deadline = exchange.deadline(server.timeouts) { arm(deadline) }
    }

    func armTimer() {
        if let deadline = watch.deadline(server.timeouts) { arm(deadline) }
    }

    /// Makes sure that a deadline is noticed.
    func arm(_ deadline: MonotonicInstant) {
        guard !isOver, timer.isLate(for: deadline) else { return }
        // Not weak, as in HTTP1Connection: the cycle ends with the connection.
        timer.arm(deadline, on: loop) { [self] in timerFired() }
    }

    private func timerFired() {
        timer.fired()
        let (now, timeouts) = (loop.now, server.timeouts)
        switch watch.check(at: now, timeouts) {
        case .wait: break
        case .idle:
            session.goAway()
            flush()
            return close()
        case .headerTimeout:
            return terminate(.limit("headerTimeout: preface, SETTINGS or headers take too long"))
        case .noticeTimeout: receivedPong()
        }
        if !stream.isWritable { restartStalls(at: now) }
        if stall.isStalled(at: now, taken: takenBytes, timeout: timeouts.connectionStall) {
            return terminate(.limit("connectionStallTimeout: the peer takes nothing"))
        }
        for exchange in exchanges.streams { check(exchange, at: now) }
        scheduleFlush()
        armTimer()
        if let deadline = stall.deadline(timeouts.connectionStall) { arm(deadline) }
    }

    /// While the connection below is full nothing is taken, however steadily the peer reads; its own watch sees to that.
    private func restartStalls(at now: MonotonicInstant) {
        stall.restart(at: now, taken: takenBytes)
        for exchange in exchanges.streams {
            exchange.stall.restart(at: now, taken: exchange.output.takenBytes)
        }
    }

    private func check(_ exchange: HTTP2Exchange, at now: MonotonicInstant) {
        guard !exchange.isStalled(at: now, server.timeouts) else {
            return reset(exchange, .cancel, reason: .slowPeer)
        }
        switch exchange.content?.check(at: now, server.timeouts) ?? .wait {
        case .wait: watch(exchange)
        case .drainTimeout: reset(exchange, .noError, reason: .closed)
        case .bodyTimeout:
            fail(exchange, HTTPError(.requestTimeout, "limit bodyTimeout: the content comes too slowly"))
        }
    }
}

// MARK: - The end

extension HTTP2Connection {
    /// Ends the connection for what the peer did.
    func terminate(_ violation: HTTP2Violation) {
        guard !isOver else { return }
        server.responder.logger.debug("connection ended", metadata: ["rule": "\(violation.rule)"])
        session.terminate(violation)
        _ = try? send(upTo: .max)
        close()
    }

    func close() {
        abandon()
        stream.close(linger: server.configuration.lingerTimeout)
    }

    /// Gives up whatever is going on.
    func abandon() {
        guard !isOver else { return }
        isOver = true
        timer.stop()
        session.handler = nil
        begun = []
        deferred = []
        for exchange in exchanges.removeAll() { close(exchange, .peer) }
    }
}
