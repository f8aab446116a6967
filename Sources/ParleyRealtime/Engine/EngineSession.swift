import ParleyHTTP
import ParleyTransport
import ParleyWire

/// What lives on an Engine.IO session: it gets its messages in order, and its end once.
protocol EngineSessionDelegate: AnyObject, Sendable {
    /// A text message; the span is valid during the call only.
    func received(text: Span<UInt8>)
    /// A binary message.
    func received(binary: [UInt8])
    func closed(_ reason: DisconnectReason)
    /// The session began: messages may come from now on.
    func opened()
    /// Calls back, once, when all that came is handled; also at once.
    func whenIdle(_ body: @escaping @Sendable () -> Void)
}

extension EngineSessionDelegate {
    func opened() {}
}

/// An Engine.IO session: one client, over polling or WebSocket, whichever loops its requests arrive on.
final class EngineSession: Sendable {
    // What each message touches comes first, in few lines of the processor's cache.

    let form: EnginePayloadForm
    let server: EngineServer
    let state: Lock<EngineSessionState>
    let loop: EventLoop
    let id: String
    /// Touched on `loop` only.
    nonisolated(unsafe) private var heartbeatTimer: LoopTimer?

    init(
        id: String, loop: EventLoop, server: EngineServer, form: EnginePayloadForm,
        transport: EngineSessionState.Transport
    ) {
        self.id = id
        self.loop = loop
        self.server = server
        self.form = form
        state = Lock(
            EngineSessionState(transport: transport, takesBinary: form.takesBinary, now: loop.instant))
    }

    var options: EngineOptions { server.options }

    /// The revision of the protocol that the client speaks.
    var revision: EngineIORevision { form.revision }

    /// Gives the session its user, and starts the heartbeat.
    func start(_ delegate: any EngineSessionDelegate) {
        // Only a server that shuts down knows a session that did not begin yet.
        guard state.withLock({ $0.begin(delegate) }) else { return delegate.closed(.serverShuttingDown) }
        loop.execute {
            // Not weak, for the sake of the reference count; the cycle ends with the session, which a client that is
            // silent does not outlive either.
            self.heartbeatTimer = self.loop.schedule(after: self.firstHeartbeat) { self.heartbeat() }
        }
        delegate.opened()
    }

    // MARK: Sending

    /// True when a message would leave at once.
    var isWritable: Bool { state.withLock { $0.isWritable } }

    var isOpen: Bool { state.withLock { $0.phase == .open } }

    /// Sends one message. Safe from any thread; returns false when the session is closed.
    @discardableResult
    func send(_ frame: EngineFrame) -> Bool {
        perform(state.withLock { $0.send(frame, limit: options.maxPendingBytes) })
    }

    /// Sends a packet and its attachments without anything between them.
    @discardableResult
    func send(_ packet: EncodedPacket) -> Bool {
        guard revision == .four else { return send(inOldForm: packet.forEngineIO3) }
        return perform(
            state.withLock {
                $0.send(packet.frame, attachments: packet.attachments, limit: options.maxPendingBytes)
            })
    }

    private func send(inOldForm packet: EncodedPacket) -> Bool {
        perform(
            state.withLock {
                $0.send(packet.frame, attachments: packet.attachments, limit: options.maxPendingBytes)
            })
    }

    /// Does what is to be done outside the lock; false when the session is closed.
    @discardableResult
    func perform(_ action: EngineSessionState.SendAction) -> Bool {
        switch action {
        case .none, .queued, .dropped: return true
        case .refused: return false
        case .scheduleFlush: loop.execute { self.flushPoll() }
        // Later: nobody expects that `emit` calls the handlers of a socket's end.
        case .overflow: loop.execute { self.close(.transportError) }
        }
        return true
    }

    private func flushPoll() {
        guard let (poll, frames) = state.withLock({ $0.flush() }) else { return }
        poll.resume(returning: .packets(frames))
    }

