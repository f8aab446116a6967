import Foundation
import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyRealtime

@Suite("Identities that expire")
struct IdentityTests {
    private struct User: Sendable, Equatable { var name: String }

    private func makeRealtime(_ journal: SynchronousJournal, recovers: Bool = false) -> Realtime {
        var options = RealtimeOptions()
        if recovers { options.recovery = RecoveryOptions(maxDisconnectionDuration: .seconds(600)) }
        let realtime = Realtime(options: options)
        realtime.root.use { handshake in
            let token: String = try handshake.auth("token")
            guard token != "bad" else { throw ConnectError("bad token") }
            if let previous = handshake.previous?[User.self], !token.hasPrefix(previous.name) {
                throw ConnectError("another user")
            }
            handshake[User.self] = User(name: "ada")
            handshake.join(token)
            if token != "ada-for-ever" { handshake.expires(after: .seconds(300)) }
        }
        realtime.root.onDisconnect { _, reason in journal.add(reason.rawValue) }
        return realtime
    }

    private func join(_ realtime: Realtime, _ manual: ManualLoop) async throws -> WebSocketClient {
        let client = try await WebSocketClient.open(realtime, loop: manual.loop)
        _ = try await client.next()
        await client.send(#"40{"token":"ada-1"}"#)
        #expect(try await client.next().hasPrefix("40"))
        return client
    }

    /// Puts the clock forward, and answers pings.
    private func pass(
        _ seconds: Int, _ manual: ManualLoop, _ client: WebSocketClient
    ) async throws -> [String] {
        var messages: [String] = []
        for _ in 0..<(seconds / 10) {
            try await manual.advance(by: .seconds(10))
            for message in client.take() {
                if message == "2" { await client.send("3") } else { messages.append(message) }
            }
        }
        return messages
    }

    @Test("the client is asked in time; without an answer the socket ends with its identity")
    func unanswered() async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        let client = try await join(makeRealtime(journal), manual)
        #expect(try await pass(230, manual, client) == [])
        #expect(try await pass(10, manual, client) == [#"420["refresh",60000]"#])
        #expect(try await pass(50, manual, client) == [])
        #expect(journal.entries == [])
        #expect(try await pass(10, manual, client) == ["41"])
        #expect(journal.entries == ["identity expired"])
        await manual.end()
    }

    @Test("with an answer the middleware runs again, in place, and the identity lives on")
    func refreshed() async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        let realtime = makeRealtime(journal)
        let client = try await join(realtime, manual)
        let id = realtime.root.sockets.first?.id
        _ = try await pass(240, manual, client)
        await client.send(#"430[{"token":"ada-2"}]"#)
        try await manual.settle()
        let socket = try #require(realtime.root.sockets.first)
        #expect(socket.id == id && socket.rooms.contains("ada-1") && socket.rooms.contains("ada-2"))
        #expect(try socket.handshake.auth("token", as: String.self) == "ada-2")
        #expect(try await pass(230, manual, client) == [])
        #expect(try await pass(10, manual, client) == [#"421["refresh",60000]"#])
        await client.send(#"431[{"token":"ada-for-ever"}]"#)
        try await manual.settle()
        #expect(socket.identityExpiry == nil)
        #expect(try await pass(900, manual, client) == [] && journal.entries == [])
        await manual.end()
    }

    @Test("an answer that the middleware refuses changes nothing", arguments: ["bad", "eve-1"])
    func refused(_ token: String) async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        let realtime = makeRealtime(journal)
        let client = try await join(realtime, manual)
        _ = try await pass(240, manual, client)
        await client.send(#"430[{"token":"\#(token)"}]"#)
        try await manual.settle()
        #expect(realtime.root.sockets.first?.rooms.contains(token) == false)
        #expect(try await pass(60, manual, client) == ["41"])
        #expect(journal.entries == ["identity expired"])
        await manual.end()
    }

    @Test("a client may renew its identity by an event of the application's own")
    func reauthenticate() async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        let realtime = makeRealtime(journal)
        realtime.root.on("renew") { (socket: Socket, auth: JSONValue) async throws -> Bool in
            try await socket.reauthenticate(auth)
            return true
        }
        realtime.root.onError { _, error in journal.add("\(error.underlying.map { "\($0)" } ?? "")") }
        let client = try await join(realtime, manual)
        _ = try await pass(200, manual, client)
        await client.send(#"427["renew",{"token":"bad"}]"#, #"428["renew",{"token":"ada-9"}]"#)
        #expect(try await client.next() == "438[true]")
        #expect(journal.entries == ["bad token"])
        #expect(try await pass(230, manual, client) == [])
        await manual.end()
    }

    @Test("what middleware does not store anew stays as handlers left it")
    func keptStorage() async throws {
        let realtime = Realtime()
        realtime.root.use { handshake in
            #expect(handshake[String.self] == "of the request")
            if handshake.previous != nil { handshake.update(Int.self, default: 6) { $0 += 1 } }
        }
        realtime.root.onConnection { $0[String.self] = "of a handler" }
        let client = try await PollingClient(realtime, storing: "of the request")
        try await client.send("40")
        _ = try await client.next()
        let socket = try #require(realtime.root.sockets.first)
        try await socket.reauthenticate(.null)
        #expect(socket[Int.self] == 7 && socket[String.self] == "of a handler")
    }

    @Test("a date does as well, and one that is past ends the socket at once; setting it anew counts")
    func dates() async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        let realtime = makeRealtime(journal)
        let client = try await join(realtime, manual)
        let socket = try #require(realtime.root.sockets.first)
        let left = socket.identityExpiry?.timeIntervalSinceNow ?? 0
        #expect(left > 290 && left <= 300)
        socket.identityExpiry = Date(timeIntervalSinceNow: 1000)
        try await manual.settle()
        #expect(try await pass(900, manual, client) == [])
        socket.identityExpiry = Date(timeIntervalSinceNow: -1)
        try await manual.settle()
        try await manual.advance(by: .milliseconds(1))
        #expect(client.take().last == "41" && journal.entries == ["identity expired"])
        await manual.end()
    }

