import CUV

/// A signal of the process that is delivered on an event loop; see ``EventLoop/onSignal(_:_:)``.
///
/// Sound as `Sendable`: the handle is touched on the loop's thread only.
public final class SignalSource: @unchecked Sendable {
    private let loop: EventLoop
    private let handle = UnsafeMutablePointer<uv_signal_t>.allocate(capacity: 1)
    private let body: () -> Void
    private var isClosing = false

    init(loop: EventLoop, body: @escaping () -> Void) {
        self.loop = loop
        self.body = body
    }

    deinit {
        handle.deallocate()
    }

    func start(_ number: Int32) throws(TransportError) {
        try check(uv_signal_init(loop.handles.loop, handle), "watch signal \(number)")
        uv_handle_set_data(generic, Unmanaged.passRetained(self).toOpaque())
        loop.resourceOpened()
        let status = uv_signal_start(
            handle,
            { handle, _ in
                guard let data = handle?.pointee.data else { return }
                Unmanaged<SignalSource>.fromOpaque(data).takeUnretainedValue().body()
            }, number)
        if status < 0 { cancel() }
        try check(status, "watch signal \(number)")
    }

    /// Stops watching, which gives the signal its former effect again. Safe from any thread.
    public func cancel() {
        guard loop.isCurrent else {
            loop.execute { self.cancel() }
            return
        }
        guard !isClosing else { return }
        isClosing = true
        uv_close(generic) { handle in
            guard let data = uv_handle_get_data(handle) else { return }
            let source = Unmanaged<SignalSource>.fromOpaque(data).takeRetainedValue()
            source.loop.resourceClosed()
        }
    }

    private var generic: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)
    }
}

extension EventLoop {
    /// Calls a closure on the loop whenever the process receives the signal (`SIGINT`, `SIGTERM`, ...), which
    /// then no longer has its usual effect. Safe from any thread.
    ///
    /// - Throws: ``TransportError`` when the signal cannot be watched (`SIGKILL`), or the loop has stopped.
    /// - Returns: the source, to cancel it with; it is kept alive until then, or until the loop stops.
    @discardableResult
    public func onSignal(_ number: Int32, _ body: @escaping @Sendable () -> Void) async throws -> SignalSource
    {
        try await run {
            let source = SignalSource(loop: self, body: body)
            try source.start(number)
            return source
        }
    }
}
