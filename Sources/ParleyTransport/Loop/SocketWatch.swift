import CUV

/// libuv's handle for watching a socket.
typealias SocketWatch = UnsafeMutablePointer<uv_poll_t>

/// The handles of an event loop that watch nothing at the moment, each under the number of the socket that it was made for. Before
/// libuv watches a socket for the first time it asks the kernel whether it can, which costs three calls: the next socket of that
/// number is spared them.
struct SocketWatchPool {
    /// A loop with more sockets makes the handles of those anew.
    private static let highestDescriptor = 4095

    private var handles: [SocketWatch?] = []

    mutating func take(for descriptor: Int32) -> SocketWatch? {
        guard descriptor >= 0, descriptor < handles.count else { return nil }
        return handles[Int(descriptor)].take()
    }

    /// False where the handle can't be kept.
    mutating func keep(_ handle: SocketWatch, of descriptor: Int32) -> Bool {
        guard 0...Self.highestDescriptor ~= Int(descriptor) else { return false }
        while handles.count <= descriptor { handles.append(nil) }
        guard handles[Int(descriptor)] == nil else { return false }
        handles[Int(descriptor)] = handle
        return true
    }

    mutating func removeAll() -> [SocketWatch] {
        defer { handles = [] }
        return handles.compactMap { $0 }
    }
}

extension EventLoop {
    /// A handle for a non-blocking socket, which calls back on behalf of its owner once it is started.
    func watch(_ descriptor: Int32, for owner: AnyObject) throws(TransportError) -> SocketWatch {
        let kept = watches.take(for: descriptor)
        let handle = if let kept { kept } else { try makeWatch(descriptor) }
        uv_handle_set_data(handle.generic, Unmanaged.passUnretained(owner).toOpaque())
        return handle
    }

    private func makeWatch(_ descriptor: Int32) throws(TransportError) -> SocketWatch {
        let handle = SocketWatch.allocate(capacity: 1)
        do throws(TransportError) {
            try check(uv_poll_init(handles.loop, handle, descriptor), "watch a socket")
        } catch {
            handle.deallocate()
            throw error
        }
        return handle
    }

    /// Ends the watch of a socket, which is to be closed after this, as libuv doesn't look at it any more.
    func endWatch(_ handle: SocketWatch, of descriptor: Int32) {
        uv_poll_stop(handle)
        uv_handle_set_data(handle.generic, nil)
        if !watches.keep(handle, of: descriptor) { Self.close(handle) }
    }

    /// Lets the kept handles go: when no socket is open any more, as libuv stops watching whatever has their numbers.
    func closeKeptWatches() {
        for handle in watches.removeAll() { Self.close(handle) }
    }

    private static func close(_ handle: SocketWatch) {
        uv_close(handle.generic) { handle in
            UnsafeMutableRawPointer(handle)?.assumingMemoryBound(to: uv_poll_t.self).deallocate()
        }
    }
}

extension SocketWatch {
    fileprivate var generic: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(self).assumingMemoryBound(to: uv_handle_t.self)
    }
}
