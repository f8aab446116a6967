/// The limits of what is accepted from a WebSocket peer. What exceeds one fails with close code 1009 and an error that
/// names it.
public struct WebSocketLimits: Sendable, Equatable {
    /// The bytes of a message's payload, all its fragments together.
    public var messageBytes = 1024 * 1024
    /// The number of frames that a message may be made of.
    public var fragments = 4096
    /// What a fragment of fewer bytes than this is charged on top of its payload: the sum of payload and charges of a
    /// message may not exceed ``messageBytes`` either. Larger fragments cost nothing extra.
    public var tinyFragmentBytes = 64

    /// The defaults.
    public init() {}

    /// What the frames of a compressed message may have in all: DEFLATE makes what can't be compressed a little longer, by 4 %
    /// at most with the least memory. The limit of the message itself is checked while it is inflated.
    var compressedBytes: Int {
        let messageBytes = max(messageBytes, 0)
        let (sum, overflow) = messageBytes.addingReportingOverflow(messageBytes / 16 &+ 64)
        return overflow ? .max : sum
    }
}
