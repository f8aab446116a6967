import ParleyTransport

/// The times of a configuration in milliseconds: a deadline that is computed for every request must be an addition.
struct ServerTimeouts {
    let keepAlive: UInt64
    let preface: UInt64
    let shutdownGrace: UInt64
    let streamStall: UInt64
    let connectionStall: UInt64
    let header: UInt64
    let drain: UInt64
    let body: UInt64
    let bodyRateGrace: UInt64
    let minimumBodyRate: Int

    init(_ configuration: ServerConfiguration) {
        keepAlive = configuration.keepAliveTimeout.clampedMilliseconds
        shutdownGrace = configuration.shutdownGrace.clampedMilliseconds
        preface = configuration.prefaceTimeout.clampedMilliseconds
        streamStall = configuration.streamStallTimeout.clampedMilliseconds
        connectionStall = configuration.connectionStallTimeout.clampedMilliseconds
        header = configuration.headerTimeout.clampedMilliseconds
        drain = configuration.drainTimeout.clampedMilliseconds
        body = configuration.bodyTimeout.clampedMilliseconds
        bodyRateGrace = configuration.bodyRateGrace.clampedMilliseconds
        minimumBodyRate = configuration.minimumBodyRate
    }
}

extension Duration {
    /// The duration in whole milliseconds; 0 when it is negative, and no more than a century.
    fileprivate var clampedMilliseconds: UInt64 {
        let century: Duration = .seconds(3_155_760_000)
        let (seconds, attoseconds) = min(max(self, .zero), century).components
        return UInt64(seconds) * 1000 + UInt64(attoseconds / 1_000_000_000_000_000)
    }
}

extension MonotonicInstant {
    /// The instant so many milliseconds later, or the last one that there is.
    func adding(_ milliseconds: UInt64) -> MonotonicInstant {
        let (sum, overflow) = self.milliseconds.addingReportingOverflow(milliseconds)
        return MonotonicInstant(milliseconds: overflow ? .max : sum)
    }
}

/// The earlier one of two instants, of which either may be missing.
func earliest(_ one: MonotonicInstant?, _ other: MonotonicInstant?) -> MonotonicInstant? {
    guard let one else { return other }
    guard let other else { return one }
    return min(one, other)
}
