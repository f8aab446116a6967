public import ParleyTransport
import ParleyWire
import Synchronization

/// One WebSocket (RFC 6455), server side, over whatever stream it was accepted on: messages in by way of its
/// ``WebSocketHandler``, frames out, pings, and the closing handshake.
///
/// Sending, pinging and closing are safe from any thread. Everything else is to be used on ``loop``.
///
/// It is unchecked Sendable: what isn't behind the atomic flag is touched on ``loop`` only.
public final class WebSocketConnection: ByteStreamHandler, @unchecked Sendable {
    // What each message touches comes first, in few lines of the processor's cache.

    private let stream: any ByteStream
    @exclusivity(unchecked) private var handler: (any WebSocketHandler)?
    /// Set when compression was agreed on.
    let deflation: WebSocketDeflation?
    /// True once a close frame was sent: nothing may follow it (RFC 6455 5.5.1).
    private let sentClose = Atomic(false)
    /// Why nothing is decoded now.
    @exclusivity(unchecked) private var pauses: Pauses = []
    /// The stream ended behind what is held.
    @exclusivity(unchecked) private var hasEnded = false
    @exclusivity(unchecked) private var heldPong: [UInt8]?
    /// What was read and is decoded later.
    @exclusivity(unchecked) private var held = HeldInput()
    @exclusivity(unchecked) private var decoder: WebSocketDecoder
    @exclusivity(unchecked) private var watch: WebSocketWatch
    @exclusivity(unchecked) private var timer = DeadlineTimer()
    @exclusivity(unchecked) private var budget = WebSocketInflationBudget()
    let options: WebSocketOptions
    /// The request that was answered with this WebSocket, with what middleware stored on it.
    public let request: Request
    /// The subprotocol that was agreed on.
    public let subprotocol: String?

    private struct Pauses: OptionSet {
        let rawValue: UInt8
        /// The handler wants nothing.
        static let handler = Pauses(rawValue: 1)
        /// Decoding goes on later, which is arranged already.
        static let turn = Pauses(rawValue: 2)
    }

    init(
        stream: any ByteStream, request: Request, subprotocol: String?, options: WebSocketOptions,
        deflation: WebSocketDeflation? = nil
    ) {
        self.stream = stream
        self.request = request
        self.subprotocol = subprotocol
        self.options = options
        self.deflation = deflation
        decoder = WebSocketDecoder(
            role: .server, limits: options.limits, allowsCompression: deflation != nil)
        watch = WebSocketWatch(options: options, now: stream.loop.now)
    }

    /// Starts to serve a handler. Loop only.
    func open(with handler: any WebSocketHandler) {
        self.handler = handler
        armTimer()
    }

    /// Serves another handler from now on, unless the connection is closed. Loop only.
    package func replaceHandler(by handler: any WebSocketHandler) {
        if self.handler != nil { self.handler = handler }
    }
}

// MARK: - Sending, on any thread

extension WebSocketConnection {
    /// The event loop on which the handler is called.
    public var loop: EventLoop { stream.loop }

    /// The bytes that were sent and not yet taken by the kernel.
    public var pendingBytes: Int { stream.pendingBytes }

    /// False from the outbox's high watermark on, until ``WebSocketHandler/becameWritable(_:)``.
    public var isWritable: Bool { stream.isWritable }

    /// The peer's address.
    public var remoteAddress: SocketAddress? { stream.remoteAddress }

    /// True until a close frame was sent or received, or the stream is gone.
    public var isOpen: Bool { !sentClose.load(ordering: .relaxed) }

    /// Sends a text message. The bytes must be UTF-8. Nothing is sent once the connection is closing.
    public func send(text: Span<UInt8>) { sendMessage(.text, text) }

    /// Sends a binary message. Nothing is sent once the connection is closing.
    public func send(binary: Span<UInt8>) { sendMessage(.binary, binary) }

    /// Sends whole frames that are encoded already, without copying or compressing them: for what many connections receive.
    public func send(frames: [UInt8]) {
        guard isOpen else { return }
        stream.send(shared: frames)
    }

    /// The sender holds back more: ``isWritable`` is false until ``WebSocketHandler/becameWritable(_:)`` is called, as
    /// soon as few bytes are pending.
    public func awaitWritable() { stream.awaitWritable() }

    /// Sends a ping without payload.
    public func ping() {
        let empty: [UInt8] = []
        send(.ping, empty.span)
    }

    /// Sends a ping with at most 125 bytes of payload; what is beyond is cut off.
    public func ping(_ payload: Span<UInt8>) {
        send(.ping, payload.extracting(0..<min(payload.count, 125)))
    }

