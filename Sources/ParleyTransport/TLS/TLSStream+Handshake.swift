import Logging

extension TLSStream {
    /// Time for the peer to read the alert that tells it why, before the connection goes.
    static var alertLinger: Duration { .seconds(1) }

    /// Goes on with the handshake after input. Once it is done the rest of the input is the application's.
    func continueHandshake() {
        guard let connection else { return }
        switch connection.handshake() {
        case .needsInput: break
        case .failed(let failure):
            if failure.isPlainHTTP { refuseHTTP() }
            handshakeFailed(failure.reason, linger: Self.alertLinger)
        case .done: finishHandshake(connection)
        }
    }

    private func finishHandshake(_ connection: SSLConnection) {
        timer?.cancel()
        timer = nil
        tls = connection.session
        phase = .open
        let makeHandler = makeHandler
        self.makeHandler = nil
        // A handler that has set another one already (an upgrade at once) is done with.
        guard let made = makeHandler?(self), handler == nil else { return }
        handler = made
        // What was sent already.
        if outbox.withLock({ !$0.bytes.isEmpty && $0.queue() }) { loop.enqueueFlush(self, onLoop: true) }
    }

    /// Closes without a word to anybody but the peer: whoever scans ports is no news.
    func handshakeFailed(_ reason: String, linger: Duration) {
        guard phase == .handshaking else { return }
        loop.logger.debug(
            "TLS handshake failed",
            metadata: ["reason": "\(reason)", "peer": "\(remoteAddress?.description ?? "")"])
        abandon(.error("TLS handshake: \(reason)"))
        below.close(linger: linger)
    }

    /// Tells a browser that was sent to the wrong port what is wrong.
    private func refuseHTTP() {
        let body = "This port speaks HTTPS only.\n"
        let response = """
            HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: \(body.utf8.count)\r\n\
            Connection: close\r\n\r\n\(body)
            """
        below.send(shared: Array(response.utf8))
    }
}