    // MARK: Receiving

    /// Who gets the messages, until the session closes.
    var delegate: (any EngineSessionDelegate)? { state.withLock { $0.delegate } }

    /// A WebSocket text frame, or a text packet of a polling payload.
    func received(_ type: EngineIOPacketType, _ data: Span<UInt8>) {
        switch type {
        case .message: delegate?.received(text: data)
        case .pong:
            if revision == .three || !state.withLock({ $0.pong(now: loop.instant) }) {
                violate(EngineViolation.unaskedPong, .transportError)
            }
        case .close: close(.transportClose, .byClient)
        case .noop: break
        case .ping where revision == .three: answer(ping: data)
        case .ping: violate(EngineViolation.pingFromClient, .transportError)
        // Small clients of Engine.IO 3 confirm an upgrade that they never made.
        case .upgrade where revision == .three: break
        case .open, .upgrade: violate(EngineViolation.serversPacket)
        }
    }

    func received(binary: [UInt8]) { delegate?.received(binary: binary) }

    /// Stops reading from the client until `resumeInbound` was called as often: its events are not handled as fast as
    /// they come.
    func pauseInbound() {
        guard let connection = state.withLock({ $0.pauseInbound() }) else { return }
        connection.loop.execute { self.updateReading(connection) }
    }

    func resumeInbound() {
        let (connection, waiter) = state.withLock { $0.resumeInbound() }
        if let connection { connection.loop.execute { self.updateReading(connection) } }
        waiter?.resume()
    }

    /// Reads from the WebSocket, or does not, as the state has it by now: threads that pause and resume may be
    /// overtaken by each other on their way here, the state is not. Loop of the connection only.
    private func updateReading(_ connection: WebSocketConnection) {
        if state.withLock({ $0.isInboundPaused }) {
            connection.pauseReading()
        } else {
            connection.resumeReading()
        }
    }

    /// True while the client is not read from.
    var isInboundPaused: Bool { state.withLock { $0.isInboundPaused } }

