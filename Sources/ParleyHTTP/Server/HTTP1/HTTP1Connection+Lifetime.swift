import ParleyTransport
import ParleyWire

// MARK: - The end of an exchange, and of the connection

extension HTTP1Connection {
    /// Does what follows the end of a request or of a response.
    func proceed(_ next: HTTP1ConnectionState.Next) {
        switch next {
        case .wait: break
        case .nextRequest:
            exchange = nil
            watch.idle(at: server.loop.now)
            armTimer()
            isOutboxFull = !stream.isWritable
            decodeHeld()
        case .discardContent:
            exchange?.content?.finish(throwing: RequestBodyError.abandoned)
            isContentPaused = false
            watch.draining(at: server.loop.now)
            armTimer()
            updateReading()
        case .close: close()
        }
    }

    /// Sends what is pending, ends the stream, and reads a little longer, so that a peer that still sends gets the
    /// response rather than a reset (RFC 9112 9.6).
    func close() {
        abandon()
        stream.close(linger: server.configuration.lingerTimeout)
    }

    /// Gives up whatever is going on.
    func abandon() {
        state.finish()
        watch.stop()
        held.clear()
        stopTimer()
        guard let exchange = exchange.take() else { return }
        exchange.content?.finish(throwing: RequestBodyError.connectionClosed)
        exchange.body?.progress.waiter?.resume(throwing: ResponseWriterError.connectionClosed)
        exchange.body?.progress.settling?.resume(throwing: ResponseWriterError.connectionClosed)
        exchange.maker?.cancel()
    }
}

// MARK: - Time

extension HTTP1Connection {
    /// Makes sure that the next deadline is noticed.
    func armTimer() {
        guard let deadline = watch.deadline(server.timeouts), timer.isLate(for: deadline) else { return }
        // Not weak: an object with weak references counts all others by way of a side table. The cycle is ended when
        // the connection closes or is handed over, and one of these it does.
        timer.arm(deadline, on: server.loop) { [self] in timerFired() }
    }

    func stopTimer() { timer.stop() }

    private func timerFired() {
        timer.fired()
        switch watch.check(at: server.loop.now, server.timeouts) {
        case .wait: armTimer()
        case .idle, .drainTimeout: close()
        case .headerTimeout:
            sendAlone(HTTPError(.requestTimeout, "limit headerTimeout: the header section takes too long"))
        case .bodyTimeout:
            failExchange(HTTPError(.requestTimeout, "limit bodyTimeout: the content comes too slowly"))
        }
    }
}