    /// Closes: sends a close frame and gives the peer the time of the options to answer it. The handler's `closed` is
    /// called when it did, or did not. Only the first close counts.
    ///
    /// - Parameters:
    ///   - code: a code that may be sent (``WebSocketCloseCode``); any other sends a close frame without one.
    ///   - reason: at most 123 bytes; what is beyond is cut off.
    public func close(code: UInt16 = 1000, reason: String = "") {
        guard sendClose(code: code, reason: reason) else { return }
        loop.execute { [self] in
            guard handler != nil else { return }
            // A peer whose messages nobody reads could not answer otherwise.
            resumeReading()
            // The close frame itself leaves at the end of this turn.
            inNextTurn { connection in
                guard connection.handler != nil else { return }
                connection.watch.closeSent(
                    at: connection.loop.now, unsentBytes: connection.stream.pendingBytes)
                connection.armTimer()
            }
        }
    }

    /// Ends the connection without a closing handshake.
    public func reset() {
        sentClose.store(true, ordering: .relaxed)
        stream.reset()
    }

    private func sendMessage(_ opcode: WebSocketOpcode, _ payload: Span<UInt8>) {
        guard let deflation, deflation.wants(payload.count) else { return send(opcode, payload) }
        guard isOpen, !deflation.send(opcode, payload, on: stream) else { return }
        send(opcode, payload)
    }

    private func send(_ opcode: WebSocketOpcode, _ payload: Span<UInt8>) {
        guard isOpen else { return }
        WebSocketServerFrame.with(opcode, payload) { stream.send($0) }
    }

    /// Sends a close frame, unless one was sent before.
    @discardableResult
    private func sendClose(code: UInt16?, reason: String = "") -> Bool {
        guard sentClose.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else {
            return false
        }
        var frame: [UInt8] = []
        WebSocketEncoder.appendClose(code: code, reason: reason, to: &frame)
        stream.send(frame.span)
        return true
    }
}

// MARK: - Receiving, on the loop

extension WebSocketConnection {
    /// Stops reading: the peer's window closes. What was read already is held; nothing is delivered until
    /// ``resumeReading()``. Loop only.
    public func pauseReading() {
        pauses.insert(.handler)
        watch.paused()
        stream.pauseReading()
    }

    /// Reads again, beginning with what was held: that is delivered soon, never from within this call. Loop only.
    public func resumeReading() {
        if pauses.contains(.handler) {
            pauses.remove(.handler)
            watch.resumed(at: loop.now)
            armTimer()
        }
        guard pauses.isEmpty else { return }
        guard !held.isEmpty || hasEnded else { return stream.resumeReading() }
        pauses.insert(.turn)
        loop.execute { [self] in decodeHeld() }
    }

