import ParleyTransport
import Testing

@testable import ParleyRealtime

@Suite("Clients that are away when the application makes their rooms leave")
struct RecoveryDisconnectTests {
    private func makeRealtime(_ journal: SynchronousJournal, in cluster: InMemoryCluster? = nil) -> Realtime {
        var options = RealtimeOptions()
        options.recovery = RecoveryOptions()
        if let cluster { options.adapter = cluster.adapter }
        let realtime = Realtime(options: options)
        realtime.root.use { handshake in
            let user: String? = try? handshake.auth("user")
            if let user { handshake.join("user:\(user)") }
        }
        realtime.root.onRecoveryExpired { journal.add("\($0.rooms) \($0.reason)") }
        return realtime
    }

    private func leave(_ name: String, _ realtime: Realtime) async throws -> RecoveringClient {
        let client = try await RecoveringClient(realtime, auth: #"{"user":"\#(name)"}"#)
        await client.cut()
        for _ in 0..<500 where !realtime.root.sockets.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        return client
    }

    @Test("they can't come back to their sessions; others can")
    func away() async throws {
        let journal = SynchronousJournal()
        let realtime = makeRealtime(journal)
        let ada = try await leave("ada", realtime), grace = try await leave("grace", realtime)
        realtime.root.in("user:ada").disconnectSockets()
        #expect(journal.entries == [#"["user:ada"] disconnected"#])
        #expect(try await RecoveringClient.back(ada, to: realtime).id != ada.id)
        #expect(try await RecoveringClient.back(grace, to: realtime).id == grace.id)
    }

    @Test("what a disconnection spares is spared when it is away, too")
    func spared() async throws {
        let journal = SynchronousJournal()
        let realtime = makeRealtime(journal)
        let ada = try await leave("ada", realtime), grace = try await leave("grace", realtime)
        realtime.root.except("user:ada").disconnectSockets()
        #expect(journal.entries == [#"["user:grace"] disconnected"#])
        #expect(try await RecoveringClient.back(ada, to: realtime).id == ada.id)
        #expect(try await RecoveringClient.back(grace, to: realtime).id != grace.id)
    }

    @Test("also when another server of the cluster does it, unless it is local", arguments: [false, true])
    func cluster(isLocal: Bool) async throws {
        let journal = SynchronousJournal()
        let cluster = InMemoryCluster()
        let east = makeRealtime(journal, in: cluster), west = makeRealtime(journal, in: cluster)
        let ada = try await leave("ada", east)
        let target = west.root.in("user:ada")
        (isLocal ? target.local : target).disconnectSockets()
        #expect(journal.entries == (isLocal ? [] : [#"["user:ada"] disconnected"#]))
        let back = try await RecoveringClient.back(ada, to: east)
        #expect((back.id == ada.id) == isLocal)
    }

    @Test(
        "who is coming back while middleware is asked is reached, too, whether it waits or goes",
        arguments: [true, false])
    func comingBack(waits: Bool) async throws {
        let journal = SynchronousJournal()
        let gate = Gate()
        var options = RealtimeOptions()
        options.recovery = RecoveryOptions(skipMiddlewares: false)
        let realtime = Realtime(options: options)
        realtime.root.use { handshake in
            guard handshake.isRecovered else { return handshake.join("guests") }
            journal.add("asked")
            await gate.wait()
        }
        realtime.root.onRecoveryExpired { journal.add("\($0.rooms) \($0.reason)") }
        let ada = try await RecoveringClient(realtime)
        await ada.cut()
        let auth = #"{"pid":"\#(ada.pid ?? "")"}"#
        let webSocket = try await WebSocketClient.open(realtime)
        _ = try await webSocket.next()
        await webSocket.send("40" + auth)
        #expect(try await journal.wait(for: 1) == ["asked"])
        realtime.root.in("guests").disconnectSockets()
        if !waits { await webSocket.disconnect() }
        await gate.open()
        #expect(try await journal.wait(for: 2) == ["asked", #"["guests"] disconnected"#])
        if waits {
            let packet = try await webSocket.next()
            #expect(packet.hasPrefix("40") && !packet.contains(ada.id))
        }
        #expect(try await RecoveringClient.back(ada, to: realtime).id != ada.id)
        #expect(journal.entries.count == 2 && realtime.metrics.recoveryExpired == 1)
    }
}
