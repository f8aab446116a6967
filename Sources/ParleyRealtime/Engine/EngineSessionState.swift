import ParleyHTTP
import ParleyTransport
import ParleyWire

/// The life of an Engine.IO session, as a value: each transition changes it and says what is to
/// be done outside the lock. Frames for a WebSocket are put into its outbox within the transition, which
/// keeps their order.
struct EngineSessionState {
    enum Phase { case open, closing, closed }

    enum Transport {
        case polling
        case webSocket(WebSocketConnection)
    }

    // What each message touches comes first.

    private(set) var phase = Phase.open
    /// False when the WebSocket of an Engine.IO 3 client, or the candidate, takes binary as base64 only.
    private var takesBinary: Bool
    var isOverflowing = false
    private(set) var transport: Transport
    /// What waits for a poll, or for a WebSocket whose client is behind.
    var queue = OutboundQueue()
    var isFlushScheduled = false
    /// Whether the WebSocket was asked to say when it takes more.
    var isAwaitingWritable = false
    private var isPosting = false
    private var isProbed = false
    private var awaitsPong = false
    /// Whether the client was not read from at some time since it was last asked for a sign of life.
    private var wasInboundPaused = false
    /// How many of the client's sockets can't keep up; it is read from while there is none. Below zero for a moment when one
    /// that can again says so before its other thread said that it can't.
    private var inboundPauses = 0
    /// When the client last gave the sign of life that its revision asks for.
    private var lastPong: MonotonicInstant
    /// Who gets the messages; let go when the session closes, as it holds the session in its turn.
    private(set) var delegate: (any EngineSessionDelegate)?
    private(set) var poll: PollWaiter?
    /// Those who wait until the client has caught up.
    var waiters: [(id: UInt64, continuation: DrainContinuation)] = []
    private var candidate: WebSocketConnection?
    private var postWaiter: Waiter<Void>?

    /// Gives the session its user; false when it is closed already.
    mutating func begin(_ delegate: any EngineSessionDelegate) -> Bool {
        guard phase == .open else { return false }
        self.delegate = delegate
        return true
    }

    init(transport: Transport, takesBinary: Bool, now: MonotonicInstant) {
        self.transport = transport
        self.takesBinary = takesBinary
        lastPong = now
    }

    // MARK: Sending

    /// Puts a frame into the outbox of a WebSocket, which may take no binary.
    func put(_ frame: EngineFrame, into connection: WebSocketConnection) {
        guard takesBinary || !frame.isBinary else {
            return connection.send(frame.base64EngineIO3())
        }
        connection.send(frame)
    }

    // MARK: Polling

    enum PollOutcome {
        case packets([EngineFrame])
        /// The session is closed, or was closed because requests overlapped.
        case refused
    }

    enum PollAction {
        /// There is nothing yet.
        case wait
        case answer(PollOutcome)
        /// The answer is the session's last.
        case farewell
        case overlap
    }

    /// What a poll gets that doesn't wait.
    mutating func pollAtOnce() -> PollAction {
        switch phase {
        case .closed: return .answer(.refused)
        case .closing: return queue.isEmpty ? .farewell : .answer(.packets(queue.takeAll()))
        case .open: break
        }
        guard case .polling = transport else { return .answer(.refused) }
        guard poll == nil else { return .overlap }
        if !queue.isEmpty { return .answer(.packets(takeQueue())) }
        if isProbed { return .answer(.packets([EngineFrame(.noop)])) }
        return .wait
    }

    /// What a poll gets; where that is nothing yet, it waits from now on.
    mutating func park(_ waiter: PollWaiter) -> PollAction {
        let action = pollAtOnce()
        if case .wait = action { poll = waiter }
        return action
    }

    /// What the parked poll is answered with at the end of the loop's turn.
    mutating func flush() -> (PollWaiter, [EngineFrame])? {
        isFlushScheduled = false
        guard let waiting = poll, !queue.isEmpty else { return nil }
        poll = nil
        return (waiting, takeQueue())
    }

    /// Takes the parked poll away, for a client that went or a session that ends.
    mutating func takePoll() -> PollWaiter? {
        defer { poll = nil }
        return poll
    }

    private mutating func takeQueue() -> [EngineFrame] {
        defer { wakeWaiters() }
        return queue.takeAll()
    }

    enum PostAction { case proceed, ignore, refused, overlap }

    mutating func beginPost() -> PostAction {
        // The client may not know yet that the session ends.
        if phase == .closing { return .ignore }
        guard phase == .open, case .polling = transport else { return .refused }
        guard !isPosting else { return .overlap }
        isPosting = true
        return .proceed
    }

    mutating func endPost() { isPosting = false }

    // MARK: Inbound backpressure

    var isInboundPaused: Bool { phase == .open && inboundPauses > 0 }

    /// Returns the WebSocket whose reading is to be checked, when there is one.
    mutating func pauseInbound() -> WebSocketConnection? {
        inboundPauses += 1
        wasInboundPaused = true
        return inboundPauses == 1 ? webSocket : nil
    }

    mutating func resumeInbound() -> (WebSocketConnection?, Waiter<Void>?) {
        inboundPauses -= 1
        guard inboundPauses == 0 else { return (nil, nil) }
        defer { postWaiter = nil }
        return (webSocket, postWaiter)
    }

    private var webSocket: WebSocketConnection? {
        if case .webSocket(let connection) = transport { connection } else { nil }
    }