    /// Decodes messages and hands them to the handler.
    public func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
        watch.received(at: loop.now)
        sendHeldPong()
        var offset = 0
        if pauses.isEmpty { decode(&bytes, at: &offset) }
        if !pauses.isEmpty { hold(bytes.span.extracting(droppingFirst: offset)) }
    }

    /// Decodes up to the end of the input, or until there is a reason to wait.
    private func decode(_ bytes: inout MutableSpan<UInt8>, at offset: inout Int) {
        var completedMessage = false
        while let handler, pauses.isEmpty {
            switch decoder.next(&bytes, at: &offset) {
            case .needMore: return noteProgress(completedMessage: completedMessage)
            case .text(.input(let range)):
                completedMessage = true
                handler.received(text: bytes.span.extracting(range), on: self)
            case .text(.assembled(let text)):
                completedMessage = true
                handler.received(text: text.span, on: self)
            case .binary(.input(let range)):
                completedMessage = true
                handler.received(binary: bytes.span.extracting(range), on: self)
            case .binary(.assembled(let payload)):
                completedMessage = true
                handler.received(binary: payload.span, on: self)
            case .ping(.input(let range)): pong(bytes.span.extracting(range))
            case .ping(.assembled(let payload)): pong(payload.span)
            case .pong(.input(let range)): handler.receivedPong(bytes.span.extracting(range), on: self)
            case .pong(.assembled(let payload)): handler.receivedPong(payload.span, on: self)
            case .close(let code, let reason): receivedClose(code: code, reason: reason)
            case .failure(let error): fail(error)
            case .compressed(let isText, let range, let isLast):
                if isLast { completedMessage = true }
                inflate(bytes.span.extracting(range), isText: isText, isLast: isLast, for: handler)
            }
        }
        noteProgress(completedMessage: completedMessage)
    }

    /// Keeps the rest of a read. There is one at most, unless the stream had more in hand than a pause could stop.
    private func hold(_ rest: Span<UInt8>) {
        guard handler != nil else { return }
        held.append(rest)
        stream.pauseReading()
    }

    /// Goes on with what was held, and then with what the stream has.
    private func decodeHeld() {
        pauses.remove(.turn)
        guard pauses.isEmpty, handler != nil else { return }
        var (bytes, offset) = held.take()
        var span = bytes.mutableSpan
        decode(&span, at: &offset)
        guard handler != nil else { return }
        held.restore(bytes, from: offset)
        guard pauses.isEmpty else { return stream.pauseReading() }
        if hasEnded { receivedEnd(from: stream) } else { stream.resumeReading() }
    }

    /// Takes a piece of a compressed message. There is none unless compression was agreed on.
    private func inflate(_ piece: Span<UInt8>, isText: Bool, isLast: Bool, for handler: any WebSocketHandler)
    {
        do throws(WebSocketError) {
            guard let deflation else { return }
            let message = try deflation.receive(piece, isText: isText, isLast: isLast)
            if budget.spend(deflation.lastInflated, at: loop.now) { waitForTurn() }
            guard let message else { return }
            if isText {
                handler.received(text: message.span, on: self)
            } else {
                handler.received(binary: message.span, on: self)
            }
        } catch {
            fail(error)
        }
    }

    /// Leaves the rest of the input to the next turn, for the sake of the loop's other connections.
    private func waitForTurn() {
        pauses.insert(.turn)
        inNextTurn { connection in
            connection.budget.renew()
            connection.decodeHeld()
        }
    }

    private func inNextTurn(_ body: @escaping @Sendable (WebSocketConnection) -> Void) {
        loop.enqueueFlush(NextTurn(loop: loop) { [self] in body(self) }, onLoop: true)
    }

    /// The peer ended without a closing handshake, or after it.
    public func receivedEnd(from stream: any ByteStream) {
        guard held.isEmpty, !pauses.contains(.turn) else { return hasEnded = true }
        finish(code: WebSocketCloseCode.abnormal)
        stream.close(linger: .zero)
    }

    /// Passes on that there is room again.
    public func becameWritable(_ stream: any ByteStream) {
        sendHeldPong()
        handler?.becameWritable(self)
    }

    /// Says goodbye with 1001 (RFC 6455 7.4.1), at a random moment within the time.
    public func shutDown(_ stream: any ByteStream, spread: Duration) {
        let delay = Duration.milliseconds(Int64.random(in: 0...max(0, Int64(spread / .milliseconds(1)))))
        guard delay > .zero else { return close(code: WebSocketCloseCode.goingAway) }
        loop.schedule(after: delay) { [weak self] in self?.close(code: WebSocketCloseCode.goingAway) }
    }

    /// The stream is gone.
    public func closed(_ stream: any ByteStream, reason: CloseReason) {
        finish(code: WebSocketCloseCode.abnormal)
    }

    /// Answers a ping. While the peer reads nothing, only the last one is kept (RFC 6455 5.5.3).
    private func pong(_ payload: Span<UInt8>) {
        if stream.pendingBytes > 64 * 1024 {
            heldPong = payload.withUnsafeBufferPointer { Array($0) }
        } else {
            send(.pong, payload)
        }
    }

    private func sendHeldPong() {
        guard let payload = heldPong, stream.pendingBytes <= 64 * 1024 else { return }
        heldPong = nil
        send(.pong, payload.span)
    }

    /// Echoes the peer's code, if it began (RFC 6455 5.5.1); the server ends the stream first (RFC 6455 7.1.1).
    private func receivedClose(code: UInt16?, reason: String) {
        sendClose(code: code)
        finish(code: code ?? WebSocketCloseCode.noCode, reason: reason)
        stream.close(linger: options.closeTimeout)
    }

    private func fail(_ error: WebSocketError) {
        sendClose(code: error.closeCode, reason: error.rule)
        finish(code: error.closeCode, reason: error.rule)
        stream.close(linger: options.closeTimeout)
    }

    /// Tells the handler, once.
    private func finish(code: UInt16, reason: String = "") {
        sentClose.store(true, ordering: .relaxed)
        timer.stop()
        guard let handler else { return }
        self.handler = nil
        held.clear()
        deflation?.release()
        handler.closed(self, code: code, reason: reason)
    }
}

// MARK: - Time

extension WebSocketConnection {
    /// Notes, when nothing more is decoded for now, whether that is within a message, and whether it is a new one.
    private func noteProgress(completedMessage: Bool) {
        guard decoder.isMidMessage else { return watch.messageEnded() }
        guard completedMessage || !watch.isMidMessage else { return }
        watch.messageBegan(at: loop.now)
        armTimer()
    }

    /// Makes sure that the next deadline is noticed.
    private func armTimer() {
        guard handler != nil, let deadline = watch.deadline, timer.isLate(for: deadline) else { return }
        // Not weak, for the sake of the reference count; the cycle ends with the connection.
        timer.arm(deadline, on: loop) { [self] in timerFired() }
    }

    private func timerFired() {
        timer.fired()
        guard handler != nil else { return }
        switch watch.check(at: loop.now, unsentBytes: stream.pendingBytes) {
        case .wait: break
        case .ping: ping()
        case .messageTimeout:
            fail(
                WebSocketError(
                    closeCode: WebSocketCloseCode.policyViolation,
                    rule: "limit messageTimeout: the message takes too long"))
        case .gone:
            finish(code: WebSocketCloseCode.abnormal)
            stream.reset()
            return
        }
        armTimer()
    }
}

/// Calls a closure in the loop's next turn; `EventLoop.execute` may do so within the same one.
private final class NextTurn: TurnFlushed {
    private let loop: EventLoop
    private let body: @Sendable () -> Void

    init(loop: EventLoop, _ body: @escaping @Sendable () -> Void) {
        self.loop = loop
        self.body = body
    }

    func flush() { loop.execute(body) }
}
