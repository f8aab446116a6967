import ParleyTransport

/// How much a connection may inflate in one turn of its loop, on which others are served too: DEFLATE makes a thousand bytes
/// of one, so the size of a read doesn't bound what comes out of it.
struct WebSocketInflationBudget {
    /// About 4 ms. The piece of a message that exceeds it is still inflated, up to the message's own limit.
    static let bytesPerTurn = 1024 * 1024

    /// The loop's time stands still during a turn.
    private var turn: MonotonicInstant?
    private var spent = 0

    /// Counts bytes.
    /// - Returns: true when the rest of the input is to wait for the next turn.
    mutating func spend(_ bytes: Int, at now: MonotonicInstant) -> Bool {
        if turn != now {
            turn = now
            spent = 0
        }
        spent += bytes
        return spent >= Self.bytesPerTurn
    }

    /// The next turn has come, though perhaps within the same millisecond.
    mutating func renew() { spent = 0 }
}
