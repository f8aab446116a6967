/// The limits of what a peer may send and make a server hold over HTTP/2. The limits of a header section and of a
/// request's target are those of ``HTTPLimits``; a field counts for its name, its value and 32 bytes (RFC 9113 6.5.2).
public struct HTTP2Limits: Sendable, Equatable {
    /// The streams that a peer may have open at once, as SETTINGS_MAX_CONCURRENT_STREAMS announces. Beyond: the stream is
    /// refused (REFUSED_STREAM).
    public var concurrentStreams: UInt32 = 100
    /// The bytes of content that a stream may send before the server's application read any: the stream's window.
    public var streamWindow: Int32 = 65_535
    /// The bytes of content that all streams together may send unread: the connection's window.
    public var connectionWindow: Int32 = 8 * 1024 * 1024
    /// The bytes that wait to be sent on a stream before whoever writes them has to wait.
    public var streamOutbox = 64 * 1024
    /// The bytes that wait to be sent on all streams together. Beyond: new requests wait for their handlers, and a tunnel
    /// (WebSocket) on which more is sent while more than ``streamOutbox`` waits is reset. Handlers that have begun may still
    /// answer as a whole: what they answer with is theirs to bound, or to stream.
    public var connectionOutbox = 8 * 1024 * 1024
    /// The fields of a header section, far above ``HTTPLimits/headerCount`` (which is answered with 431), that end the
    /// connection.
    public var connectionHeaderCount = 1000
    /// The bytes of a header section when it is decompressed that end the connection.
    public var connectionHeaderBytes = 128 * 1024
    /// The CONTINUATION frames of one header section. Beyond: the connection is ended.
    public var continuations = 16
    /// The streams that a peer may reset in 10 seconds. Beyond: the connection is ended.
    public var receivedResets = 200
    /// The streams that a peer may make the server reset or refuse in 10 seconds by breaking rules. Beyond: the connection
    /// is ended.
    public var causedResets = 100
    /// The frames in 10 seconds that neither requests nor content explain: PING, SETTINGS, PRIORITY, WINDOW_UPDATE and the
    /// like. Beyond: the connection is ended.
    public var unexplainedFrames = 10_000
    /// The DATA frames without content in a row. Beyond: the connection is ended.
    public var emptyDataFrames = 100

    /// The defaults.
    public init() {}
}
