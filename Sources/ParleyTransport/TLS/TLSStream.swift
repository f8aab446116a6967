/// A TLS connection over another stream, in the server's role.
///
/// It is the handler of the stream below, and a stream itself: once the handshake is done it asks for its own handler.
/// Plaintext that is sent waits in an outbox and is encrypted once a turn of the loop, so that small messages share a
/// record; ciphertext goes straight to the stream below, for as long as that is writable.
///
/// Sound as `Sendable`: the outbox is behind a lock, constants are constants, and everything else is touched on the
/// loop's thread only. `makeHandler`, `handler`, and the handler's place below hold the parts of a connection together
/// until ``ByteStreamHandler/closed(_:reason:)``.
public final class TLSStream: ByteStream, TurnFlushed, @unchecked Sendable {
    /// The receiver of the stream's events; nil during the handshake, and again after
    /// ``ByteStreamHandler/closed(_:reason:)``.
    @exclusivity(unchecked) public var handler: (any ByteStreamHandler)?
    /// The event loop, which is that of the stream below.
    public let loop: EventLoop
    /// What the handshake agreed upon; nil until it is done.
    public internal(set) var tls: TLSSession?
    /// True.
    public var isSecure: Bool { true }
    /// The peer's address, as the stream below has it.
    public var remoteAddress: SocketAddress? { below.remoteAddress }
    /// What a proxy told, as the stream below has it.
    public var proxiedClient: ProxiedClient? { below.proxiedClient }

    let below: any ByteStream
    let limits: StreamLimits
    let outbox = Lock(Outbox())

    // The loop's thread only, from here on.

    enum Phase {
        case handshaking
        case open
        /// Encrypting what is pending, before close_notify; input is discarded.
        case draining
        /// Nothing more is sent; input is discarded until the stream below is closed.
        case ending
        case closed
    }
    @exclusivity(unchecked) var phase = Phase.handshaking
    /// Nil once the stream is closed.
    @exclusivity(unchecked) var connection: SSLConnection?
    @exclusivity(unchecked) var isPaused = false
    /// The handler asked for the end, on the loop: it receives nothing more, before ``flush()`` sees to the rest.
    @exclusivity(unchecked) var isEnding = false
    /// The peer has sent close_notify.
    @exclusivity(unchecked) var hasEnded = false
    /// The stream below has ended, which is no news after close_notify, and an error before.
    @exclusivity(unchecked) var hasEndedBelow = false
    /// True when ``flush()`` is to go on with what was held while reading was paused.
    @exclusivity(unchecked) var mustReadOn = false
    /// Ciphertext that arrived before the handler paused, and is not decrypted yet.
    @exclusivity(unchecked) var held: [UInt8] = []
    /// What is being encrypted.
    @exclusivity(unchecked) var outgoing = OutgoingBytes()
    /// What ended the stream, where the stream below cannot know.
    @exclusivity(unchecked) var closeReason: CloseReason?
    var makeHandler: ((any ByteStream) -> any ByteStreamHandler)?
    /// Watches over the handshake.
    var timer: LoopTimer?

    /// Starts the handshake of a client that connected to this side. Make the new object the handler of the stream
    /// below: a ``TCPListener`` does so for ``TCPListenerOptions/tls``. Loop only.
    ///
    /// - Parameters:
    ///   - below: the stream that carries the records.
    ///   - context: certificates, keys, and rules.
    ///   - limits: bounds of what waits to be sent, the stream below included.
    ///   - makeHandler: called on the loop, once the handshake is done, for the handler of this stream's events.
    ///     A handshake that fails closes the stream below, without a call.
    public convenience init(
        over below: any ByteStream, context: TLSContext, limits: StreamLimits = StreamLimits(),
        makeHandler: @escaping (any ByteStream) -> any ByteStreamHandler
    ) {
        let contexts = context.contexts
        self.init(
            over: below, connection: SSLConnection(server: contexts, output: below),
            handshakeTimeout: contexts.handshakeTimeout, limits: limits, makeHandler: makeHandler)
    }

    /// A stream in the role of its connection.
    init(
        over below: any ByteStream, connection: SSLConnection?, handshakeTimeout: Duration,
        limits: StreamLimits, makeHandler: @escaping (any ByteStream) -> any ByteStreamHandler
    ) {
        loop = below.loop
        self.below = below
        self.limits = limits
        self.connection = connection
        self.makeHandler = makeHandler
        guard connection != nil else {
            loop.logger.error("no memory for a TLS connection")
            abandon(.reset)
            below.reset()
            return
        }
        // Strongly, until the handshake is done or the stream below is closed: an object that anything refers to weakly
        // is counted slowly ever after.
        timer = loop.schedule(after: handshakeTimeout) {
            self.handshakeFailed("it takes longer than \(handshakeTimeout)", linger: .zero)
        }
    }
}
