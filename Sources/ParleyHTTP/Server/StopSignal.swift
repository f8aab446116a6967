import ParleyTransport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The signals by which a process is told to stop, SIGINT and SIGTERM, from the moment on that they are watched.
struct StopSignal: Sendable {
    private let signals: AsyncStream<Int32>
    private let sources: [SignalSource]

    /// Takes the signals' usual effect away.
    static func watch(on loop: EventLoop) async -> StopSignal {
        let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
        var sources: [SignalSource] = []
        for number in [SIGINT, SIGTERM] {
            if let source = try? await loop.onSignal(number, { continuation.yield(number) }) {
                sources.append(source)
            }
        }
        return StopSignal(signals: signals, sources: sources)
    }

    /// Waits for one, and returns its number. Either has its usual effect again then, so that a second one ends a process
    /// whose shutdown hangs.
    func wait() async -> Int32 {
        defer { cancel() }
        for await number in signals { return number }
        return SIGTERM
    }

    /// Gives the signals their usual effect again.
    func cancel() {
        for source in sources { source.cancel() }
    }
}