    /// Suspends while inbound is paused, so that a POST is answered only when its events are being handled. A client that goes
    /// while it waits ends the session.
    nonisolated(nonsending) func waitForInbound() async {
        guard isInboundPaused else { return }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if !state.withLock({ $0.waitForResume(Waiter(continuation)) }) { continuation.resume() }
            }
        } onCancel: {
            close(.transportError)
        }
    }

    // MARK: Polling

    /// The outcome of a polling GET that needn't wait; nil where it has to.
    func pollAtOnce() -> EngineSessionState.PollOutcome? { outcome(of: state.withLock { $0.pollAtOnce() }) }

    /// Has a polling GET wait for packets, or returns its outcome where there is one by now. A client that goes while it waits
    /// ends the session.
    func park(_ waiter: PollWaiter) -> EngineSessionState.PollOutcome? {
        if let outcome = outcome(of: state.withLock { $0.park(waiter) }) { return outcome }
        waiter.answer.onCancel { [self] in close(.transportError) }
        return nil
    }

    private func outcome(of action: EngineSessionState.PollAction) -> EngineSessionState.PollOutcome? {
        switch action {
        case .wait: return nil
        case .answer(let outcome): return outcome
        case .farewell:
            finishClosing()
            return .packets([EngineFrame(.close)])
        case .overlap:
            violate(EngineViolation.overlappingPolls, .transportError)
            return .refused
        }
    }

    // MARK: Upgrade

    var canUpgrade: Bool { state.withLock { $0.canUpgrade } }

    func beginUpgrade(_ connection: WebSocketConnection, takesBinary: Bool) -> Bool {
        state.withLock { $0.beginUpgrade(connection, takesBinary: takesBinary) }
    }

    func probed(_ connection: WebSocketConnection) -> Bool {
        let (accepted, poll) = state.withLock { $0.probed(connection) }
        poll?.resume(returning: .packets([EngineFrame(.noop)]))
        return accepted
    }

    func completeUpgrade(_ connection: WebSocketConnection) -> Bool {
        let (accepted, poll) = state.withLock { $0.completeUpgrade(connection) }
        poll?.resume(returning: .packets([EngineFrame(.noop)]))
        if accepted { updateReading(connection) }
        return accepted
    }

    func abandonUpgrade(_ connection: WebSocketConnection) {
        state.withLock { $0.abandonUpgrade(connection) }
    }

    // MARK: Heartbeat

    /// An Engine.IO 3 client pings by itself; the server only watches that it does.
    private var firstHeartbeat: Duration {
        revision == .three ? options.pingInterval + options.pingTimeout : options.pingInterval
    }

    /// The answer has the ping's data (Engine.IO protocol 3, "Packet types").
    private func answer(ping data: Span<UInt8>) {
        state.withLock { $0.pinged(now: loop.instant) }
        var pong: [UInt8] = [0, 0, EngineIOPacketType.pong.rawValue]
        data.withUnsafeBufferPointer { pong.append(contentsOf: $0) }
        beat(EngineFrame(textBehindReservation: pong))
    }

    private func beat(_ frame: EngineFrame) {
        perform(state.withLock { $0.sendHeartbeat(frame, limit: options.maxPendingBytes) })
    }

    private func heartbeat() {
        switch state.withLock({ nextHeartbeat(&$0) }) {
        case .stop: heartbeatTimer = nil
        case .wait(let delay): heartbeatTimer?.reschedule(after: delay)
        case .excuse(let delay):
            state.withLock { $0.probe() }
            heartbeatTimer?.reschedule(after: delay)
        case .timeout: close(.pingTimeout)
        case .ping:
            beat(EngineFrame(.ping))
            heartbeatTimer?.reschedule(after: options.pingTimeout)
        }
    }

    private func nextHeartbeat(_ state: inout EngineSessionState) -> EngineSessionState.HeartbeatAction {
        switch revision {
        case .three: state.silence(now: loop.now, limit: options.pingInterval + options.pingTimeout)
        case .four:
            state.heartbeat(now: loop.now, interval: options.pingInterval, timeout: options.pingTimeout)
        }
    }

    // MARK: Closing

    /// Ends the session, once; later calls do nothing.
    func close(_ reason: DisconnectReason, _ ending: EngineSessionState.Ending = .abrupt) {
        let closing = state.withLock { $0.close(ending) }
        guard closing.isFirst else { return }
        loop.execute {
            self.heartbeatTimer?.cancel()
            self.heartbeatTimer = closing.lingers ? self.armLinger() : nil
        }
        if !closing.lingers { server.remove(self) }
        close(closing.webSocket, reason)
        closing.candidate?.close(code: 1000, reason: reason.rawValue)
        if let (poll, outcome) = closing.poll { poll.resume(returning: outcome) }
        closing.postWaiter?.resume()
        closing.delegate?.closed(reason)
    }

    private func close(_ webSocket: WebSocketConnection?, _ reason: DisconnectReason) {
        switch reason {
        // Whoever floods would not stop for a closing handshake, and is not to be read from until it did.
        case .flood: webSocket?.reset()
        // RFC 6455 7.4.1: 1001 is a server that goes down.
        case .serverShuttingDown: webSocket?.close(code: 1001, reason: reason.rawValue)
        default: webSocket?.close(code: 1000, reason: reason.rawValue)
        }
    }

    /// A closed session waits so long for the poll that takes its last packets.
    private func armLinger() -> LoopTimer {
        loop.schedule(after: .seconds(30)) { self.finishClosing() }
    }

    private func finishClosing() {
        let isOver = state.withLock { state in
            guard state.phase == .closing else { return false }
            state.finishClosing()
            return true
        }
        guard isOver else { return }
        loop.execute {
            self.heartbeatTimer?.cancel()
            self.heartbeatTimer = nil
        }
        server.remove(self)
    }
}
