import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("Sessions")
struct SessionTests {
    /// A time that tests move.
    final class Clock: Sendable {
        private let milliseconds = Lock<Int64>(1_000_000)
        var now: Int64 { milliseconds.withLock { $0 } }
        func advance(seconds: Int64) { milliseconds.withLock { $0 += seconds * 1000 } }
    }

    private let store = CountingStore()
    private let clock = Clock()

    private func client(_ options: SessionOptions = SessionOptions()) throws -> MemoryClient {
        try MemoryClient { app in
            app.use(Sessions(store: store, options: options) { [clock] in clock.now })
            app.get("/plain") { _ in "plain" }
            app.get("/get") { request in try request.session["user", as: String.self] ?? "nobody" }
            app.get("/set/:user") { request in
                try request.session["user"] = request.parameters["user"]
                return "set"
            }
            app.get("/count") { request in
                let session = try request.session
                session["count"] = (session["count"] ?? 0) + 1
                return "\(session["count", as: Int.self] ?? 0)"
            }
            app.get("/renew") { request in
                try request.session.renew()
                return "renewed"
            }
            app.get("/destroy") { request in
                try request.session.destroy()
                return "destroyed"
            }
            app.get("/save/:user") { request async throws -> String in
                let session = try request.session
                if request.query != nil { session.renew() }
                session["user"] = request.parameters["user"]
                try await session.save()
                return "saved"
            }
            app.get("/switch") { request in
                let session = try request.session
                session.destroy()
                session["user"] = "other"
                return "switched"
            }
            app.get("/fail/:status") { request -> String in
                try request.session["user"] = "failed"
                throw HTTPError(.init(code: try request.parameters.require("status")))
            }
            app.get("/crash") { request -> String in
                try request.session["user"] = "crashed"
                throw CookieError(name: "", rule: "any error")
            }
            app.get("/nan") { request in
                try request.session["user"] = Double.nan
                return "set"
            }
            app.get("/large") { request in
                try request.session["user"] = String(repeating: "x", count: 70_000)
                return "set"
            }
            app.get("/stream") { request in
                let session = try request.session
                session["user"] = "head"
                return Response(body: .stream { _ in session["user"] = "tail" })
            }
        }
    }

    @Test("a session begins when something is put into it, and is known again")
    func beginning() async throws {
        let client = try client()
        #expect(await client.respond(.get, "/plain").headers[.setCookie] == nil)
        #expect(await client.ask(.get, "/get") == "200 nobody")
        #expect(client.cookies.isEmpty && store.calls.isEmpty)
        let response = await client.respond(.get, "/set/ada")
        let cookie = try #require(response.headers[.setCookie])
        #expect(cookie.contains("; Path=/; HttpOnly; SameSite=Lax") && !cookie.contains("Secure"))
        #expect(response.headers[.vary] == "Cookie")
        #expect(client.cookies["session"]?.utf8.count == 24)
        #expect(await client.ask(.get, "/get") == "200 ada")
        #expect(await client.respond(.get, "/get").headers[.setCookie] == nil)
        #expect(await client.respond(.get, "/plain").headers[.vary] == nil)
    }

