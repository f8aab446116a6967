import Testing

@testable import ParleyRealtime

@Suite("Upgrades from polling to WebSocket")
struct UpgradeTests {
    private func upgraded(_ client: PollingClient) async throws -> WebSocketClient {
        let webSocket = try await WebSocketClient.open(client.realtime, sid: client.sid)
        await webSocket.send("2probe")
        #expect(try await webSocket.next() == "3probe")
        await webSocket.send("5")
        return webSocket
    }

    @Test("what was queued for polling comes over the WebSocket, in order")
    func queued() async throws {
        let client = try await PollingClient.join(Realtime())
        for number in 0..<3 { client.realtime.root.emit("n", number) }
        let webSocket = try await upgraded(client)
        for number in 3..<6 { client.realtime.root.emit("n", number) }
        for number in 0..<6 { #expect(try await webSocket.next() == #"42["n",\#(number)]"#) }
    }

    @Test("a session whose handlers can't keep up is not read from after its upgrade either")
    func pausedUpgrade() async throws {
        let realtime = Realtime()
        let gate = Gate()
        realtime.root.on("wait") { _ in await gate.wait() }
        let client = try await PollingClient.join(realtime)
        let events = [String](repeating: #"42["wait"]"#, count: 1000).joined(separator: "\u{1E}")
        #expect(try await client.send(events) == 200)
        async let waiting = client.send(events)
        try await Task.sleep(for: .milliseconds(30))
        let webSocket = try await upgraded(client)
        await webSocket.onLoop {}
        #expect(webSocket.isPaused)
        await gate.open()
        #expect(try await waiting == 200)
        for _ in 0..<500 where webSocket.isPaused { try await Task.sleep(for: .milliseconds(5)) }
        #expect(!webSocket.isPaused)
    }
}

/// Lets nobody through until it is opened.
actor Gate {
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var isOpen = false
    private(set) var passed = 0

    func wait() async {
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
        passed += 1
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}
