import ParleyTransport

extension EngineServer {
    /// Refuses new sessions from now on, and closes those that there are, each at a random moment within the time or,
    /// when the client's events are still being handled then, as soon as they are. At the end of the time whatever is
    /// left is closed. Returns when no session is left, or the time is over.
    func drain(over spread: Duration) async {
        let sessions = beginDrain()
        guard let loop = sessions.first?.loop else { return }
        for session in sessions { session.closeWhenIdle(after: spread * Double.random(in: 0..<1)) }
        await withCheckedContinuation { continuation in
            guard waitForEmpty(continuation) else { return continuation.resume() }
            let isRunning = loop.execute {
                loop.schedule(after: spread) { self.endDrain() }
            }
            if !isRunning { endDrain() }
        }
    }

    private func endDrain() {
        close(.serverShuttingDown)
        takeDrainWaiter()?.resume()
    }
}

extension EngineSession {
    fileprivate func closeWhenIdle(after delay: Duration) {
        loop.execute { [self] in
            loop.schedule(after: delay) { [self] in
                guard let delegate else { return }
                delegate.whenIdle { [self] in close(.serverShuttingDown, .graceful) }
            }
        }
    }
}
