import ParleyTransport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The signals by which a process is told to stop.
enum StopSignal {
    /// Waits for SIGINT or SIGTERM, and returns its number. Either has its usual effect again then, so that a second one
    /// ends a process whose shutdown hangs.
    static func wait(on loop: EventLoop) async -> Int32 {
        let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
        var sources: [SignalSource] = []
        for number in [SIGINT, SIGTERM] {
            if let source = try? await loop.onSignal(number, { continuation.yield(number) }) {
                sources.append(source)
            }
        }
        var received = SIGTERM
        for await number in signals {
            received = number
            break
        }
        for source in sources { source.cancel() }
        return received
    }
}
