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

    private let pingInterval: Duration?
    private let pongTimeout: Duration
    private let messageTimeout: Duration?
    private let closeTimeout: Duration
    private var lastReceived: MonotonicInstant
    private var pinged: MonotonicInstant?
    private var messageStart: MonotonicInstant?
    private var closed: MonotonicInstant?

    init(options: WebSocketOptions, now: MonotonicInstant) {
        pingInterval = options.pingInterval
        pongTimeout = options.pongTimeout
        messageTimeout = options.messageTimeout
        closeTimeout = options.closeTimeout
        lastReceived = now
    }

    var isMidMessage: Bool { messageStart != nil }

    mutating func received(at now: MonotonicInstant) {
        lastReceived = now
        pinged = nil
    }

    mutating func messageBegan(at now: MonotonicInstant) { messageStart = now }

    mutating func messageEnded() { messageStart = nil }

    mutating func closeSent(at now: MonotonicInstant) { closed = now }

    /// The earliest point at which ``check(at:)`` has something to say.
    var deadline: MonotonicInstant? {
        if let closed { return closed.advanced(by: closeTimeout) }
        var earliest: MonotonicInstant?
        if let pinged {
            earliest = pinged.advanced(by: pongTimeout)
        } else if let pingInterval {
            earliest = lastReceived.advanced(by: pingInterval)
        }
        guard let messageStart, let messageTimeout else { return earliest }
        let end = messageStart.advanced(by: messageTimeout)
        return earliest.map { min($0, end) } ?? end
    }

    mutating func check(at now: MonotonicInstant) -> Verdict {
        guard let deadline, deadline <= now else { return .wait }
        if closed != nil { return .gone }
        if let messageStart, let messageTimeout, messageStart.advanced(by: messageTimeout) <= now {
            return .messageTimeout
        }
        guard pinged == nil else { return .gone }
        pinged = now
        return .ping
    }
}
