/// What a connection has to send and the loop has not yet taken, and how the connection is to end.
///
/// The bytes are an array that is either the connection's own or shared with others: it becomes its own when
/// something is appended.
package struct Outbox {
    /// How the connection is to end; a later, harsher request replaces an earlier one.
    package enum Ending: Equatable {
        case none
        case closing(linger: Duration)
        case reset
        case slowPeer
        /// The connection is gone.
        case closed
    }

    package private(set) var bytes: [UInt8] = []
    package private(set) var isShared = false
    /// Shared bytes behind ``bytes``: what is long needn't be copied behind what is short, as a body behind its head.
    package private(set) var tail: [UInt8] = []
    /// True when whoever takes the bytes also sends a tail.
    private let hasTail: Bool
    /// A tail is a buffer more for the kernel: what is shorter is cheaper to copy.
    private static let shortestTail = 16 * 1024
    /// True while the connection is on a list of those to be flushed.
    package var isQueued = false
    /// True from the high watermark on, until the low one is passed downwards.
    package var isAboveHigh = false
    /// Bytes that the loop has taken and not yet passed on: to the kernel, or to the stream below.
    package var inFlight = 0
    /// Bytes that the stream below, if there is one, had pending when it was looked at last.
    package var pendingBelow = 0
    /// True while bytes wait because the kernel takes no more; while it does, it is the loop that is behind.
    package var isPeerBehind = false
    package private(set) var ending = Ending.none

    package init(hasTail: Bool = false) { self.hasTail = hasTail }

    package var pending: Int { bytes.count + tail.count + inFlight + pendingBelow }

    /// Copies bytes to be sent, into a buffer that is asked for when there is none.
    ///
    /// - Parameter confirm: whether the peer is behind still; asked only before the connection is ended for that.
    /// - Returns: whether the caller must put the connection onto the list of those to be flushed.
    package mutating func send(
        _ more: UnsafeBufferPointer<UInt8>, limits: StreamLimits, confirm: () -> Bool = { true },
        buffer: () -> [UInt8]
    ) -> Bool {
        guard accepts(limits, confirm) else { return ending == .slowPeer && queue() }
        append(more, buffer)
        updateHigh(limits)
        return queue()
    }

    /// Takes bytes to be sent without copying them, if the outbox is empty or they can be its tail; otherwise as the
    /// other `send`.
    package mutating func send(
        shared more: [UInt8], limits: StreamLimits, confirm: () -> Bool = { true }, buffer: () -> [UInt8]
    ) -> Bool {
        guard accepts(limits, confirm) else { return ending == .slowPeer && queue() }
        if bytes.isEmpty {
            bytes = more
            isShared = true
        } else if hasTail, tail.isEmpty, more.count >= Self.shortestTail {
            tail = more
        } else {
            more.withUnsafeBufferPointer { append($0, buffer) }
        }
        updateHigh(limits)
        return queue()
    }

    /// Whether bytes can be sent. When too many wait for a peer that is behind, they cannot, and the connection is
    /// to end.
    private mutating func accepts(_ limits: StreamLimits, _ confirm: () -> Bool) -> Bool {
        guard ending == .none else { return false }
        guard isPeerBehind, pending > limits.maximumPending, confirm() else { return true }
        ending = .slowPeer
        return false
    }

    private mutating func append(_ more: UnsafeBufferPointer<UInt8>, _ buffer: () -> [UInt8]) {
        if needsBuffer { own(buffer()) }
        if !tail.isEmpty {
            bytes.append(contentsOf: tail)
            tail = []
        }
        bytes.append(contentsOf: more)
    }

    /// Makes the bytes the connection's own, in an empty buffer that is given.
    private mutating func own(_ buffer: consuming [UInt8]) {
        if !bytes.isEmpty { buffer.append(contentsOf: bytes) }
        bytes = buffer
        isShared = false
    }

    /// Whether the next append needs a call of ``own(_:)`` first.
    private var needsBuffer: Bool { isShared || bytes.capacity == 0 }

    /// Moves the bytes out.
    package mutating func take() -> OutgoingBytes {
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        defer {
            isShared = false
            tail = []
        }
        return OutgoingBytes(bytes: taken, isShared: isShared, tail: tail)
    }

    /// Notes what became of the bytes that were taken, for a stream above another one.
    ///
    /// - Parameters:
    ///   - inFlight: those that are not passed on yet.
    ///   - left: what the stream below had pending before it was passed anything.
    ///   - passedOn: what it was passed since.
    package mutating func note(inFlight: Int, left: Int, passedOn: Int) {
        self.inFlight = inFlight
        pendingBelow = left + passedOn
        isPeerBehind = left > 0
    }

    /// Forgets what is pending.
    package mutating func discard() {
        bytes = []
        isShared = false
        tail = []
        inFlight = 0
        pendingBelow = 0
        isPeerBehind = false
        isAboveHigh = false
    }

    /// Asks for an end; false when an earlier request already says as much.
    package mutating func end(_ request: Ending) -> Bool {
        switch (ending, request) {
        case (.none, _), (.closing, .reset), (.closing, .slowPeer), (_, .closed):
            ending = request
            return true
        default:
            return false
        }
    }

    /// Sets the flag, and tells whether the caller must put the connection onto the list.
    package mutating func queue() -> Bool {
        defer { isQueued = true }
        return !isQueued
    }

    /// The sender has more than it wants to put here: from now on the outbox counts as above its high watermark, until
    /// little is pending.
    ///
    /// - Returns: whether the caller must put the connection onto the list of those to be flushed, as nothing else would
    ///   make it look at the outbox.
    package mutating func awaitLow() -> Bool {
        guard ending == .none else { return false }
        isAboveHigh = true
        return pending == 0 && queue()
    }

    /// Notes whether the high watermark is passed.
    private mutating func updateHigh(_ limits: StreamLimits) {
        if pending > limits.highWatermark { isAboveHigh = true }
    }

    /// True once each time that the pending bytes, having been above the high watermark, are below the low one. A
    /// stream below has a mark of its own.
    package mutating func passedLow(_ limits: StreamLimits) -> Bool {
        guard isAboveHigh, bytes.count + tail.count + inFlight < limits.lowWatermark else { return false }
        isAboveHigh = false
        return true
    }
}
