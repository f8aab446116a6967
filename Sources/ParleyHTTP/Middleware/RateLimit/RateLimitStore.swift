public import ParleyTransport

/// Where the buckets of a ``RateLimit`` are: in this process, or somewhere that several share.
public protocol RateLimitStore: Sendable {
    /// Takes a token out of the bucket of a key under a policy, if there is one. Policies are told apart by their name, so that one
    /// store serves several.
    nonisolated(nonsending) func take(
        _ key: RateLimitKey, _ policy: RateLimitPolicy
    ) async throws -> RateLimitDecision
}

/// Whose requests are counted together.
public struct RateLimitKey: Sendable, Hashable, CustomStringConvertible, ExpressibleByStringLiteral {
    private enum Storage: Sendable, Hashable {
        case address(SocketAddress)
        case text(String)
    }

    private let storage: Storage

    /// A user's name, an API key, or whatever tells clients apart.
    public init(_ text: String) { storage = .text(text) }

    /// A text.
    public init(stringLiteral text: String) { self.init(text) }

    /// A client's address: for IPv6 its network of 64 bits, as each client has all addresses of one.
    public init(_ address: SocketAddress) { storage = .address(address.network(ofIPv6Bits: 64)) }

    /// The text, or the address without port.
    public var description: String {
        switch storage {
        case .address(let address): address.host
        case .text(let text): text
        }
    }
}

/// Buckets in this process's memory.
///
/// The number of keys is bounded: when a new one exceeds it, the half that was used least recently is forgotten, so that no
/// flood of addresses takes more memory. A key that is forgotten begins with a full bucket. What wasn't used for two windows is
/// forgotten too. A key takes about 100 bytes.
public final class InMemoryRateLimitStore: RateLimitStore {
    private struct Key: Hashable {
        let key: RateLimitKey
        let policy: String
    }

    /// The keys of one part: those used since the last turn, and those used before it.
    private struct Generations: Sendable {
        var current: [Key: RateLimitBucket] = [:]
        var previous: [Key: RateLimitBucket] = [:]
        var turnedAt: Int64 = 0
        /// The longest time in which a bucket of any policy is filled.
        var period: Int64 = 0
    }

    /// Of its own, so that threads seldom wait for each other.
    private final class Part: Sendable {
        let generations = Lock(Generations())
    }

    private let parts: [Part]
    private let keysInGeneration: Int
    private let now: @Sendable () -> Int64

    /// Creates a store.
    ///
    /// - Parameters:
    ///   - maximumKeys: the keys that are kept, at least 32.
    ///   - clock: the time.
    public init<C: Clock>(maximumKeys: Int = 100_000, clock: C = ContinuousClock())
    where C.Duration == Duration {
        parts = (0..<16).map { _ in Part() }
        keysInGeneration = max(1, maximumKeys / 32)
        let start = clock.now
        now = { start.duration(to: clock.now).nanoseconds }
    }

    /// Takes a token, if there is one.
    public nonisolated(nonsending) func take(
        _ key: RateLimitKey, _ policy: RateLimitPolicy
    ) async throws -> RateLimitDecision {
        take(key, policy, at: now())
    }

    private func take(_ key: RateLimitKey, _ policy: RateLimitPolicy, at now: Int64) -> RateLimitDecision {
        let key = Key(key: key, policy: policy.name)
        let part = parts[Int(UInt(bitPattern: key.hashValue) % UInt(parts.count))]
        return part.generations.withLock { generations in
            turn(&generations, policy, at: now)
            var bucket =
                generations.current[key] ?? generations.previous.removeValue(forKey: key) ?? RateLimitBucket()
            let decision = bucket.take(policy, at: now)
            generations.current[key] = bucket
            return decision
        }
    }

    /// Forgets what wasn't used since the last turn, when a part is full or a window has passed.
    private func turn(_ generations: inout Generations, _ policy: RateLimitPolicy, at now: Int64) {
        let age = now &- generations.turnedAt
        let isFull = generations.current.count >= keysInGeneration
        generations.period = max(generations.period, policy.fillTime.nanoseconds)
        guard isFull || age > generations.period else { return }
        generations.previous = generations.current
        generations.current = [:]
        generations.turnedAt = now
    }

    /// The keys that are kept.
    public var keyCount: Int {
        parts.reduce(0) { count, part in
            count + part.generations.withLock { $0.current.count + $0.previous.count }
        }
    }
}
