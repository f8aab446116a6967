import CUV

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension EventLoop {
    /// Starts the loop's thread, which keeps the loop alive until it has stopped.
    func startThread() throws(TransportError) {
        handles.attach(to: self)
        let retained = Unmanaged.passRetained(self)
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let code = pthread_create(&thread, nil, eventLoopThread, retained.toOpaque())
        guard code == 0 else {
            retained.release()
            abandon()
            throw .system(operation: "create the thread of event loop \(name)", code: code)
        }
        #if canImport(Darwin)
            if let thread { completion.started(thread) }
        #else
            completion.started(thread)
        #endif
    }

    /// Closes a loop whose thread never ran.
    func abandon() {
        isStopping = true
        handles.close()
        uv_run(handles.loop, UV_RUN_DEFAULT)
        uv_loop_close(handles.loop)
        _ = remote.stopIfEmpty()
        completion.finish()
    }

    fileprivate func runThread() {
        markThread()
        setThreadName(name)
        uv_run(handles.loop, UV_RUN_DEFAULT)
        uv_loop_close(handles.loop)
        passOnLateWork()
        unmarkThread()
        completion.finish()
    }

    /// What the end of the last resources queued on this thread: tasks go on elsewhere.
    private func passOnLateWork() {
        while !localWork.isEmpty || !followers.isEmpty {
            followRead()
            swap(&batch, &localWork)
            for case .job(let job) in batch { globalConcurrentExecutor.enqueue(job) }
            batch.removeAll()
        }
    }

    private func setThreadName(_ name: String) {
        #if canImport(Darwin)
            pthread_setname_np(name)
        #else
            // Linux takes 15 bytes and refuses more.
            pthread_setname_np(pthread_self(), String(name.utf8.prefix(15)) ?? "parley-loop")
        #endif
    }
}

// MARK: - Stopping

extension EventLoop {
    /// Closes everything that is open on the loop and ends its thread. Safe from any thread; see
    /// ``LoopCompletion/wait()``.
    func requestStop() {
        execute { [self] in
            guard !isStopping else { return }
            isStopping = true
            closeResources()
        }
    }

    func resourceOpened() {
        openResources += 1
    }

    func resourceClosed() {
        openResources -= 1
    }

    /// Ends the loop once nothing is open and nothing is queued. What is queued after that is refused.
    func finishIfQuiet() {
        guard openResources == 0, localWork.isEmpty, dirty.isEmpty, followers.isEmpty else { return }
        guard remote.stopIfEmpty() else { return }
        timers.removeAll()
        closeKeptWatches()
        handles.close()
    }

    /// The TCP connections that are open on the loop: a snapshot. Loop only.
    package var connections: [TCPConnection] {
        var found: [TCPConnection] = []
        withUnsafeMutablePointer(to: &found) { found in
            uv_walk(
                handles.loop,
                { handle, found in
                    guard let connection = EventLoop.owner(of: handle) as? TCPConnection,
                        let found = found?.assumingMemoryBound(to: [TCPConnection].self)
                    else { return }
                    found.pointee.append(connection)
                }, found)
        }
        return found
    }

    /// Asks every socket and signal of the loop to close itself.
    private func closeResources() {
        for connector in connectors.values { connector.loopIsStopping() }
        uv_walk(
            handles.loop,
            { handle, _ in
                switch EventLoop.owner(of: handle) {
                case let connection as TCPConnection: connection.loopIsStopping()
                case let socket as ListeningSocket: socket.close()
                case let signal as SignalSource: signal.cancel()
                default: break
                }
            }, nil)
    }

    /// The object that a socket's or a signal's handle calls back, unless it is being closed.
    private static func owner(of handle: UnsafeMutablePointer<uv_handle_t>?) -> AnyObject? {
        guard let handle, [UV_POLL, UV_SIGNAL].contains(uv_handle_get_type(handle)),
            uv_is_closing(handle) == 0, let data = uv_handle_get_data(handle)
        else { return nil }
        return Unmanaged<AnyObject>.fromOpaque(data).takeUnretainedValue()
    }
}

#if canImport(Darwin)
    private func eventLoopThread(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().runThread()
        return nil
    }
#else
    private func eventLoopThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let argument else { return nil }
        Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().runThread()
        return nil
    }
#endif
