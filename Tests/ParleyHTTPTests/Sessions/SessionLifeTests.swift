import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("Sessions that outlive their request")
struct SessionLifeTests {
    private let store = MemorySessionStore()
    private let clock = SessionTests.Clock()

    private func keeper(_ options: SessionOptions = SessionOptions()) -> SessionKeeper {
        SessionKeeper(store: store, options: options) { [clock] in clock.now }
    }

    /// Another request of the same client.
    private func reopen(_ id: String, by keeper: SessionKeeper) async throws -> Session {
        let group = try EventLoopGroup(count: 1)
        let request = Request(target: "/", headers: [.cookie: "session=\(id)"], loop: group.loops[0])
        let session = try await keeper.open(request)
        await group.shutdown()
        return session
    }

    private func saved(by keeper: SessionKeeper) async throws -> Session {
        let session = Session(SessionState(now: clock.now), keeper: keeper)
        #expect(try await !session.isAlive(), "nothing is saved yet")
        session["user"] = "ada"
        try await session.save()
        #expect(try await session.isAlive())
        return session
    }

    @Test("a session is alive until another request ends or renews it", arguments: ["destroy", "renew"])
    func ended(how: String) async throws {
        let keeper = keeper()
        let session = try await saved(by: keeper)
        let other = try await reopen(session.id, by: keeper)
        #expect(try await other.isAlive())
        if how == "destroy" { other.destroy() } else { other.renew() }
        #expect(try await session.isAlive(), "nothing is saved yet")
        try await other.save()
        #expect(try await !session.isAlive())
        #expect(try await other.isAlive() == (how == "renew"))
    }

    @Test("a session is alive until its lifetime is over")
    func lifetime() async throws {
        var options = SessionOptions()
        options.lifetime = .seconds(100)
        let session = try await saved(by: keeper(options))
        clock.advance(seconds: 99)
        #expect(try await session.isAlive())
        clock.advance(seconds: 1)
        #expect(try await !session.isAlive())
    }
}
