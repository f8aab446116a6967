public import ParleyTransport
public import ParleyWire

/// The limits and times of a server. The defaults suit a server that faces the internet.
public struct ServerConfiguration: Sendable {
    /// The number of event loops, each with a thread; nil is one for each core.
    public var loopCount: Int?
    /// Certificates and keys, to serve over TLS; nil serves clear text. HTTP/2 and HTTP/1.1 are offered to clients (ALPN),
    /// unless `applicationProtocols` says otherwise.
    public var tls: TLSConfiguration?
    /// The limits of a request's head and framing.
    public var limits = HTTPLimits()
    /// The limits of HTTP/2; nil doesn't speak it.
    public var http2: HTTP2Limits? = HTTP2Limits()
    /// The time that a client of HTTP/2 has to send its preface and its SETTINGS. Beyond: closed.
    public var prefaceTimeout: Duration = .seconds(5)
    /// The time within which an HTTP/2 stream must take 1 KiB of what waits for it, or all of it. Beyond: the stream is reset.
    public var streamStallTimeout: Duration = .seconds(30)
    /// The time within which all streams of an HTTP/2 connection together must do so. Beyond: the connection is ended.
    public var connectionStallTimeout: Duration = .seconds(60)
    /// The time from the first byte of a request to the end of its header section. Beyond: 408.
    public var headerTimeout: Duration = .seconds(10)
    /// The time that a connection may be idle between two requests, or before the first. Beyond: closed.
    public var keepAliveTimeout: Duration = .seconds(75)
    /// The time without a byte of content while the server reads it. Beyond: 408.
    public var bodyTimeout: Duration = .seconds(30)
    /// The bytes a second that content must come with on average, once ``bodyRateGrace`` has passed. Beyond: 408.
    public var minimumBodyRate = 1024
    /// The time before ``minimumBodyRate`` counts.
    public var bodyRateGrace: Duration = .seconds(10)
    /// The bytes of content that nobody read which are discarded to keep the connection. Beyond: closed.
    public var drainLimit = 256 * 1024
    /// The time for discarding them. Beyond: closed.
    public var drainTimeout: Duration = .seconds(5)
    /// The time that the peer has to end its side after the server ended its own.
    public var lingerTimeout: Duration = .seconds(2)
    /// The limits of what waits in a connection's outbox.
    public var streamLimits = StreamLimits()
    /// The connections that a server holds at a time; nil is what the system's limit of descriptors allows.
    public var maximumConnections: Int?
    /// The time over which upgraded connections are told that the server shuts down, each at a random moment, so that their
    /// clients don't all come back at once. At most half of the time that a shutdown has.
    public var shutdownSpread: Duration = .zero
    /// The time that an idle HTTP/1.1 connection is kept when the server shuts down: a request that was sent before the client
    /// could know is answered.
    public var shutdownGrace: Duration = .milliseconds(500)
    /// The time that ``Application/run(host:port:started:)`` gives to hooks and open connections when it is told to stop.
    public var shutdownDeadline: Duration = .seconds(30)

    /// The defaults.
    public init() {}
}
