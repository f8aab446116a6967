import CUV

/// A TCP connection on an event loop, or one of a Unix domain socket: libuv's TCP handles take any stream socket.
///
/// Sound as `Sendable`: the outbox is behind a mutex, constants are constants, and everything else is touched on
/// the loop's thread only. The libuv handle holds one retain of the connection from ``open(handler:)`` (or the
/// start of an outgoing connection) until its close callback.
public final class TCPConnection: ByteStream, TurnFlushed, @unchecked Sendable {
    /// The event loop on which the connection lives.
    public let loop: EventLoop
    /// The receiver of the connection's events; nil again after ``ByteStreamHandler/closed(_:reason:)``.
    @exclusivity(unchecked) public var handler: (any ByteStreamHandler)?
    /// The peer's address.
    public internal(set) var remoteAddress: SocketAddress?
    /// What a proxy told about the client; see ``ProxyProtocol``.
    public internal(set) var proxiedClient: ProxiedClient?
    /// False: the bytes travel as they are.
    public var isSecure: Bool { false }

    let origin: ConnectionOrigin
    let outbox = Lock(Outbox(hasTail: true))
    let handle = UnsafeMutablePointer<uv_tcp_t>.allocate(capacity: 1)

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
    /// What is being written. Untouched while ``write`` is set, as libuv holds a pointer into it.
    @exclusivity(unchecked) var outgoing = OutgoingBytes()
    /// The write that waits for the socket to take more; nil when none does.
    @exclusivity(unchecked) var write: PendingWrite?
    /// The bytes that the kernel has taken, but for those of ``write``.
    @exclusivity(unchecked) var totalWritten = 0
    /// Watches for a stall while writing, and for the end of lingering.
    @exclusivity(unchecked) var timer: LoopTimer?
    @exclusivity(unchecked) var closeReason = CloseReason.closed
    /// Who waits for the kernel to have taken everything; see ``whenDrained(_:)``.
    @exclusivity(unchecked) var drained: (() -> Void)?

    init(loop: EventLoop, origin: ConnectionOrigin) {
        self.loop = loop
        self.origin = origin
    }

    deinit {
        handle.deallocate()
    }

    /// Makes the libuv handle and takes the descriptor, if one is given; on failure the descriptor is closed and
    /// nothing is left. The connection then counts as a resource of its loop until it is closed.
    func attach(descriptor: Int32?) throws(TransportError) {
        do throws(TransportError) {
            try check(uv_tcp_init(loop.handles.loop, handle), "create a socket handle")
        } catch {
            if let descriptor { systemClose(descriptor) }
            origin.leave()
            throw error
        }
        uv_handle_set_data(generic, Unmanaged.passRetained(self).toOpaque())
        loop.resourceOpened()
        guard let descriptor else { return }
        let status = uv_tcp_open(handle, descriptor)
        if status < 0 {
            systemClose(descriptor)
            closeHandle(.error(SystemError.text(uv: status)))
        }
        try check(status, "open a socket")
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
        return SocketAddress.reported { address, length in
            var size = Int32(length.pointee)
            defer { length.pointee = socklen_t(size) }
            return uv_tcp_getsockname(handle, address, &size)
        }
    }

    var generic: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)
    }

    var stream: UnsafeMutablePointer<uv_stream_t> {
        UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_stream_t.self)
    }

    var descriptor: Int32 {
        var descriptor: uv_os_fd_t = -1
        return uv_fileno(generic, &descriptor) == 0 ? descriptor : -1
    }
}
