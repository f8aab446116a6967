import ParleyTransport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The signals by which a process is told to stop, SIGINT and SIGTERM, and to read its files again, SIGHUP, from the moment on
/// that they are watched.
struct ProcessSignals: Sendable {
    private let signals: AsyncStream<Int32>
    private let sources: [SignalSource]

    /// Takes the signals' usual effect away.
    static func watch(on loop: EventLoop) async -> ProcessSignals {
        let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
        var sources: [SignalSource] = []
        for number in [SIGINT, SIGTERM, SIGHUP] {
            if let source = try? await loop.onSignal(number, { continuation.yield(number) }) {
                sources.append(source)
            }
        }
        return ProcessSignals(signals: signals, sources: sources)
    }

    /// Waits for one to stop, and returns its number. All have their usual effect again then, so that a second one ends a
    /// process whose shutdown hangs.
    func waitForStop(onHangUp: @escaping @Sendable () async -> Void) async -> Int32 {
        defer { cancel() }
        for await number in signals {
            guard number == SIGHUP else { return number }
            await onHangUp()
        }
        return SIGTERM
    }

    /// Gives the signals their usual effect again.
    func cancel() {
        for source in sources { source.cancel() }
    }
}
