import HTTPTypes
import Logging
import ParleyTransport
import ParleyWire

// MARK: - Handlers

extension HTTP1Connection {
    /// Runs what makes the response in one task, which prefers the loop, and begins on it at once.
    func startTask(_ work: @escaping Responder.Work, number: UInt64) {
        adopt(number: number) { [self] in
            let response = await work()
            await server.onLoop { [self] in if isAwaited(number) { send(response) } }
        }
    }

    /// Has the response sent when somebody gives it.
    func wait(for pending: PendingResponse, of request: Request, number: UInt64) {
        let isWaiting = pending.observe { [self] result in
            // Not at once: whoever cancels an exchange doesn't expect that it is answered from within.
            server.loop.execute { [self] in
                guard isAwaited(number) else { return }
                send(server.responder.response(result, to: request))
            }
        }
        if isWaiting { exchange?.maker = .other(pending) }
    }

    /// Starts a task that is cancelled with the exchange.
    private func adopt(number: UInt64, _ work: @escaping @Sendable () async -> Void) {
        let count = (exchange?.taskCount ?? 0) + 1
        exchange?.taskCount = count
        let task = server.startTask(work)
        // It may have ended by now, having started the one that streams its response, and the next exchange may have begun.
        if exchange?.number == number, exchange?.taskCount == count { exchange?.maker = .task(task) }
    }

    /// True while the exchange of this number waits for its response.
    private func isAwaited(_ number: UInt64) -> Bool {
        exchange?.number == number && state.owesResponse && exchange?.body == nil
    }
}

// MARK: - Responses

extension HTTP1Connection {
    /// Sends the response of the exchange, or begins to. Loop only.
    func send(_ response: Response) {
        guard let framing = exchange?.framing else { return }
        switch response.body.content {
        case .empty: sendWhole(response, [], framing)
        case .bytes(let bytes): sendWhole(response, bytes, framing)
        case .text(let text): sendWhole(response, text, framing)
        case .stream(let length, let producer): beginStream(response, length, producer, framing)
        case .upgrade(let upgrade): self.upgrade(response, upgrade)
        }
    }

    private func sendWhole(_ response: Response, _ bytes: [UInt8], _ framing: HTTP1ResponseEncoder.Exchange) {
        sendWhole(response, length: bytes.count, framing) { sendHead(followedBy: bytes) }
    }

    private func sendWhole(_ response: Response, _ text: String, _ framing: HTTP1ResponseEncoder.Exchange) {
        guard text.utf8.count <= Self.longestCopy else {
            return sendWhole(response, Array(text.utf8), framing)
        }
        sendWhole(response, length: text.utf8.count, framing) {
            server.scratch.append(contentsOf: text.utf8)
            sendHead()
        }
    }

    private func sendWhole(
        _ response: Response, length: Int, _ framing: HTTP1ResponseEncoder.Exchange, withContent: () -> Void
    ) {
        let content: HTTP1ResponseEncoder.Content =
            response.status.code == 304 ? .unstated : .length(UInt64(length))
        guard let outcome = encodeHead(response, content, framing) else { return sendEncodingFailure() }
        if case .length = outcome.framing { withContent() } else { sendHead() }
        proceed(state.endResponse(persists: outcome.keepAlive))
    }

    /// Encodes a head into the loop's buffer. Nil when the response can't be sent as it is.
    private func encodeHead(
        _ response: Response, _ content: HTTP1ResponseEncoder.Content,
        _ framing: HTTP1ResponseEncoder.Exchange
    ) -> HTTP1ResponseEncoder.Outcome? {
        var framing = framing
        framing.keepAlive = framing.keepAlive && mayPersist
        do throws(HTTPEncodingError) {
            return try HTTP1ResponseEncoder.appendHead(
                response.status, fields: response.headers, content: content, exchange: framing,
                date: server.date, to: &server.scratch)
        } catch {
            server.responder.logger.error(
                "response refused", metadata: ["field": "\(error.field)", "rule": "\(error.rule)"])
            return nil
        }
    }

    /// Content that would take too long to discard ends the connection, as does content that a client without a
    /// `100 Continue` may or may not send (RFC 9110 10.1.1).
    private var mayPersist: Bool {
        guard state.mayPersist, !server.isShuttingDown else { return false }
        guard !state.hasWholeRequest else { return true }
        guard let exchange, !exchange.expectsContinue else { return false }
        guard let length = exchange.content?.announcedLength else { return true }
        return length <= UInt64(server.configuration.drainLimit)
    }

    /// A body of more bytes is not copied behind its head.
    private static let longestCopy = 16 * 1024

    /// Sends the encoded head and a body, copied together when the body is small.
    private func sendHead(followedBy body: [UInt8]) {
        guard body.count > Self.longestCopy else {
            server.scratch.append(contentsOf: body)
            return sendHead()
        }
        sendHead()
        stream.send(shared: body)
    }

    /// Sends what is encoded.
    private func sendHead() {
        server.scratch.withUnsafeBufferPointer { stream.send($0.span) }
        server.scratch.removeAll(keepingCapacity: true)
    }

    private func sendEncodingFailure() {
        let plain = HTTPError(.internalServerError).response
        guard let framing = exchange?.framing, let bytes = plain.body.wholeBytes else { return }
        sendWhole(plain, bytes, framing)
    }

    /// Sends a response that no endpoint made, and closes.
    func sendAlone(_ error: HTTPError) {
        let response = error.response
        guard let bytes = response.body.wholeBytes else { return close() }
        let isHead = exchange?.framing.isHead == true
        let framing = HTTP1ResponseEncoder.Exchange(isHead: isHead, version: .http11, keepAlive: false)
        let outcome = encodeHead(response, .length(UInt64(bytes.count)), framing)
        if case .length = outcome?.framing { server.scratch.append(contentsOf: bytes) }
        sendHead()
        close()
    }

