public import HTTPTypes

/// The receiver of what an ``HTTP2Session`` finds in its input, and the source of the content that it sends. The methods are
/// called from within ``HTTP2Session/receive(_:now:)`` and ``HTTP2Session/send(into:limit:now:)``; they may call the session,
/// but for these two.
public protocol HTTP2SessionHandler: AnyObject {
    /// A request begins on a new stream; content follows unless it is ended.
    func received(request head: consuming HTTPRequestHead, on stream: Int32, isEnded: Bool)

    /// A request is to be answered with an error; content follows unless it is ended. Also called for the trailers of a
    /// request that was received.
    func received(refused refusal: HTTP2Refusal, on stream: Int32, isEnded: Bool)

    /// Content came. It fills the stream's and the connection's windows until ``HTTP2Session/consume(_:of:)``. The bytes may
    /// be written to, and are valid during the call only.
    func received(content bytes: inout MutableSpan<UInt8>, on stream: Int32)

    /// A request's content is complete. Trailers are nil when there were none.
    func receivedEnd(trailers: HTTPHeaderBlock?, on stream: Int32)

    /// The PING behind the notice of ``HTTP2Session/announceShutdown()`` was answered.
    func receivedPong()

    /// A header section that was to be sent is too large, and was not.
    func failed(stream: Int32)

    /// The stream is gone, whether both sides ended it or one reset it. Nothing else is called for it.
    func closed(stream: Int32, code: HTTP2ErrorCode)

    /// Content that is to be sent, as much as is there and fits.
    func content(of stream: Int32, into buffer: UnsafeMutableBufferPointer<UInt8>) -> HTTP2Content
}

/// What an ``HTTP2SessionHandler`` has put into a buffer of content.
public enum HTTP2Content: Sendable, Equatable {
    /// So many bytes, at least one; more will follow.
    case bytes(Int)
    /// So many bytes, which are the last ones.
    case last(Int)
    /// So many bytes, the last ones, behind which trailers were given to ``HTTP2Session/sendTrailers(_:on:)``.
    case lastBeforeTrailers(Int)
    /// Nothing at present: the session asks again after ``HTTP2Session/resume(_:)``.
    case none
}
