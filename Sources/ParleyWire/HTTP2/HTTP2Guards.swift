/// Counts what an honest peer never does in bulk. Each verb tells whether it was too much, and of what.
struct HTTP2Guards {
    private let limits: HTTP2Limits
    private var frames: HTTP2RateLimit
    private var receivedResets: HTTP2RateLimit
    private var causedResets: HTTP2RateLimit
    private var continuations = 0
    private var emptyDataFrames = 0
    private var isExplained = false

    init(_ limits: HTTP2Limits) {
        self.limits = limits
        frames = HTTP2RateLimit(limits.unexplainedFrames)
        receivedResets = HTTP2RateLimit(limits.receivedResets)
        causedResets = HTTP2RateLimit(limits.causedResets)
    }

    /// The types of frames that count in a way of their own (RFC 9113 6).
    enum FrameType {
        case headers
        case data(length: Int, endsStream: Bool)
        case reset
        case continuation
        case priority
        case other
    }

    /// A frame begins: it counts, until something explains it.
    mutating func receivedFrame(_ type: FrameType, at now: UInt64) -> HTTP2Violation? {
        isExplained = false
        guard frames.admit(at: now) else {
            return .limit("unexplainedFrames: too many frames without requests or content")
        }
        switch type {
        case .headers: continuations = 0
        case .continuation:
            continuations += 1
            guard continuations <= limits.continuations else {
                return .limit("continuations: too many CONTINUATION frames")
            }
        case .reset:
            guard receivedResets.admit(at: now) else {
                return .limit("receivedResets: too many streams were reset")
            }
        case .data(let length, let endsStream):
            guard length == 0, !endsStream else {
                emptyDataFrames = 0
                break
            }
            emptyDataFrames += 1
            guard emptyDataFrames <= limits.emptyDataFrames else {
                return .limit("emptyDataFrames: too many empty DATA frames")
            }
        case .priority, .other: break
        }
        return nil
    }

    /// The frame brought a request, or content of one.
    mutating func explainFrame() {
        guard !isExplained else { return }
        isExplained = true
        frames.forgive()
    }

    /// A DATA frame was sent: it is answered with a WINDOW_UPDATE of the stream and one of the connection.
    mutating func sentData() { frames.forgive(2) }

    /// The server reset a stream, or refused its request, by the peer's fault.
    mutating func causedReset(at now: UInt64) -> HTTP2Violation? {
        causedResets.admit(at: now) ? nil : .limit("causedResets: too many streams broke a rule")
    }
}