    func sendContinue() {
        let line: [UInt8] = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
        stream.send(line.span)
    }
}

// MARK: - Streamed bodies

extension HTTP1Connection {
    private func beginStream(
        _ response: Response, _ length: UInt64?, _ producer: @escaping ResponseBody.Producer,
        _ framing: HTTP1ResponseEncoder.Exchange
    ) {
        guard let outcome = encodeHead(response, length.map { .length($0) } ?? .unknown, framing) else {
            return sendEncodingFailure()
        }
        sendHead()
        guard outcome.framing != .none, let number = exchange?.number else {
            return proceed(state.endResponse(persists: outcome.keepAlive))
        }
        exchange?.body = HTTP1StreamedBody(
            framing: outcome.framing, persists: outcome.keepAlive,
            endsAtShutdown: response.body.endsAtShutdown)
        adopt(number: number) { [self] in await produce(producer, exchange: number) }
        if server.isShuttingDown { endStreamAtShutdown(number) }
    }
}

extension HTTP1Connection {
    /// Has a body that would not end by itself come to its end.
    func endStreamAtShutdown(_ number: UInt64) {
        guard exchange?.number == number, exchange?.body?.endsAtShutdown == true else { return }
        exchange?.maker?.cancel()
    }
}

extension HTTP1Connection: ResponseSink {
    func write(_ piece: [UInt8], exchange number: UInt64) throws(ResponseWriterError) -> Bool {
        guard exchange?.number == number, let framing = exchange?.body?.framing else {
            throw .connectionClosed
        }
        guard exchange?.body?.progress.add(piece.count) == true else {
            abandon()
            stream.reset()
            throw .lengthExceeded
        }
        guard !piece.isEmpty else { return false }
        if framing == .chunked { HTTP1ResponseEncoder.beginChunk(length: piece.count, to: &server.scratch) }
        sendHead(followedBy: piece)
        if framing == .chunked {
            HTTP1ResponseEncoder.endChunk(to: &server.scratch)
            sendHead()
        }
        return !stream.isWritable
    }

    func wait(_ waiter: UnsafeContinuation<Void, any Error>, exchange number: UInt64) {
        guard exchange?.number == number, exchange?.body != nil, exchange?.body?.progress.waiter == nil else {
            return waiter.resume(throwing: ResponseWriterError.connectionClosed)
        }
        guard !stream.isWritable else { return waiter.resume() }
        exchange?.body?.progress.waiter = waiter
    }

    /// Chunked bodies have trailers; elsewhere HTTP/1 has no place for them, and they are left out.
    func setTrailers(_ trailers: HTTPFields, exchange number: UInt64) throws(ResponseWriterError) {
        guard exchange?.number == number, let framing = exchange?.body?.framing else {
            throw .connectionClosed
        }
        guard framing == .chunked else { return }
        let start = server.scratch.count
        do throws(HTTPEncodingError) {
            try HTTP1ResponseEncoder.endChunks(trailers: trailers, to: &server.scratch)
        } catch {
            throw .invalidTrailers
        }
        // It was written to see that it can be.
        server.scratch.removeSubrange(start...)
        exchange?.body?.progress.trailers = trailers
    }

    func endBody(exchange number: UInt64) {
        guard exchange?.number == number, let body = exchange?.body else { return }
        guard body.progress.isComplete else {
            server.responder.logger.error("streamed response is shorter than announced")
            abandon()
            return stream.reset()
        }
        if body.framing == .chunked {
            // Valid, as they were looked at when they were set.
            try? HTTP1ResponseEncoder.endChunks(trailers: body.progress.trailers, to: &server.scratch)
            sendHead()
        }
        // Of a writer that its producer did not wait for.
        exchange?.body?.progress.takeWaiter()?.resume(throwing: ResponseWriterError.connectionClosed)
        proceed(state.endResponse(persists: body.persists))
    }

    func failBody(exchange number: UInt64, _ error: any Error) {
        guard exchange?.number == number, exchange?.body != nil else { return }
        server.logFailedBody(error)
        abandon()
        stream.reset()
    }
}

// MARK: - Upgrades

extension HTTP1Connection {
    /// Hands the stream over (RFC 9110 7.8). Bytes behind the request are the new handler's.
    private func upgrade(_ response: Response, _ upgrade: Upgrade) {
        guard canUpgrade(to: upgrade.name), let framing = exchange?.framing else {
            return sendAlone(HTTPError(.badRequest, "switching to \(upgrade.name) was not asked for"))
        }
        var switching = response
        switching.status = .switchingProtocols
        switching.headers[.connection] = "Upgrade"
        switching.headers[.upgrade] = upgrade.name
        guard encodeHead(switching, .unstated, framing) != nil else { return sendEncodingFailure() }
        sendHead()
        exchange = nil
        state.finish()
        stopTimer()
        let handler = upgrade.start(stream)
        successor = handler
        stream.handler = handler
        passOnHeld()
    }

    private func canUpgrade(to name: String) -> Bool {
        guard state.hasWholeRequest, state.mayHandOver, exchange?.framing.version == .http11,
            let asked = exchange?.context.head.upgradeProtocol
        else { return false }
        let protocols = asked.lowercased().split(separator: ",")
        return protocols.contains { $0.trimmingBlanks == name.lowercased() }
    }
}

extension Substring {
    /// The text without the blanks at both its ends.
    var trimmingBlanks: Substring {
        var text = self
        while text.first == " " || text.first == "\t" { text = text.dropFirst() }
        while text.last == " " || text.last == "\t" { text = text.dropLast() }
        return text
    }
}
