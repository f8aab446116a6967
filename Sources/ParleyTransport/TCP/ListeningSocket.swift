import CUV
import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One listening socket on one loop.
///
/// Sound as `Sendable`: everything but constants is touched on the loop's thread only. The libuv handle holds one
/// retain from ``start()`` until its close callback.
final class ListeningSocket: @unchecked Sendable {
    private let loop: EventLoop
    private let descriptor: Int32
    private let acceptor: Acceptor
    private let isListening: Bool
    private let handle = UnsafeMutablePointer<uv_poll_t>.allocate(capacity: 1)
    private var isClosed = false
    private var isAttached = false
    private var spare = SpareDescriptor()
    /// Runs while accepting is suspended.
    private var backOff: LoopTimer?
    private var lastComplaint: MonotonicInstant?

    /// Connections accepted before the loop looks after others.
    private static let acceptedPerTurn = 64

    /// - Parameter isListening: whether the socket listens before it is started.
    init(loop: EventLoop, descriptor: Int32, acceptor: Acceptor, isListening: Bool) {
        self.isListening = isListening
        self.loop = loop
        self.descriptor = descriptor
        self.acceptor = acceptor
    }

    deinit {
        // Never started, because its loop had stopped.
        if !isClosed { systemClose(descriptor) }
        handle.deallocate()
    }

    /// Starts to listen and to accept.
    func start(backlog: Int32) throws(TransportError) {
        if !isListening { try checkCall(listen(descriptor, backlog), "listen") }
        try check(uv_poll_init(loop.handles.loop, handle, descriptor), "watch a listening socket")
        isAttached = true
        uv_handle_set_data(generic, Unmanaged.passRetained(self).toOpaque())
        loop.resourceOpened()
        watch()
    }

    private func watch() {
        uv_poll_start(handle, Int32(UV_READABLE.rawValue)) { handle, _, _ in
            guard let data = handle?.pointee.data else { return }
            Unmanaged<ListeningSocket>.fromOpaque(data).takeUnretainedValue().acceptSome()
        }
    }

    /// Stops listening. With `draining`, connections that the kernel has completed are accepted first rather than
    /// reset.
    func close(draining: Bool = false) {
        guard !isClosed else { return }
        if draining, isAttached, backOff == nil { acceptSome() }
        isClosed = true
        backOff?.cancel()
        spare.release()
        guard isAttached else { return systemClose(descriptor) }
        uv_poll_stop(handle)
        systemClose(descriptor)
        uv_close(generic) { handle in
            guard let data = uv_handle_get_data(handle) else { return }
            let socket = Unmanaged<ListeningSocket>.fromOpaque(data).takeRetainedValue()
            socket.loop.resourceClosed()
        }
    }

    private func acceptSome() {
        guard !isClosed else { return }
        for _ in 0..<Self.acceptedPerTurn {
            let (accepted, peer) = ListenSocketFactory.accept(descriptor)
            if accepted >= 0 {
                acceptor.adopt(accepted, peer: peer, on: loop)
                continue
            }
            let code = errno
            switch code {
            case EAGAIN, EWOULDBLOCK: return
            // The peer gave up before it was accepted.
            case ECONNABORTED, EINTR, EPROTO, EPERM: continue
            case EMFILE, ENFILE: if !refuseOne(code) { return suspend() }
            default:
                complain(code)
                return suspend()
            }
        }
    }

    /// Without descriptors the next connection can only be closed, with the help of the spare one; left alone, it
    /// would keep the loop spinning. False when there is no spare descriptor either.
    private func refuseOne(_ code: Int32) -> Bool {
        complain(code)
        return spare.lend { systemClose(ListenSocketFactory.accept(descriptor).descriptor) }
    }

    /// Leaves connections to the kernel's backlog for a while.
    private func suspend() {
        uv_poll_stop(handle)
        backOff = loop.schedule(after: .milliseconds(100)) { [weak self] in
            guard let self, !self.isClosed else { return }
            self.backOff = nil
            self.watch()
        }
    }

    private func complain(_ code: Int32) {
        if let lastComplaint, lastComplaint.duration(to: loop.now) < .seconds(1) { return }
        lastComplaint = loop.now
        loop.logger.error(
            "cannot accept connections", metadata: ["error": "\(SystemError.text(errno: code))"])
    }

    private var generic: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)
    }
}

/// A descriptor that is kept for the time when there are no others.
struct SpareDescriptor {
    private var descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)

    /// Frees the descriptor for the time of the call; false, without the call, when there is none and none is to
    /// be had.
    mutating func lend(_ body: () -> Void) -> Bool {
        if descriptor < 0 { descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { return false }
        systemClose(descriptor)
        body()
        descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
        return true
    }

    mutating func release() {
        if descriptor >= 0 { systemClose(descriptor) }
        descriptor = -1
    }
}