    @Test("the cookie is secure on a secure connection, and as the options say")
    func attributes() async throws {
        let automatic = try client()
        automatic.isSecure = true
        #expect(await automatic.respond(.get, "/set/a").headers[.setCookie]?.contains("; Secure") == true)
        var options = SessionOptions()
        options.cookieName = "__Host-s"
        options.secure = .always
        options.sameSite = .strict
        options.isPersistent = true
        options.timeToLive = .seconds(60)
        let always = try client(options)
        let cookie = try #require(await always.respond(.get, "/set/a").headers[.setCookie])
        #expect(
            cookie.hasPrefix("__Host-s=")
                && cookie.hasSuffix("; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Strict"))
    }

    @Test("it is saved only when it changed, and touched once a minute")
    func saving() async throws {
        let client = try client()
        _ = await client.ask(.get, "/set/ada")
        #expect(store.take() == ["create"])
        _ = await client.ask(.get, "/get")
        _ = await client.ask(.get, "/set/ada")
        #expect(store.take() == ["load", "load"], "the same value is no change")
        _ = await client.ask(.get, "/set/bob")
        #expect(store.take() == ["load", "update"])
        clock.advance(seconds: 59)
        _ = await client.ask(.get, "/get")
        #expect(store.take() == ["load"])
        clock.advance(seconds: 1)
        _ = await client.ask(.get, "/get")
        _ = await client.ask(.get, "/get")
        #expect(store.take() == ["load", "update", "load"])
    }

    @Test("an unknown or malformed id is never adopted")
    func adoption() async throws {
        let client = try client()
        let planted = String(repeating: "A", count: 24)
        client.cookies["session"] = planted
        #expect(await client.ask(.get, "/get") == "200 nobody")
        _ = await client.ask(.get, "/set/ada")
        #expect(client.cookies["session"] != planted && store.take() == ["load", "load", "create"])
        for malformed in ["", "a", "../../etc/passwd", planted + "A", String(repeating: "=", count: 24)] {
            client.cookies["session"] = malformed
            #expect(await client.ask(.get, "/get") == "200 nobody")
        }
        #expect(store.take().isEmpty, "the store isn't asked")
    }

    @Test("what a handler saved before its response is known to the client nevertheless")
    func earlySaving() async throws {
        let client = try client()
        _ = await client.ask(.get, "/save/ada")
        let first = try #require(client.cookies["session"])
        #expect(await client.ask(.get, "/get") == "200 ada")
        _ = await client.ask(.get, "/save/bob?renew")
        #expect(client.cookies["session"] != first)
        #expect(await client.ask(.get, "/get") == "200 bob")
    }

    @Test("what is put into a destroyed session begins another one")
    func switching() async throws {
        let client = try client()
        _ = await client.ask(.get, "/set/ada")
        let first = try #require(client.cookies["session"])
        _ = await client.ask(.get, "/switch")
        let second = client.cookies["session"]
        #expect(second != first && second != nil)
        #expect(await client.ask(.get, "/get") == "200 other")
        #expect(await store.load(first) == nil)
    }

    @Test("a renewed session goes on under a new id, and the old one is worth nothing")
    func renewal() async throws {
        let client = try client()
        _ = await client.ask(.get, "/set/ada")
        let old = client.cookies["session"]
        _ = await client.ask(.get, "/renew")
        #expect(client.cookies["session"] != old)
        #expect(await client.ask(.get, "/get") == "200 ada")
        client.cookies["session"] = old
        #expect(await client.ask(.get, "/get") == "200 nobody")
    }

    @Test("a destroyed session is gone, with its cookie")
    func destruction() async throws {
        let client = try client()
        _ = await client.ask(.get, "/set/ada")
        let id = client.cookies["session"]
        _ = await client.ask(.get, "/destroy")
        #expect(client.cookies.isEmpty)
        client.cookies["session"] = id
        #expect(await client.ask(.get, "/get") == "200 nobody")
    }

    @Test("a request that began before doesn't bring a destroyed session back")
    func resurrection() async throws {
        let keeper = SessionKeeper(store: store, options: SessionOptions()) { [clock] in clock.now }
        let client = try client()
        _ = await client.ask(.get, "/set/ada")
        let id = try #require(client.cookies["session"])
        let group = try EventLoopGroup(count: 1)
        let request = Request(target: "/", headers: [.cookie: "session=\(id)"], loop: group.loops[0])
        let late = try await keeper.open(request), renewing = try await keeper.open(request)
        #expect(late["user"] == "ada")
        _ = await client.ask(.get, "/destroy")
        late["user"] = "eve"
        renewing.renew()
        for session in [late, renewing] {
            #expect(
                try await session.commit(isSecure: false) == nil, "the cookie may be another request's by now"
            )
            #expect(await store.load(session.id) == nil && session.isNew)
        }
        #expect(await store.load(id) == nil)
    }

    @Test("an HTTP error keeps what was changed, any other drops it")
    func errors() async throws {
        let client = try client()
        let response = await client.respond(.get, "/fail/403")
        #expect(response.status.code == 403 && response.headers[.setCookie] != nil)
        #expect(await client.ask(.get, "/get") == "200 failed")
        #expect(await client.ask(.get, "/crash").hasPrefix("500"))
        #expect(await client.ask(.get, "/get") == "200 failed")
    }

    @Test("what can't be saved is an internal error, and nothing is saved")
    func unsavable() async throws {
        let client = try client()
        #expect(await client.ask(.get, "/nan").hasPrefix("500"))
        #expect(await client.ask(.get, "/large").hasPrefix("500"))
        #expect(client.cookies.isEmpty && store.take().isEmpty)
    }

    @Test("a session ends after its lifetime, however much it is used")
    func lifetime() async throws {
        var options = SessionOptions()
        options.lifetime = .seconds(100)
        let client = try client(options)
        _ = await client.ask(.get, "/set/ada")
        clock.advance(seconds: 99)
        #expect(await client.ask(.get, "/get") == "200 ada")
        clock.advance(seconds: 1)
        #expect(await client.ask(.get, "/get") == "200 nobody")
    }

    @Test("what is changed while a body is streamed is saved at its end")
    func streams() async throws {
        let client = try client()
        let response = await client.respond(.get, "/stream")
        #expect(await client.ask(.get, "/get") == "200 head")
        guard case .stream(_, let produce) = response.body.content else { throw SessionError.noMiddleware }
        try await produce(NoWriter())
        #expect(await client.ask(.get, "/get") == "200 tail")
    }

    @Test("without the middleware asking for the session is an error")
    func missing() async throws {
        let client = try MemoryClient { app in app.get("/") { request in try request.session.id } }
        #expect(await client.ask(.get, "/").hasPrefix("500"))
    }

    @Test("values have types, and one of another type is nil")
    func values() async throws {
        struct Cart: Codable, Equatable { var items = ["a"], total = 1.5 }
        let session = Session(
            SessionState(now: 0), keeper: SessionKeeper(store: store, options: SessionOptions()) { 0 })
        session["cart"] = Cart()
        session["number"] = 7
        #expect(
            session["cart"] == Cart() && session["number"] == 7 && session["number", as: String.self] == nil)
        session["number"] = nil as Int?
        #expect(session.keys == ["cart"])
    }
}

private struct NoWriter: ResponseWriter {
    func write(_ bytes: [UInt8]) async throws {}
    func setTrailers(_ trailers: HTTPFields) async throws {}
}

/// Counts what it is asked.
private final class CountingStore: SessionStore {
    private let store = MemorySessionStore()
    private let log = Lock<[String]>([])

    var calls: [String] { log.withLock { $0 } }

    func take() -> [String] {
        log.withLock { log in
            defer { log = [] }
            return log
        }
    }

    func load(_ id: String) async -> [UInt8]? {
        log.withLock { $0.append("load") }
        return await store.load(id)
    }

    func create(_ id: String, _ content: [UInt8], timeToLive: Duration) async throws {
        log.withLock { $0.append("create") }
        await store.create(id, content, timeToLive: timeToLive)
    }

    func update(_ id: String, _ content: [UInt8], timeToLive: Duration) async throws -> Bool {
        log.withLock { $0.append("update") }
        return await store.update(id, content, timeToLive: timeToLive)
    }

    func delete(_ id: String) async throws {
        log.withLock { $0.append("delete") }
        await store.delete(id)
    }
}
