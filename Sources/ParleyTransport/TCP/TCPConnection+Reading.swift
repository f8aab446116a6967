import CUV

extension TCPConnection {
    /// Stops reading: the peer's window closes while nobody reads. Loop only.
    public func pauseReading() {
        isPaused = true
        guard phase == .open else { return }
        stopReading()
    }

    /// Starts reading again. Loop only.
    public func resumeReading() {
        isPaused = false
        guard phase == .open else { return }
        startReading()
    }

    func startReading() {
        guard !isReading, !hasEnded else { return }
        let status = uv_read_start(
            stream,
            { handle, _, buffer in
                guard let handles = handle.flatMap({ EventLoop.owning($0.pointee.loop) })?.handles else {
                    return
                }
                buffer?.pointee = uv_buf_init(
                    UnsafeMutableRawPointer(handles.readBuffer).assumingMemoryBound(to: CChar.self),
                    UInt32(LoopHandles.readBufferSize))
            },
            { handle, count, buffer in
                guard let data = handle?.pointee.data else { return }
                Unmanaged<TCPConnection>.fromOpaque(data)._withUnsafeGuaranteedRef {
                    $0.didRead(count, from: buffer?.pointee.base)
                }
            })
        if status < 0 { return closeHandle(Self.reason(status)) }
        isReading = true
    }

    func stopReading() {
        guard isReading else { return }
        uv_read_stop(stream)
        isReading = false
    }

    private func didRead(_ count: Int, from base: UnsafeMutablePointer<CChar>?) {
        if count > 0, let base {
            guard phase == .open, !isEnding, let handler else { return }
            // The shared buffer belongs to this call: libuv fills it next when the callback has returned.
            var bytes = MutableSpan<UInt8>(
                _unsafeStart: UnsafeMutableRawPointer(base).assumingMemoryBound(to: UInt8.self), count: count)
            handler.received(&bytes, from: self)
        } else if count == Int(UV_EOF.rawValue) {
            didReadEnd()
        } else if count < 0 {
            // A peer that resets after everything was written to it and FIN was sent is as good as closed.
            closeHandle(phase == .lingering ? .closed : Self.reason(Int32(truncatingIfNeeded: count)))
        }
    }

    private func didReadEnd() {
        hasEnded = true
        stopReading()
        switch phase {
        case .open: if !isEnding { handler?.receivedEnd(from: self) }
        case .lingering: closeHandle(.closed)
        case .opening, .draining, .closed: break
        }
    }

    /// What a failed read or write says about the connection's end.
    static func reason(_ status: Int32) -> CloseReason {
        switch status {
        case UV_ECONNRESET.rawValue, UV_EPIPE.rawValue, UV_ECONNABORTED.rawValue: .peer
        default: .error(SystemError.text(uv: status))
        }
    }
}
