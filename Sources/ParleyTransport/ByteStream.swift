/// A bidirectional, ordered, reliable stream of bytes that lives on one event loop: a TCP connection, a TLS
/// session over one, or an HTTP/2 stream (RFC 8441).
///
/// Sending is safe from any thread. Everything else must be called on ``loop``.
public protocol ByteStream: AnyObject, Sendable {
    /// The event loop on which the stream's handler is called.
    var loop: EventLoop { get }

    /// The receiver of this stream's events. Replace it to change protocol (an upgrade). Loop only.
    var handler: (any ByteStreamHandler)? { get set }

    /// The peer's address, as the socket has it.
    var remoteAddress: SocketAddress? { get }

    /// What a trusted proxy told about the client, by the PROXY protocol; nil where none did.
    var proxiedClient: ProxiedClient? { get }

    /// True when the bytes travel encrypted.
    var isSecure: Bool { get }

    /// What the TLS handshake agreed upon; nil when the bytes don't travel over TLS, and until the handshake is done.
    /// Loop only.
    var tls: TLSSession? { get }

    /// The bytes that were sent and not yet taken by the kernel (or by the stream's flow control).
    var pendingBytes: Int { get }

    /// False while the outbox is above its high watermark, until ``ByteStreamHandler/becameWritable(_:)``, and when
    /// the stream takes nothing more. Safe from any thread.
    var isWritable: Bool { get }

    /// Copies bytes into the outbox. They leave with one write at the end of the loop's turn.
    func send(_ bytes: Span<UInt8>)

    /// Sends an encoded buffer without copying it where the outbox is empty; for buffers that many streams share.
    func send(shared bytes: [UInt8])

    /// The sender has more than it wants to put into the outbox now: ``isWritable`` is false until
    /// ``ByteStreamHandler/becameWritable(_:)`` is called, as if the high watermark were passed. Safe from any thread.
    func awaitWritable()

    /// Stops reading: the peer's window closes while nobody reads. Loop only.
    func pauseReading()

    /// Starts reading again. Loop only.
    func resumeReading()

    /// Writes what is pending, sends the end of the stream (FIN), and closes when the peer closed too or
    /// `linger` has passed; bytes that arrive meanwhile are discarded. Safe from any thread.
    func close(linger: Duration)

    /// Closes at once and discards what is pending. Safe from any thread.
    func reset()
}

extension ByteStream {
    /// No proxy.
    public var proxiedClient: ProxiedClient? { nil }

    /// No TLS.
    public var tls: TLSSession? { nil }

    /// Says at once that there is room: for streams that hold nothing back.
    public func awaitWritable() {
        loop.execute { self.handler?.becameWritable(self) }
    }
}

/// The receiver of a ``ByteStream``'s events. Every method is called on the stream's loop.
public protocol ByteStreamHandler: AnyObject {
    /// Bytes arrived. The span is the loop's shared buffer: it is valid, and may be written to, during the call only.
    func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream)

    /// The peer ended its direction of the stream (FIN).
    func receivedEnd(from stream: any ByteStream)

    /// The outbox, having been above its high watermark, is below its low watermark again.
    func becameWritable(_ stream: any ByteStream)

    /// Whoever serves the stream shuts down: finish what is under way, say goodbye, and close. Peers that would all come
    /// back at once hear of it at a random moment within `spread`. Without an implementation the stream is closed.
    func shutDown(_ stream: any ByteStream, spread: Duration)

    /// The stream is gone; nothing else is called after this.
    func closed(_ stream: any ByteStream, reason: CloseReason)
}

extension ByteStreamHandler {
    /// Closes the stream when what was sent is written.
    public func shutDown(_ stream: any ByteStream, spread: Duration) {
        stream.close(linger: .seconds(2))
    }
}

/// Why a ``ByteStream`` is gone.
public enum CloseReason: Sendable, Equatable {
    /// Closed by this side after everything was written.
    case closed
    /// Discarded by this side.
    case reset
    /// The peer closed or reset the connection.
    case peer
    /// The outbox outgrew its limit, or made no progress for the stall time.
    case slowPeer
    /// Another error of the system, with its description.
    case error(String)
}
