import ParleyTransport

extension Client {
    /// Counts a message of so many bytes, and does what the limit says. False: nothing of the client is to be handled
    /// any more.
    func admit(_ count: Int, by gate: FloodGate) -> Bool {
        guard case .over(let measure) = gate.charge(count, now: EventLoop.current?.now) else { return true }
        if let measure { reportFlood(FloodReport(measure: measure, action: gate.action)) }
        switch gate.action {
        case .pause: pause(gate)
        case .drop: break
        case .disconnect:
            session.close(.flood)
            return false
        }
        return true
    }

    private func reportFlood(_ report: FloodReport) {
        counters.floods.add(1, ordering: .relaxed)
        for socket in sockets {
            for handler in socket.namespace.floodHandlers { handler(socket, report) }
        }
    }

    private func pause(_ gate: FloodGate) {
        guard let delay = gate.beginPause() else { return }
        session.pauseInbound()
        let loop = session.loop
        loop.execute { [self] in resume(gate, after: delay, on: loop) }
    }

    private func resume(_ gate: FloodGate, after delay: Duration, on loop: EventLoop) {
        // A pause may be long: a client that went meanwhile is not to be held until its end.
        loop.schedule(after: min(delay, .seconds(5))) { [self] in
            guard session.isOpen else { return }
            if let more = gate.continuePause(now: loop.now) { return resume(gate, after: more, on: loop) }
            session.resumeInbound()
        }
    }
}
