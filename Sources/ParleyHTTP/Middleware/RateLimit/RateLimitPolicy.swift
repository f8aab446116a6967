/// How many requests one client may make: a bucket that holds `burst` tokens and is filled with `limit` of them in each `window`.
public struct RateLimitPolicy: Sendable, Hashable {
    /// What the policy is called in the fields of responses.
    public let name: String
    /// The requests in a window, on average. At least 1.
    public let limit: Int
    /// The window. At least a millisecond.
    public let window: Duration
    /// The requests that may come at once. At least 1.
    public let burst: Int

    /// Creates a policy; numbers out of range are brought into it.
    ///
    /// - Parameters:
    ///   - limit: the requests in a window.
    ///   - window: the window.
    ///   - burst: the requests that may come at once; nil is the limit.
    ///   - name: letters, digits, `-`, `_` and `.`; other characters are left out.
    public init(limit: Int, per window: Duration, burst: Int? = nil, name: String = "default") {
        self.limit = min(max(1, limit), 1_000_000_000)
        self.window = min(max(.milliseconds(1), window), .seconds(400 * 24 * 60 * 60))
        self.burst = min(max(1, burst ?? limit), 1_000_000_000)
        self.name = String(
            decoding: name.utf8.filter { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }, as: UTF8.self)
    }

    /// The time in which an empty bucket is filled.
    var fillTime: Duration { window * (Double(burst) / Double(limit)) }
}

/// What a request's bucket says.
public struct RateLimitDecision: Sendable, Equatable {
    /// Whether the request may go on.
    public var isAllowed: Bool
    /// The requests that may follow at once.
    public var remaining: Int
    /// The time until the bucket is full.
    public var reset: Duration
    /// The time until one more request may come; zero when it may now.
    public var retryAfter: Duration

    /// Creates a decision.
    public init(isAllowed: Bool, remaining: Int, reset: Duration, retryAfter: Duration) {
        self.isAllowed = isAllowed
        self.remaining = remaining
        self.reset = reset
        self.retryAfter = retryAfter
    }
}

/// The bucket of one key as the generic cell rate algorithm (GCRA) has it: the time at which it will be full, and nothing else.
struct RateLimitBucket: Sendable, Equatable {
    /// In nanoseconds of the store's clock; nil for a bucket that nobody took from.
    private(set) var fullAt: Int64?

    /// Takes a token, if there is one.
    mutating func take(_ policy: RateLimitPolicy, at now: Int64) -> RateLimitDecision {
        // Floating point, as a window with its burst may be beyond 64 bits; one nanosecond of slack is for its rounding.
        let interval = Double(policy.window.nanoseconds) / Double(policy.limit)
        let capacity = interval * Double(policy.burst)
        let missing = fullAt.map { max(0, Double($0 &- now)) } ?? 0
        guard missing + interval <= capacity + 1 else {
            return RateLimitDecision(
                isAllowed: false, remaining: 0, reset: Self.duration(missing),
                retryAfter: Self.duration(missing + interval - capacity))
        }
        let (sum, overflow) = now.addingReportingOverflow(Self.clamped(missing + interval))
        fullAt = overflow ? .max : sum
        return RateLimitDecision(
            isAllowed: true, remaining: Int(max(0, (capacity - missing - interval + 1) / interval)),
            reset: Self.duration(missing + interval), retryAfter: .zero)
    }

    private static func clamped(_ nanoseconds: Double) -> Int64 { Int64(min(max(0, nanoseconds), 9e18)) }

    private static func duration(_ nanoseconds: Double) -> Duration { .nanoseconds(clamped(nanoseconds)) }
}
