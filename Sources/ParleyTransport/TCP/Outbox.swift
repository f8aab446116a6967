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
    /// True while the connection is on a list of those to be flushed.
    package var isQueued = false
    /// True from the high watermark on, until the low one is passed downwards.
    package var isAboveHigh = false
    /// Bytes that the loop has taken and the kernel has not: while there are any, the peer is behind.
    package var inFlight = 0
    package private(set) var ending = Ending.none

    package init() {}

    package var pending: Int { bytes.count + inFlight }

    /// Whether bytes can be sent. When too many wait for a peer that is behind, they cannot, and the connection is
    /// to end; while nothing is in flight it is the loop that is behind, not the peer.
    package mutating func accepts(_ limits: StreamLimits) -> Bool {
        guard ending == .none else { return false }
        guard inFlight > 0, pending > limits.maximumPending else { return true }
        ending = .slowPeer
        return false
    }

    package mutating func append(_ more: UnsafeBufferPointer<UInt8>) {
        bytes.append(contentsOf: more)
    }

    /// Puts the bytes in place without copying them; only into an empty outbox.
    package mutating func share(_ shared: [UInt8]) {
        bytes = shared
        isShared = true
    }

    /// Makes the bytes the connection's own, in an empty buffer that is given.
    package mutating func own(_ buffer: consuming [UInt8]) {
        if !bytes.isEmpty { buffer.append(contentsOf: bytes) }
        bytes = buffer
        isShared = false
    }

    /// Whether the next append needs a call of ``own(_:)`` first.
    package var needsBuffer: Bool { isShared || bytes.capacity == 0 }

    /// Moves the bytes out.
    package mutating func take() -> OutgoingBytes {
        var taken: [UInt8] = []
        swap(&taken, &bytes)
        defer { isShared = false }
        return OutgoingBytes(bytes: taken, isShared: isShared)
    }

    /// Forgets what is pending.
    package mutating func discard() {
        bytes = []
        isShared = false
        inFlight = 0
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

    /// Notes whether the high watermark is passed.
    package mutating func updateHigh(_ limits: StreamLimits) {
        if pending > limits.highWatermark { isAboveHigh = true }
    }

    /// True once each time that the pending bytes, having been above the high watermark, are below the low one.
    package mutating func passedLow(_ limits: StreamLimits) -> Bool {
        guard isAboveHigh, pending < limits.lowWatermark else { return false }
        isAboveHigh = false
        return true
    }
}
