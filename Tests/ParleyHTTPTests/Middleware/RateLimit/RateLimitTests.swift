import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

/// A clock that tests set.
final class TestClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let time = Lock(Duration.zero)
    var now: Instant { Instant(offset: time.withLock { $0 }) }
    var minimumResolution: Duration { .nanoseconds(1) }
    func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
    func advance(by duration: Duration) { time.withLock { $0 += duration } }
}

@Suite("Rate limits")
struct RateLimitTests {
    private let clock = TestClock()

    private func memory(_ limit: RateLimit) throws -> InMemory {
        try InMemory { app in
            app.use(limit)
            app.get("/") { _ in "ok" }
        }
    }

    private func limit(_ limit: Int, per window: Duration, burst: Int? = nil) -> RateLimit {
        RateLimit(limit, per: window, burst: burst, store: InMemoryRateLimitStore(clock: clock))
    }

    @Test("a burst is let through, then one more with each interval")
    func bucket() async throws {
        let memory = try memory(limit(6, per: .seconds(60), burst: 3))
        func status() async throws -> Int {
            try await memory.respond("GET", "/", from: "192.0.2.1").status.code
        }
        for _ in 0..<3 { #expect(try await status() == 200) }
        #expect(try await status() == 429)
        clock.advance(by: .milliseconds(9999))
        #expect(try await status() == 429)
        clock.advance(by: .milliseconds(1))
        #expect(try await status() == 200)
        #expect(try await status() == 429)
        clock.advance(by: .seconds(3600))
        for _ in 0..<3 { #expect(try await status() == 200) }
        #expect(try await status() == 429)
    }

    @Test("answers tell the policy and what is left; 429 when to come again")
    func fields() async throws {
        let memory = try memory(limit(2, per: .seconds(10)))
        let first = try await memory.respond("GET", "/", from: "192.0.2.1")
        #expect(first.headers[.rateLimitPolicy] == #""default";q=2;w=10"#)
        #expect(first.headers[.rateLimit] == #""default";r=1;t=5"#)
        #expect(first.headers[.retryAfter] == nil)
        let second = try await memory.respond("GET", "/nowhere", from: "192.0.2.1")
        #expect(second.status == .notFound && second.headers[.rateLimit] == #""default";r=0;t=10"#)
        let third = try await memory.respond("GET", "/", from: "192.0.2.1")
        #expect(third.status == .tooManyRequests && third.headers[.retryAfter] == "5")
        #expect(third.headers[.rateLimit] == #""default";r=0;t=10"#)
    }

    @Test("a client is an IPv4 address, mapped or not, or an IPv6 network of 64 bits")
    func addresses() async throws {
        let memory = try memory(limit(1, per: .seconds(10)))
        for (address, status) in [
            ("192.0.2.1", 200), ("::ffff:192.0.2.1", 429), ("192.0.2.2", 200), ("2001:db8::1", 200),
            ("2001:db8::ffff:1", 429), ("2001:db8:0:1::1", 200),
        ] {
            #expect(try await memory.respond("GET", "/", from: address).status.code == status, "\(address)")
        }
        #expect(try await memory.respond("GET", "/").headers[.rateLimit] == nil)
        let address = try #require(SocketAddress(host: "2001:db8::9", port: 1))
        #expect(RateLimitKey(address).description == "2001:db8::")
    }

    @Test("other keys, and several policies with one store")
    func keys() async throws {
        let store = InMemoryRateLimitStore(clock: clock)
        let memory = try InMemory { app in
            app.use(RateLimit(3, per: .seconds(1), name: "all", store: store) { _ in "everybody" })
            let login = app.group("/login")
            login.use(
                RateLimit(1, per: .seconds(9), name: "lo gin\"", store: store) { request in
                    request.query("user").map { RateLimitKey($0) }
                })
            login.get("") { _ in "ok" }
        }
        let first = try await memory.respond("GET", "/login?user=ada")
        #expect(first.headers[.rateLimit] == #""login";r=0;t=9, "all";r=2;t=1"#)
        #expect(try await memory.respond("GET", "/login?user=ada").status == .tooManyRequests)
        #expect(try await memory.respond("GET", "/login").status == .ok)
        #expect(try await memory.respond("GET", "/login").status == .tooManyRequests)
        // The shorter window of one policy doesn't make the store forget the other's keys.
        for _ in 0..<4 {
            clock.advance(by: .milliseconds(1500))
            _ = try await memory.respond("GET", "/nowhere")
        }
        #expect(try await memory.respond("GET", "/login?user=ada").status == .tooManyRequests)
    }

    @Test("the number of keys is bounded, those used least recently go first, and idle ones go with time")
    func bounded() async throws {
        let store = InMemoryRateLimitStore(maximumKeys: 3200, clock: clock)
        let policy = RateLimitPolicy(limit: 1, per: .seconds(10))
        _ = try await store.take("kept", policy)
        for number in 0..<20_000 {
            _ = try await store.take(RateLimitKey("\(number)"), policy)
            if number % 50 == 0 { #expect(try await store.take("kept", policy).isAllowed == false) }
        }
        #expect(store.keyCount <= 3200)
        for round in 0..<3 {
            clock.advance(by: .seconds(11))
            for number in 0..<200 { _ = try await store.take(RateLimitKey("\(round) \(number)"), policy) }
        }
        #expect(store.keyCount <= 400)
    }

    @Test("numbers beyond all reason bring nothing down")
    func extremes() async throws {
        for (limit, window, burst) in [
            (Int.max, Duration.seconds(Int64.max), Int.max), (0, .zero, 0), (-1, .seconds(-1), -1),
            (1, .seconds(Int64.max), 1_000_000_000), (1_000_000_000, .milliseconds(1), 1),
        ] {
            let store = InMemoryRateLimitStore(clock: clock)
            let policy = RateLimitPolicy(limit: limit, per: window, burst: burst)
            for _ in 0..<100 { _ = try await store.take("x", policy) }
            clock.advance(by: .seconds(1_000_000_000))
            #expect(try await store.take("x", policy).retryAfter >= .zero)
            _ = try memory(RateLimit(limit, per: window, burst: burst, store: store))
        }
    }

    @Test("a store that fails lets requests go on, or not, and is logged")
    func failures() async throws {
        struct Broken: RateLimitStore {
            func take(_ key: RateLimitKey, _ policy: RateLimitPolicy) async throws -> RateLimitDecision {
                throw Failure()
            }
        }
        for (refuses, status) in [(false, 200), (true, 503)] {
            let lines = LogLines()
            let memory = try InMemory(logger: lines.logger) { app in
                app.use(
                    RateLimit(1, per: .seconds(1), store: Broken(), refusesOnFailure: refuses) { _ in "x" })
                app.get("/") { _ in "ok" }
            }
            #expect(try await memory.respond("GET", "/").status.code == status)
            #expect(lines.all.map(\.message) == ["rate limit failed"])
        }
    }

    @Test("a WebSocket's handshake is a request, in both versions of HTTP")
    func upgrades() async throws {
        func routes(_ app: Application) {
            app.use(RateLimit(2, per: .seconds(3600)))
            app.webSocket("/socket") { _ in }
        }
        try await withServer(routes: routes) { server in
            _ = try await WebSocketClient(server, "/socket")
            let other = try HTTP2Client(server)
            let stream = try await other.openWebSocket("/socket")
            #expect(other.peer.streams[stream]?.status == "200")
            let client = try RawClient(port: server.port)
            try await client.send(WebSocketClient.handshake("/socket"))
            #expect(try await client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 429"))
        }
    }
}
