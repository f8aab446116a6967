import Logging
import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyRealtime

@Suite("Limits of what a client may send")
struct LimitTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let packets: [String]
        let change: @Sendable (inout RealtimeOptions) -> Void

        /// What the log says, and packets behind CONNECT of which the last is too much.
        init(
            _ named: String, _ packets: String..., change: @escaping @Sendable (inout RealtimeOptions) -> Void
        ) {
            testDescription = named
            self.packets = packets
            self.change = change
        }
    }

    /// 60 bytes.
    private static let attachment = "b" + String(repeating: "AAAA", count: 20)

    static let cases = [
        Case("more than 2 attachments in a packet", #"453-["x"]"#) { $0.limits.attachments = 2 },
        Case("namespace of more than 5 bytes", "40/chat", "40/chats") { $0.limits.namespaceBytes = 5 },
        Case("acknowledgement id of more than 3 digits", #"42123["x"]"#, #"421234["x"]"#) {
            $0.limits.acknowledgementDigits = 3
        },
        Case("limit: the nesting depth", #"42["x",[[1]]]"#, #"42["x",[[[1]]]]"#) { $0.limits.jsonDepth = 3 },
        Case("limit: the nesting depth", #"40/chat,{"a":{"b":1}}"#, #"40/other,{"a":{"b":{"c":1}}}"#) {
            $0.limits.jsonDepth = 2
        },
        Case("more than 1 namespaces a client", "40/chat", "40/other") { $0.maxNamespacesPerClient = 1 },
        Case("attachments of more than 100 bytes", #"452-["x"]"#, attachment, attachment) {
            $0.maxAttachmentBytes = 100
            $0.engine.maxPayload = 100
        },
        Case("attachments that take longer than assemblyTimeout", #"451-["x"]"#) {
            $0.assemblyTimeout = .milliseconds(20)
        },
    ]

    @Test(
        "each is a setting, ends the session when it is exceeded, and is named in the log", arguments: cases)
    func named(_ example: Case) async throws {
        var options = RealtimeOptions()
        example.change(&options)
        let log = Log()
        let realtime = Realtime(options: options, logger: log.logger)
        for name in ["/chat", "/other"] { _ = realtime.namespace(name) }
        let reasons = SynchronousJournal()
        realtime.root.onDisconnect { _, reason in reasons.add(reason.rawValue) }
        let client = try await PollingClient.join(realtime)
        for packet in example.packets.dropLast() {
            #expect(try await client.send(packet) == 200)
            #expect(realtime.sessionCount == 1)
        }
        if let last = example.packets.last { try await client.send(last) }
        #expect(try await reasons.wait(for: 1) == ["parse error"])
        #expect(log.lines.entries.count == 1)
        #expect(log.lines.entries.first?.contains(example.testDescription) == true, "\(log.lines.entries)")
    }

    /// Payloads behind CONNECT, of which the last is too much, and what the log says.
    static let payloads: [(String, [String], Int)] = [
        ("more than 3 packets in a payload", [#"42["x"]"#, "6\u{1E}6\u{1E}6\u{1E}6"], 400),
        ("unknown packet type 0x78", ["xyz"], 400), ("empty packet", ["6\u{1E}\u{1E}6"], 400),
        ("invalid base64", ["b****"], 400), ("a pong that nobody asked for", ["3"], 200),
        ("a ping from a client", ["2"], 200), ("a packet that only servers send", ["0"], 200),
        ("exceeds 1000 bytes", [String(repeating: "6", count: 1001)], 413),
    ]

    @Test("what an Engine.IO payload breaks is named, too", arguments: payloads)
    func payload(named: String, payloads: [String], status: Int) async throws {
        var options = RealtimeOptions()
        options.engine.maxPacketsPerPayload = 3
        options.engine.maxPayload = 1000
        let log = Log()
        let client = try await PollingClient.join(Realtime(options: options, logger: log.logger))
        for payload in payloads.dropLast() { #expect(try await client.send(payload) == 200) }
        #expect(log.lines.entries == [])
        #expect(try await client.send(payloads[payloads.count - 1]) == status)
        #expect(log.lines.entries.count == 1 && log.lines.entries[0].contains(named), "\(log.lines.entries)")
    }

    @Test("what an Engine.IO 3 payload, or a WebSocket message, breaks is named, too")
    func otherFramings() async throws {
        var options = RealtimeOptions()
        options.engine.allowsEngineIO3 = true
        options.engine.maxPayload = 100
        for (packet, named) in [("x", "length is no number"), ("100:4", "exceeds the payload")] {
            let log = Log()
            let client = try await EngineIO3Client(Realtime(options: options, logger: log.logger))
            #expect(try await client.post(Array(packet.utf8)) == 400)
            #expect(
                log.lines.entries.count == 1 && log.lines.entries[0].contains(named), "\(log.lines.entries)")
        }
        for (message, named) in [
            ("x", "unknown packet type"), (String(repeating: "4", count: 101), "1009"),
            ("3", "nobody asked for"),
        ] {
            let log = Log()
            let client = try await WebSocketClient.open(Realtime(options: options, logger: log.logger))
            await client.send(message)
            #expect(
                log.lines.entries.count == 1 && log.lines.entries[0].contains(named), "\(log.lines.entries)")
        }
    }

    /// What is logged, down to the level at which clients' faults are.
    private struct Log: LogHandler {
        let lines = SynchronousJournal()
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        var logger: Logger { Logger(label: "test") { _ in self } }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.add("\(event.message) \(event.metadata ?? [:])") }
    }
}
