import ParleyTransport
public import ParleyWire

/// Waits for the acknowledgements of one broadcast. The adapter tells it whom the event went to and brings it the replies;
/// each expected socket counts once, by its reply or its failure, whichever comes first.
public final class AcknowledgementCollector: Sendable {
    typealias Decode = @Sendable (String?, inout JSONArrayCursor, Span<UInt8>) -> Void
    typealias Fail = @Sendable (String?, AcknowledgementError) -> Void

    private let decode: Decode
    private let onFailure: Fail
    private let onEnd: @Sendable () -> Void
    private let state = Lock(CollectorState())

    /// How long the replies may take.
    public let timeout: Duration

    init(
        timeout: Duration, decode: @escaping Decode, onFailure: @escaping Fail,
        onEnd: @escaping @Sendable () -> Void
    ) {
        self.timeout = timeout
        self.decode = decode
        self.onFailure = onFailure
        self.onEnd = onEnd
    }

    /// Says how many servers will each call `expect` once: 1, this one, unless it is said before the first call.
    public func expectServers(_ count: Int) {
        endIfComplete(state.withLock { $0.expectServers(count) })
    }

    /// One server's share of the recipients.
    ///
    /// - Parameters:
    ///   - sockets: their ids.
    ///   - unnamed: how many more there are, when that server does not tell their ids.
    public func expect(_ sockets: [String], unnamed: Int = 0) {
        endIfComplete(state.withLock { $0.expect(sockets, unnamed: unnamed) })
    }

    func expect(_ sockets: [String], local: [Socket], acknowledgementID: UInt64) {
        endIfComplete(
            state.withLock { state in
                state.keep(local, id: acknowledgementID)
                return state.expect(sockets, unnamed: 0)
            })
    }

    /// A reply that came from another server; its socket is nil when that server does not tell.
    public func reply(from socket: String?, _ values: [JSONValue]) {
        var json: [UInt8] = []
        var attachments: [[UInt8]] = []
        guard (try? JSON.encode(values, into: &json, attachments: &attachments)) != nil,
            var cursor = try? JSONArrayCursor(validating: json.span, attachments: attachments)
        else { return }
        reply(from: socket, &cursor, json.span)
    }

    func reply(from socket: String?, _ cursor: inout JSONArrayCursor, _ json: Span<UInt8>) {
        guard state.withLock({ $0.begin(socket) }) else { return }
        decode(socket, &cursor, json)
        endIfComplete(state.withLock { $0.finish() })
    }

    /// A socket that will not reply, as it is gone.
    public func fail(_ socket: String, _ error: AcknowledgementError) {
        guard state.withLock({ $0.begin(socket) }) else { return }
        onFailure(socket, error)
        endIfComplete(state.withLock { $0.finish() })
    }

    /// Gives up waiting: who has not replied yet fails for the timeout.
    func expire() {
        guard let missing = state.withLock({ $0.expire() }) else { return }
        abandon(missing.local, missing.id)
        for socket in missing.sockets { onFailure(socket, .timeout(timeout)) }
        for _ in 0..<missing.unnamed { onFailure(nil, .timeout(timeout)) }
        endIfComplete(state.withLock { $0.finish() })
    }

    /// Expires when the time is up; called when the event is on its way. Whoever collects holds the collector until then.
    func watch() {
        guard let loop = EventLoop.current ?? state.withLock({ $0.loop }) else {
            Task { [weak self, timeout] in
                try? await Task.sleep(for: timeout)
                self?.expire()
            }
            return
        }
        loop.execute { [weak self, timeout] in
            _ = loop.schedule(after: timeout) { self?.expire() }
        }
    }

    /// Nobody is interested in replies any more.
    func cancel() {
        guard let missing = state.withLock({ $0.expire() }) else { return }
        abandon(missing.local, missing.id)
    }

    private func abandon(_ sockets: [Socket], _ id: UInt64) {
        for socket in sockets { _ = socket.cancelAcknowledgement(id) }
    }

    private func endIfComplete(_ isComplete: Bool) {
        if isComplete { onEnd() }
    }
}

/// What a collector knows, as a value. Each change tells whether everything that was expected has come, once.
private struct CollectorState {
    struct Missing: Sendable {
        var sockets: [String]
        var unnamed: Int
        var local: [Socket]
        var id: UInt64
    }

    private var servers = 1
    private var waiting: Set<String> = []
    private var unnamed = 0
    /// Who replied, maybe before it was said that it would.
    private var answered: Set<String> = []
    private var earlyUnnamed = 0
    /// Replies that are being decoded.
    private var inFlight = 0
    private var isExpired = false
    private var isOver = false
    private var local: [Socket] = []
    private var id: UInt64 = 0

    /// A loop that may watch the time.
    var loop: EventLoop? { local.first?.client.session.loop }

    mutating func expectServers(_ count: Int) -> Bool {
        servers = count
        return isComplete()
    }

    mutating func keep(_ sockets: [Socket], id: UInt64) {
        local += sockets
        self.id = id
    }

    mutating func expect(_ sockets: [String], unnamed: Int) -> Bool {
        servers -= 1
        for socket in sockets where !answered.contains(socket) { waiting.insert(socket) }
        let known = min(unnamed, earlyUnnamed)
        earlyUnnamed -= known
        self.unnamed += unnamed - known
        return isComplete()
    }

    /// Claims a reply; false when there was one before, or nobody waits any more.
    mutating func begin(_ socket: String?) -> Bool {
        guard !isExpired else { return false }
        if let socket {
            guard waiting.remove(socket) != nil || servers > 0, answered.insert(socket).inserted else {
                return false
            }
        } else if unnamed > 0 {
            unnamed -= 1
        } else {
            guard servers > 0 else { return false }
            earlyUnnamed += 1
        }
        inFlight += 1
        return true
    }

    mutating func finish() -> Bool {
        inFlight -= 1
        return isComplete()
    }

    /// Ends the waiting; who calls must call `finish`.
    mutating func expire() -> Missing? {
        guard !isExpired, !isOver else { return nil }
        isExpired = true
        inFlight += 1
        defer {
            waiting = []
            unnamed = 0
            local = []
        }
        return Missing(
            sockets: Array(waiting), unnamed: unnamed, local: local.filter { waiting.contains($0.id) }, id: id
        )
    }

    private mutating func isComplete() -> Bool {
        guard !isOver, inFlight == 0, isExpired || (servers <= 0 && waiting.isEmpty && unnamed == 0) else {
            return false
        }
        isOver = true
        local = []
        return true
    }
}
