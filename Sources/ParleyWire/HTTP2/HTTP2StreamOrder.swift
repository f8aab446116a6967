/// Finds frames on streams where they must not be, which nghttp2 lets pass: it has forgotten streams by then.
struct HTTP2StreamOrder {
    private static let rememberedGaps = 16

    private var highest: Int32 = 0
    /// The ids that requests passed over, which must not be used any more (RFC 9113 5.1.1); the last of them.
    private var gaps: [ClosedRange<Int32>] = []

    mutating func received(_ type: HTTP2Guards.FrameType, on stream: Int32) -> HTTP2Violation? {
        switch type {
        case .headers: return receivedHeaders(stream)
        case .priority where stream == 0:
            return HTTP2Violation(code: .protocolError, rule: "RFC 9113 6.3: PRIORITY on stream 0")
        default: return nil
        }
    }

    private mutating func receivedHeaders(_ stream: Int32) -> HTTP2Violation? {
        guard stream > highest else {
            guard gaps.contains(where: { $0.contains(stream) }) else { return nil }
            return HTTP2Violation(
                code: .protocolError, rule: "RFC 9113 5.1.1: a stream's id is lower than the last")
        }
        if stream > highest &+ 2 {
            gaps.append((highest &+ 1)...(stream &- 1))
            if gaps.count > Self.rememberedGaps { gaps.removeFirst() }
        }
        highest = stream
        return nil
    }
}
