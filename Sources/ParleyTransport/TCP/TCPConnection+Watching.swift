import CUV

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// libuv tells when the socket can be read from or written to; reading and writing is done here. What it watches for is
// changed at the end of a turn, so that a pause which ends in the same turn costs nothing.
extension TCPConnection {
    private static let readable = Int32(UV_READABLE.rawValue)
    private static let writable = Int32(UV_WRITABLE.rawValue)

    private var wanted: Int32 {
        (isReading ? Self.readable : 0) | (isBlocked || connecting != nil ? Self.writable : 0)
    }

    /// What is to be watched for may have changed.
    func watchLater() {
        guard phase != .closed, wanted != watched, outbox.withLock({ $0.queue() }) else { return }
        loop.enqueueFlush(self, onLoop: true)
    }

    /// Tells libuv, where it doesn't know.
    func updateWatch() {
        let wanted = wanted
        guard wanted != watched, phase != .closed, let handle else { return }
        watched = wanted
        guard wanted != 0 else {
            uv_poll_stop(handle)
            return
        }
        let status = uv_poll_start(handle, wanted) { handle, status, events in
            guard let data = handle?.pointee.data else { return }
            Unmanaged<TCPConnection>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.isReady(status, events) }
        }
        if status < 0 { closeHandle(.error(SystemError.text(uv: status))) }
    }

    private func isReady(_ status: Int32, _ events: Int32) {
        // libuv has stopped watching then; what is wrong the next call of the system says.
        let hasFailed = status < 0
        if hasFailed { watched = 0 }
        if let connecting {
            self.connecting = nil
            connecting(socketError)
        } else {
            if isReading, hasFailed || events & Self.readable != 0 {
                readSome()
                loop.followRead()
            }
            if isBlocked, hasFailed || events & Self.writable != 0 { becameWritable() }
        }
        watchLater()
    }

    // MARK: Connecting

    /// Starts to connect, and calls back later: with 0, or with an error as `errno` has it. A connection that is closed before
    /// doesn't.
    ///
    /// - Returns: an error that is known at once, or 0.
    func connect(to address: SocketAddress, _ callback: @escaping (Int32) -> Void) -> Int32 {
        let descriptor = descriptor
        let status = address.withSocketAddress { systemConnect(descriptor, $0, $1) == 0 ? 0 : errno }
        switch status ?? EINVAL {
        case 0, EINPROGRESS, EINTR:
            connecting = callback
            watchLater()
            return 0
        case let code: return code
        }
    }

    private var socketError: Int32 {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return errno }
        return code
    }
}

/// `connect`, where a method of that name hides it.
private func systemConnect(
    _ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
) -> Int32 {
    connect(descriptor, address, length)
}
