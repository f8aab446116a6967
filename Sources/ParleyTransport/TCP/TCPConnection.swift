import CUV

/// A TCP connection on an event loop, or one of a Unix domain socket.
///
/// Sound as `Sendable`: the outbox is behind a mutex, constants are constants, and everything else is touched on
/// the loop's thread only. From ``attach(descriptor:)`` until the handler heard of its end the connection holds itself.
public final class TCPConnection: ByteStream, TurnFlushed, @unchecked Sendable {
    // What each message touches comes first, in few lines of the processor's cache.

    /// The event loop on which the connection lives.
    public let loop: EventLoop
    let origin: ConnectionOrigin
    let outbox = Lock(Outbox(hasTail: true))

    // The loop's thread only, from here on.

    enum Phase {
        /// Made, but not yet connected or handed to a handler.
        case opening
        case open
        /// Writing what is pending, before FIN; input is discarded.
        case draining
        /// FIN is sent; input is discarded until the peer's FIN.
        case lingering
        case closed
    }
    @exclusivity(unchecked) var phase = Phase.opening
    @exclusivity(unchecked) var isReading = false
    @exclusivity(unchecked) var isPaused = false
    /// The handler asked for the end, on the loop: it receives nothing more, before ``flush()`` sees to the rest.
    @exclusivity(unchecked) var isEnding = false
    /// The peer has sent its FIN.
    @exclusivity(unchecked) var hasEnded = false
    /// The kernel took less than ``outgoing``: the rest waits until the socket takes more.
    @exclusivity(unchecked) var isBlocked = false
    /// The socket; -1 when the connection has none.
    @exclusivity(unchecked) var descriptor: Int32 = -1
    /// What libuv watches the socket for.
    @exclusivity(unchecked) var watched: Int32 = 0
    /// What is being written.
    @exclusivity(unchecked) var outgoing = OutgoingBytes()
    /// The bytes that the kernel has taken.
    @exclusivity(unchecked) var totalWritten = 0
    /// The receiver of the connection's events; nil again after ``ByteStreamHandler/closed(_:reason:)``.
    @exclusivity(unchecked) public var handler: (any ByteStreamHandler)?
    /// Who waits for the kernel to have taken everything; see ``whenDrained(_:)``.
    @exclusivity(unchecked) var drained: (() -> Void)?
    /// Watches for a stall while writing, and for the end of lingering.
    @exclusivity(unchecked) var timer: LoopTimer?
    @exclusivity(unchecked) var closeReason = CloseReason.closed
    /// Who waits for the socket to be connected; hears 0, or an error as `errno` has it.
    @exclusivity(unchecked) var connecting: ((Int32) -> Void)?
    /// Watches the socket; nil when the connection has none.
    @exclusivity(unchecked) var handle: SocketWatch?
    /// Keeps the connection, which libuv knows unretained, for as long as it is watched.
    @exclusivity(unchecked) var itself: TCPConnection?
    /// The peer's address.
    public internal(set) var remoteAddress: SocketAddress?
    /// What a proxy told about the client; see ``ProxyProtocol``.
    public internal(set) var proxiedClient: ProxiedClient?
    /// False: the bytes travel as they are.
    public var isSecure: Bool { false }

    init(loop: EventLoop, origin: ConnectionOrigin) {
        self.loop = loop
        self.origin = origin
    }

    /// Takes a non-blocking socket; on failure it is closed and nothing is left. The connection then counts as a resource
    /// of its loop until it is closed.
    func attach(descriptor: Int32) throws(TransportError) {
        do throws(TransportError) {
            handle = try loop.watch(descriptor, for: self)
        } catch {
            systemClose(descriptor)
            origin.leave()
            throw error
        }
        self.descriptor = descriptor
        itself = self
        loop.resourceOpened()
    }

    /// Starts to read and to call the handler.
    func open(handler: any ByteStreamHandler) {
        guard phase == .opening else { return }
        phase = .open
        self.handler = handler
        if !isPaused { startReading() }
    }

    /// The address of this side; nil once the connection is closed. Loop only.
    public var localAddress: SocketAddress? {
        guard phase != .closed else { return nil }
        return SocketAddress.reported { getsockname(descriptor, $0, $1) }
    }
}