    @Test("a socket that goes leaves no timer behind")
    func goes() async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        let realtime = makeRealtime(journal)
        let client = try await join(realtime, manual)
        weak let socket = realtime.root.sockets.first
        #expect(socket != nil)
        await client.disconnect()
        try await manual.settle()
        #expect(socket == nil)
        try await manual.advance(by: .seconds(400))
        #expect(journal.entries == ["transport close"])
        await manual.end()
    }

    @Test("an identity goes on expiring while its client is away, and when it came back")
    func recovery() async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        let realtime = makeRealtime(journal, recovers: true)
        let auth = #"{"token":"ada-1"}"#
        let client = try await RecoveringClient(realtime, auth: auth, loop: manual.loop)
        try await manual.settle()
        await client.cut()
        try await manual.advance(by: .seconds(200))
        let back = try await RecoveringClient.back(client, to: realtime, loop: manual.loop)
        #expect(back.id == client.id)
        try await manual.settle()
        await back.cut()
        try await manual.advance(by: .seconds(110))
        let webSocket = try await WebSocketClient.open(realtime, loop: manual.loop)
        _ = try await webSocket.next()
        await webSocket.send(#"40{"pid":"\#(client.pid ?? "")"}"#)
        #expect(try await webSocket.next().hasPrefix(#"44{"message":"missing or invalid"#))
        #expect(realtime.metrics.recoveryExpired == 1)
        await manual.end()
    }

    @Test("a client that is cut off in the very turn in which it came has an identity that expires, too")
    func cutAtOnce() async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        var options = RealtimeOptions()
        options.recovery = RecoveryOptions()
        options.engine.pingInterval = .seconds(3600)
        let realtime = Realtime(options: options)
        realtime.root.use { $0.expires(at: Date(timeIntervalSinceNow: 90)) }
        realtime.root.onConnection { socket in
            if !socket.isRecovered { socket.client.session.close(.transportClose) }
        }
        realtime.root.onDisconnect { _, reason in journal.add(reason.rawValue) }
        let client = try await RecoveringClient(realtime, loop: manual.loop)
        let back = try await RecoveringClient.back(client, to: realtime, loop: manual.loop)
        #expect(back.id == client.id)
        #expect(realtime.root.sockets.first?.identityExpiry != nil)
        try await manual.advance(by: .seconds(91))
        #expect(journal.entries == ["transport close", "identity expired"])
        await manual.end()
    }

    @Test("who comes back only to be cut off at once makes no identity last longer")
    func cutAgainAndAgain() async throws {
        let manual = try await ManualLoop()
        var options = RealtimeOptions()
        options.recovery = RecoveryOptions()
        options.engine.pingInterval = .seconds(3600)
        let realtime = Realtime(options: options)
        let reasons = SynchronousJournal()
        realtime.root.use { $0.expires(after: .seconds(300)) }
        realtime.root.onConnection { $0.client.session.close(.transportClose) }
        realtime.root.onRecoveryExpired { reasons.add("\($0.reason)") }
        let first = try await RecoveringClient(realtime, loop: manual.loop)
        var last = first
        for seconds in [100, 200, 299] {
            try await manual.advance(by: .seconds(seconds == 299 ? 99 : 100))
            last = try await RecoveringClient.back(last, to: realtime, loop: manual.loop)
            #expect(last.id == first.id && reasons.entries == [])
        }
        try await manual.advance(by: .seconds(2))
        last = try await RecoveringClient.back(last, to: realtime, loop: manual.loop)
        #expect(last.id != first.id && reasons.entries == ["identityExpired"])
        await manual.end()
    }

    @Test(
        "an identity that expires while its client is away, for good, ends with the session, which is said once"
    )
    func neverSeenAgain() async throws {
        let manual = try await ManualLoop()
        let journal = SynchronousJournal()
        let reasons = SynchronousJournal()
        let realtime = makeRealtime(journal, recovers: true)
        realtime.root.onRecoveryExpired { reasons.add("\($0.reason)") }
        let client = try await RecoveringClient(realtime, auth: #"{"token":"ada-1"}"#, loop: manual.loop)
        try await manual.settle()
        await client.cut()
        try await manual.advance(by: .seconds(599))
        #expect(reasons.entries == [])
        try await manual.advance(by: .seconds(2))
        #expect(reasons.entries == ["timeout"] && journal.entries == ["transport close"])
        try await manual.advance(by: .seconds(1200))
        #expect(reasons.entries.count == 1 && realtime.metrics.recoveryExpired == 1)
        await manual.end()
    }
}
