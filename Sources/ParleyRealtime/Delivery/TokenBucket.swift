import ParleyTransport

/// So much in the long run, and so much at once: tokens come steadily, up to a number, and what is taken costs some.
///
/// It may be overdrawn: who pays later waits until the debt is settled.
struct TokenBucket {
    /// Tokens a second, which are thousandths of tokens a millisecond.
    private let rate: Int64
    private let capacity: Int64
    /// In thousandths.
    private var tokens: Int64
    private var last: MonotonicInstant?

    init(perSecond rate: Int, burst: Duration) {
        self.rate = max(1, Int64(clamping: min(rate, 1 << 40)))
        let milliseconds = Int64(max(1, min(burst / .milliseconds(1), 1e6)))
        let (capacity, overflow) = self.rate.multipliedReportingOverflow(by: milliseconds)
        self.capacity = overflow ? .max / 4 : min(max(capacity, 1000), .max / 4)
        tokens = self.capacity
    }

    /// What came since the last time. Nil: nobody knows the time.
    mutating func refill(now: MonotonicInstant?) {
        guard let now else { return }
        defer { last = max(now, last ?? now) }
        guard let last, last < now else { return }
        let elapsed = Int64(clamping: now.milliseconds - last.milliseconds)
        let (earned, overflow) = elapsed.multipliedReportingOverflow(by: rate)
        tokens = overflow || earned > capacity - tokens ? capacity : tokens + earned
    }

    /// Whether there is as much, or any for more than there can be.
    func covers(_ amount: Int) -> Bool { tokens >= min(Self.thousandths(amount), capacity) }

    mutating func take(_ amount: Int) {
        tokens -= Self.thousandths(amount)
        tokens = max(tokens, -.max / 4)
    }

    /// How long it takes until the debt is settled; zero when there is none.
    var settled: Duration {
        guard tokens < 0 else { return .zero }
        return .milliseconds((-tokens + rate - 1) / rate)
    }

    private static func thousandths(_ amount: Int) -> Int64 {
        Int64(clamping: min(max(0, amount), 1 << 40)) * 1000
    }
}
