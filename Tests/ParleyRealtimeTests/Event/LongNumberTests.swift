import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyRealtime

@Suite("Numbers of any length in events")
struct LongNumberTests {
    private static func digits(_ count: Int) -> String { String(repeating: "7", count: count) }

    private func makeRealtime(_ journal: SynchronousJournal) -> Realtime {
        let realtime = Realtime()
        realtime.root.on("any") { (_, value: JSONValue) in value }
        realtime.root.on("int") { (_, value: Int) in value }
        realtime.root.on("wide") { (_, value: UInt128) in String(value) }
        realtime.root.on("double") { (_, value: Double) in value }
        realtime.root.on("all") { (_, values: [Double]) in values.count }
        realtime.root.onDisconnect { _, reason in journal.add(reason.rawValue) }
        realtime.root.onError { _, error in journal.add("error in \(error.event)") }
        return realtime
    }

    @Test(
        "what a type can't hold is the event's error, and the session lives",
        arguments: ["any", "int", "wide", "double"])
    func beyondTheType(event: String) async throws {
        let journal = SynchronousJournal()
        let client = try await PollingClient.join(makeRealtime(journal))
        let numbers = [
            Self.digits(400), Self.digits(2048), "-" + Self.digits(2047), "1e400", "-1e99999",
            "1" + "e" + Self.digits(2000),
        ]
        for number in numbers { #expect(try await client.send(#"421["\#(event)",\#(number)]"#) == 200) }
        #expect(try await journal.wait(for: numbers.count).allSatisfy { $0 == "error in \(event)" })
        #expect(try await client.send(#"429["\#(event)",7]"#) == 200)
        #expect(try await client.next().hasPrefix("439["))
    }

    @Test(
        "what is written at length but fits is read",
        arguments: [("double", "1.5"), ("any", "1.5"), ("double", "1e-400")])
    func long(event: String, number: String) async throws {
        let client = try await PollingClient.join(makeRealtime(SynchronousJournal()))
        let long = number.contains("e") ? number : number + String(repeating: "0", count: 2048 - number.count)
        #expect(try await client.send(#"421["\#(event)",\#(long)]"#) == 200)
        #expect(try await client.next() == (number.contains("e") ? "431[0]" : "431[1.5]"))
    }

    @Test(
        "one of more than 2,048 bytes ends the session, wherever it stands",
        arguments: [
            #"42["any",N]"#, #"42["any",{"a":[0.N]}]"#, #"42["unknown",N]"#, #"431[N]"#, #"40/other,{"a":N}"#,
            "42N[\"any\"]",
        ])
    func tooLong(packet: String) async throws {
        let journal = SynchronousJournal()
        let realtime = makeRealtime(journal)
        _ = realtime.namespace("/other")
        for count in [2049, 900_000] {
            let client = try await PollingClient.join(realtime)
            let text = packet.split(separator: "N", omittingEmptySubsequences: false).joined(
                separator: Self.digits(count))
            let start = ContinuousClock.now
            #expect(try await client.send(text) == 200)
            _ = try await journal.wait(for: count == 2049 ? 1 : 2)
            #expect(start.duration(to: .now) < .seconds(2))
        }
        #expect(journal.entries == ["parse error", "parse error"])
        #expect(realtime.sessionCount == 0)
    }

    @Test("a payload full of long numbers takes time in proportion")
    func manyLongNumbers() async throws {
        let realtime = makeRealtime(SynchronousJournal())
        let client = try await PollingClient.join(realtime)
        let number = "0." + Self.digits(2046)
        let text = [String](repeating: number, count: 480).joined(separator: ",")
        let start = ContinuousClock.now
        #expect(try await client.send(#"421["all",[\#(text)]]"#) == 200)
        #expect(try await client.next() == "431[480]")
        #expect(start.duration(to: .now) < .seconds(5))
    }
}
