import ParleyTransport

/// When a WebSocket is to be pinged, and when it has taken too long: pure bookkeeping with times that are given.
struct WebSocketWatch {
    enum Verdict {
        case wait
        case ping
        case messageTimeout
        /// The peer answered neither ping nor close.
        case gone
    }

    private let options: WebSocketOptions
    private var lastReceived: MonotonicInstant
    private var pinged: MonotonicInstant?
    private var messageStart: MonotonicInstant?
    private var closed: MonotonicInstant?
    /// What wasn't sent yet, up to the close frame, when this was last looked at.
    private var unsentBytes = 0
    /// When the peer was last known to take some of that.
    private var lastTaken: MonotonicInstant
    private var isPaused = false

    init(options: WebSocketOptions, now: MonotonicInstant) {
        self.options = options
        lastReceived = now
        lastTaken = now
    }

    var isMidMessage: Bool { messageStart != nil }

    mutating func received(at now: MonotonicInstant) {
        lastReceived = now
        pinged = nil
    }

    mutating func messageBegan(at now: MonotonicInstant) { messageStart = now }

    mutating func messageEnded() { messageStart = nil }

    /// This side doesn't read: what the peer sends, pongs too, can't arrive, and is not waited for.
    mutating func paused() { isPaused = true }

    /// This side reads again, and whatever was waited for gets its time anew.
    mutating func resumed(at now: MonotonicInstant) {
        guard isPaused else { return }
        isPaused = false
        received(at: now)
        if messageStart != nil { messageStart = now }
    }

    /// A close frame was sent, or waits among so many bytes: the time to answer it begins when the peer has taken them.
    mutating func closeSent(at now: MonotonicInstant, unsentBytes: Int = 0) {
        closed = now
        lastTaken = now
        self.unsentBytes = unsentBytes
    }

    /// The earliest point at which ``check(at:)`` has something to say.
    var deadline: MonotonicInstant? {
        if let closed { return closed.advanced(by: options.closeTimeout) }
        if isPaused { return nil }
        var earliest: MonotonicInstant?
        if let pinged {
            earliest = pinged.advanced(by: options.pongTimeout)
        } else if let pingInterval = options.pingInterval {
            earliest = lastReceived.advanced(by: pingInterval)
        }
        guard let messageStart, let messageTimeout = options.messageTimeout else { return earliest }
        let end = messageStart.advanced(by: messageTimeout)
        return earliest.map { min($0, end) } ?? end
    }

    /// What is to be done now, with so many bytes that the peer hasn't taken yet.
    mutating func check(at now: MonotonicInstant, unsentBytes: Int = 0) -> Verdict {
        guard let deadline, deadline <= now else { return .wait }
        if closed != nil { return checkClosing(at: now, unsentBytes) }
        if let messageStart, let messageTimeout = options.messageTimeout,
            messageStart.advanced(by: messageTimeout) <= now
        {
            return .messageTimeout
        }
        guard pinged == nil else { return .gone }
        pinged = now
        return .ping
    }

    private mutating func checkClosing(at now: MonotonicInstant, _ unsentBytes: Int) -> Verdict {
        guard self.unsentBytes > 0 else { return .gone }
        if unsentBytes < self.unsentBytes {
            lastTaken = now
        } else if lastTaken.advanced(by: max(options.closeTimeout, Self.stallTimeout)) <= now {
            return .gone
        }
        self.unsentBytes = unsentBytes
        closed = now
        return .wait
    }

    /// Streams have a time of their own for a peer that takes nothing, but not every one of them keeps to it.
    private static let stallTimeout = StreamLimits().stallTimeout
}
