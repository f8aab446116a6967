import ParleyTransport
import Synchronization
import Testing

@testable import ParleyRealtime

@Suite("The end of sockets")
struct DisconnectTests {
    @Test("a socket that is gone keeps no handler of its namespace that was removed, nor what that holds")
    func letsGoOfHandlers() async throws {
        let realtime = Realtime()
        let journal = SynchronousJournal()
        let token = Lock<HandlerToken?>(nil)
        realtime.root.onConnection { socket in
            let witness = Witness(journal)
            let added = realtime.root.on("mine") { (_: Socket) in "\(witness.name) \(socket.isConnected)" }
            token.withLock { $0 = added }
        }
        realtime.root.onDisconnect { _, _ in
            if let added = token.withLock({ $0.take() }) { realtime.root.off(added) }
        }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"421["mine"]"#)
        #expect(try await client.next() == #"431["witness true"]"#)
        try await client.send("41")
        #expect(try await journal.wait(for: 1) == ["freed"])
    }

    private final class Witness: Sendable {
        let name = "witness"
        private let journal: SynchronousJournal

        init(_ journal: SynchronousJournal) { self.journal = journal }

        deinit { journal.add("freed") }
    }

    @Test(
        "what a client sends to a namespace that it was just made to leave harms neither its other namespaces nor anyone"
    )
    func inFlight() async throws {
        let realtime = Realtime()
        let chat = realtime.namespace("/chat")
        let journal = Journal()
        chat.on("late") { _ in await journal.add("late") }
        chat.onDisconnect { _, reason in await journal.add(reason.rawValue) }
        realtime.root.on("ping") { (_: Socket) -> String in "pong" }
        let client = try await PollingClient.join(realtime)
        try await client.send("40/chat,")
        _ = try await client.next()
        chat.sockets.first?.disconnect()
        #expect(try await client.next() == "41/chat,")
        #expect(
            try await client.send(
                #"42/chat,["late"]"#, #"451-/chat,["late",{"_placeholder":true,"num":0}]"#, "bAQID") == 200)
        #expect(try await client.send("43/chat,1[]", "41/chat,", #"421["ping"]"#) == 200)
        #expect(try await client.next() == #"431["pong"]"#)
        #expect(try await journal.wait(for: 1) == ["server namespace disconnect"])
        try await client.send("40/chat,", #"42/chat,["late"]"#)
        #expect(try await client.next().hasPrefix("40/chat,"))
        #expect(try await journal.wait(for: 2).last == "late")
    }

    @Test(
        "a room whose sockets are made to leave while one of them is being admitted keeps none",
        .timeLimit(.minutes(1)))
    func whileAdmitted() async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.use { handshake in handshake.join("user:ada") }
        realtime.root.onDisconnect { _, reason in await journal.add(reason.rawValue) }
        realtime.root.onRoomEvent { [root = realtime.root] event in
            guard case .joined("user:ada", _) = event else { return }
            root.in("user:ada").disconnectSockets()
        }
        let client = try await PollingClient.join(realtime)
        #expect(try await client.next() == "41")
        #expect(try await journal.wait(for: 1) == ["server namespace disconnect"])
        #expect(realtime.root.sockets.isEmpty)
    }

    @Test("an event whose attachments come after the socket's end reaches no handler")
    func lateAttachments() async throws {
        let realtime = Realtime()
        let journal = Journal()
        realtime.root.on("late") { _ in await journal.add("late") }
        realtime.root.onDisconnect { _, _ in await journal.add("disconnect") }
        let client = try await PollingClient.join(realtime)
        try await client.send(#"451-["late",{"_placeholder":true,"num":0}]"#)
        realtime.root.sockets.first?.disconnect()
        #expect(try await client.send("bAQID") == 200)
        #expect(try await journal.wait(for: 1) == ["disconnect"])
        try await Task.sleep(for: .milliseconds(20))
        #expect(await journal.entries == ["disconnect"])
    }

    @Test("a client that went leaves nothing behind: no session, no socket, no timer that holds them")
    func released() async throws {
        let realtime = Realtime()
        final class Witness: @unchecked Sendable {
            weak var client: Client?
            weak var session: EngineSession?
            weak var socket: Socket?
        }
        let witness = Witness()
        for payload in ["1", "9"] {
            let client = try await PollingClient.join(realtime)
            do {
                let socket = try #require(realtime.root.sockets.first)
                witness.socket = socket
                witness.client = socket.client
                witness.session = socket.client.session
            }
            try await client.send(#"451-["x",{"_placeholder":true,"num":0}]"#)
            try await client.send(payload)
            for _ in 0..<200 where witness.client != nil { try await Task.sleep(for: .milliseconds(10)) }
            #expect(witness.client == nil && witness.session == nil && witness.socket == nil)
        }
    }

    @Test(
        "a socket whose own handlers hold it is let go behind its last handler, which they still serve",
        arguments: [false, true])
    func ownHandlers(hasSteps: Bool) async throws {
        let realtime = Realtime()
        final class Witness: @unchecked Sendable { weak var socket: Socket? }
        let witness = Witness()
        let journal = SynchronousJournal()
        realtime.root.on("wait") { (_: Socket) async throws in try await Task.sleep(for: .milliseconds(50)) }
        realtime.root.onDisconnect { _, _ in journal.add("disconnect") }
        realtime.root.onConnection { socket in
            if hasSteps { socket.use { _ in _ = socket.id } }
            socket.onAnyOutgoing { _, _ in _ = socket.id }
            socket.onError { error in journal.add("\(socket.isConnected) \(error.event)") }
            socket.on("fail") { (_: Socket) in
                _ = socket.id
                throw AcknowledgementError.dropped
            }
        }
        let client = try await PollingClient.join(realtime)
        witness.socket = realtime.root.sockets.first
        try await client.send(#"42["wait"]"#, #"42["fail"]"#, "41")
        // Behind steps, an event counts only while the socket is connected.
        let expected = hasSteps ? ["disconnect"] : ["false fail", "disconnect"]
        #expect(try await journal.wait(for: expected.count) == expected)
        for _ in 0..<500 where witness.socket != nil { try await Task.sleep(for: .milliseconds(10)) }
        #expect(witness.socket == nil)
    }

    @Test("emitting to a client that is too slow ends it, but calls no handler within emit")
    func overflow() async throws {
        var options = RealtimeOptions()
        options.engine.maxPendingBytes = 1000
        let realtime = Realtime(options: options)
        let isEmitting = Lock(false)
        let journal = Journal()
        realtime.root.onDisconnecting { _, reason in
            let isWithin = isEmitting.withLockIfAvailable { $0 } ?? true
            Task { await journal.add("\(reason) \(isWithin)") }
        }
        _ = try await PollingClient.join(realtime)
        isEmitting.withLock { _ in _ = realtime.root.emit("big", String(repeating: "x", count: 2000)) }
        #expect(try await journal.wait(for: 1) == ["transport error false"])
        #expect(realtime.sessionCount == 0)
    }

    @Test(
        "a client that joins and leaves without end is cut while the handlers of its former sockets still run"
    )
    func churn() async throws {
        let realtime = Realtime()
        let gate = Gate()
        let started = Atomic(0)
        realtime.root.onConnection { _ in
            started.add(1, ordering: .relaxed)
            await gate.wait()
        }
        let client = try await PollingClient(realtime)
        let round = [String](repeating: "40\u{1E}41", count: 450).joined(separator: "\u{1E}")
        try await client.send(round)
        #expect(realtime.sessionCount == 0)
        #expect(started.load(ordering: .relaxed) < 50)
        await gate.open()
    }

    @Test("the attachments of one packet are bounded together")
    func attachmentBytes() async throws {
        var options = RealtimeOptions()
        options.maxAttachmentBytes = 1000
        options.engine.maxPayload = 1000
        let realtime = Realtime(options: options)
        let client = try await PollingClient.join(realtime)
        try await client.send(#"453-["x"]"#)
        let attachment = "b" + String(repeating: "AAAA", count: 150)
        #expect(try await client.send(attachment) == 200)
        #expect(try await client.send(attachment) == 200)
        try await client.send(attachment)
        #expect(realtime.sessionCount == 0)
    }

    @Test("JSON nesting beyond the limit in the settings ends the session")
    func depth() async throws {
        var options = RealtimeOptions()
        options.limits.jsonDepth = 4
        let realtime = Realtime(options: options)
        let client = try await PollingClient.join(realtime)
        #expect(try await client.send(#"42["x",[[[]]]]"#) == 200)
        #expect(realtime.sessionCount == 1)
        try await client.send(#"42["x",[[[[]]]]]"#)
        #expect(realtime.sessionCount == 0)
    }
}