    /// Returns false when there is nothing to wait for.
    mutating func waitForResume(_ continuation: Waiter<Void>) -> Bool {
        guard isInboundPaused else { return false }
        postWaiter = continuation
        return true
    }

    // MARK: Upgrade

    /// Whether an upgrade may start now: one at a time, from polling only.
    var canUpgrade: Bool {
        guard phase == .open, candidate == nil, case .polling = transport else { return false }
        return true
    }

    mutating func beginUpgrade(_ connection: WebSocketConnection, takesBinary: Bool) -> Bool {
        guard canUpgrade else { return false }
        candidate = connection
        self.takesBinary = takesBinary
        return true
    }

    /// The client's probe came. Returns the poll that must be released so that the client can pause polling.
    mutating func probed(_ connection: WebSocketConnection) -> (accepted: Bool, release: PollWaiter?) {
        guard phase == .open, candidate === connection else { return (false, nil) }
        isProbed = true
        return (true, queue.isEmpty ? takePoll() : nil)
    }

    /// The client's upgrade packet came: from here on the WebSocket is the transport.
    mutating func completeUpgrade(
        _ connection: WebSocketConnection
    ) -> (accepted: Bool, release: PollWaiter?) {
        guard phase == .open, candidate === connection, isProbed else { return (false, nil) }
        candidate = nil
        isProbed = false
        transport = .webSocket(connection)
        moveQueue(to: connection)
        return (true, takePoll())
    }

    mutating func abandonUpgrade(_ connection: WebSocketConnection) {
        guard candidate === connection else { return }
        candidate = nil
        isProbed = false
    }

    // MARK: Heartbeat

    enum HeartbeatAction {
        case stop
        case wait(Duration)
        case ping
        /// The client has so much time more.
        case excuse(Duration)
        case timeout
    }

    mutating func heartbeat(
        now: MonotonicInstant, interval: Duration, timeout: Duration
    ) -> HeartbeatAction {
        guard phase == .open else { return .stop }
        if awaitsPong { return isExcused() ? .excuse(timeout) : .timeout }
        let due = lastPong.advanced(by: interval)
        if now < due { return .wait(now.duration(to: due)) }
        awaitsPong = true
        wasInboundPaused = isInboundPaused
        return .ping
    }

    /// A client that was not read from may have given its sign of life, which waits behind its events: it has the time anew.
    private mutating func isExcused() -> Bool {
        defer { wasInboundPaused = isInboundPaused }
        return wasInboundPaused
    }

    /// Sends something to a client that isn't read from, so that its end isn't noticed by reading: writing to a connection that is
    /// gone makes it known. Clients answer a WebSocket's ping by themselves, and the answer means nothing.
    func probe() {
        if isInboundPaused { webSocket?.ping() }
    }

    /// Returns false for a pong that nobody asked for.
    mutating func pong(now: MonotonicInstant) -> Bool {
        guard awaitsPong else { return false }
        awaitsPong = false
        lastPong = now
        return true
    }

    /// What an Engine.IO 3 session does about a client that pings by itself.
    mutating func silence(now: MonotonicInstant, limit: Duration) -> HeartbeatAction {
        guard phase == .open else { return .stop }
        let due = lastPong.advanced(by: limit)
        if now < due { return .wait(now.duration(to: due)) }
        return isExcused() ? .excuse(limit) : .timeout
    }

    /// A ping of an Engine.IO 3 client came.
    mutating func pinged(now: MonotonicInstant) {
        lastPong = now
        wasInboundPaused = isInboundPaused
    }

    // MARK: Closing

    struct Closing {
        var isFirst = false
        var poll: (waiter: PollWaiter, outcome: PollOutcome)?
        var webSocket: WebSocketConnection?
        var candidate: WebSocketConnection?
        var postWaiter: Waiter<Void>?
        var delegate: (any EngineSessionDelegate)?
        /// The last packets wait for one more poll.
        var lingers = false
    }

    /// How a session ends.
    enum Ending {
        /// What is queued still goes out, and a polling client is told by a close packet, in a payload of its
        /// own: clients act on what came before it only when the payload was handled.
        case graceful
        /// The client asked for it.
        case byClient
        /// At once: the connection is lost, or the client broke a rule.
        case abrupt
    }

    mutating func close(_ ending: Ending) -> Closing {
        var closing = Closing()
        guard phase == .open else { return closing }
        closing.isFirst = true
        closing.candidate = candidate
        closing.postWaiter = postWaiter
        closing.delegate = delegate
        candidate = nil
        postWaiter = nil
        delegate = nil
        phase = .closed
        switch transport {
        case .webSocket(let connection):
            let left = queue.takeAll()
            if ending == .graceful { for frame in left { put(frame, into: connection) } }
            closing.webSocket = connection
            transport = .polling
        case .polling:
            let hasQueue = !queue.isEmpty
            closing.poll = takePoll().map { ($0, lastOutcome(ending)) }
            closing.lingers = ending == .graceful && (closing.poll == nil || hasQueue)
            if closing.lingers { phase = .closing }
            if closing.poll != nil || !closing.lingers { _ = queue.takeAll() }
        }
        wakeWaiters()
        return closing
    }

    private mutating func lastOutcome(_ ending: Ending) -> PollOutcome {
        switch ending {
        case .graceful: .packets(queue.isEmpty ? [EngineFrame(.close)] : queue.takeAll())
        case .byClient: .packets([EngineFrame(.noop)])
        case .abrupt: .refused
        }
    }

    /// The end of the time that a closing session waits for its last poll, or that poll itself.
    mutating func finishClosing() { phase = .closed }
}
