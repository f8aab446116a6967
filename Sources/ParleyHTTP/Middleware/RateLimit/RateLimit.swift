import HTTPTypes
public import ParleyTransport

/// Bounds how many requests a client makes (token bucket). Beyond: 429 with `Retry-After` (RFC 6585 4). All answers carry the
/// `RateLimit` and `RateLimit-Policy` fields of the IETF's draft.
///
/// ```swift
/// app.use(RateLimit(100, per: .seconds(60)))
/// app.group("/login").use(RateLimit(5, per: .seconds(60), name: "login"))
/// ```
///
/// Clients are told apart by address, IPv6 ones by their network of 64 bits. Behind a proxy that is
/// ``Request/clientAddress``'s to know. A WebSocket is one request, whatever is said on it.
public struct RateLimit: Middleware {
    /// Whose requests are counted together; nil is for requests that are not counted.
    public typealias KeyMaker = @Sendable (_ request: Request) -> RateLimitKey?

    private let policy: RateLimitPolicy
    private let policyField: String
    private let store: any RateLimitStore
    private let makeKey: KeyMaker
    private let refusesOnFailure: Bool

    /// Creates the middleware.
    ///
    /// - Parameters:
    ///   - limit: the requests in a window.
    ///   - window: the window.
    ///   - burst: the requests that may come at once; nil is the limit.
    ///   - name: the policy's name. Policies that share a store need different ones.
    ///   - store: where the buckets are; nil is a store of its own with 100,000 keys.
    ///   - refusesOnFailure: whether requests are answered with 503 when the store fails; otherwise they go on. It is logged.
    ///   - key: whose requests are counted together.
    public init(
        _ limit: Int, per window: Duration, burst: Int? = nil, name: String = "default",
        store: (any RateLimitStore)? = nil, refusesOnFailure: Bool = false,
        by key: @escaping KeyMaker = { $0.clientAddress.map { RateLimitKey($0) } }
    ) {
        policy = RateLimitPolicy(limit: limit, per: window, burst: burst, name: name)
        policyField = "\"\(policy.name)\";q=\(policy.burst);w=\(policy.fillTime.secondsRoundedUp)"
        self.store = store ?? InMemoryRateLimitStore()
        self.refusesOnFailure = refusesOnFailure
        makeKey = key
    }

    /// Passes the request on, or throws ``HTTPError`` 429.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        guard let key = makeKey(request), let decision = try await decide(key, request) else {
            return try await next(request)
        }
        guard decision.isAllowed else {
            var error = HTTPError(
                .tooManyRequests, "rate limit \(policy.name): \(policy.limit) requests in \(policy.window)")
            error.headers[.retryAfter] = "\(max(1, decision.retryAfter.secondsRoundedUp))"
            add(decision, to: &error.headers)
            throw error
        }
        return try await next(request) { add(decision, to: &$0) }
    }

    private nonisolated(nonsending) func decide(
        _ key: RateLimitKey, _ request: Request
    ) async throws -> RateLimitDecision? {
        do {
            return try await store.take(key, policy)
        } catch {
            request.logger.error("rate limit failed", metadata: ["error": "\(String(reflecting: error))"])
            if refusesOnFailure { throw HTTPError(.serviceUnavailable) }
            return nil
        }
    }

    /// Several policies make a list (draft-ietf-httpapi-ratelimit-headers 3, 4).
    private func add(_ decision: RateLimitDecision, to headers: inout HTTPFields) {
        let state = "\"\(policy.name)\";r=\(decision.remaining);t=\(decision.reset.secondsRoundedUp)"
        headers[.rateLimit] = headers[.rateLimit].map { $0 + ", " + state } ?? state
        headers[.rateLimitPolicy] = headers[.rateLimitPolicy].map { $0 + ", " + policyField } ?? policyField
    }
}
