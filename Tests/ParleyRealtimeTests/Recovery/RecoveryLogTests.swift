import Testing

@testable import ParleyRealtime

@Suite("The log of what may have been missed")
struct RecoveryLogTests {
    private func packet(_ text: String = "x") -> EncodedPacket {
        EncodedPacket(frame: EngineFrame(textBehindReservation: [0, 0] + Array(text.utf8)), attachments: [])
    }

    private func texts(_ packets: [EncodedPacket]) -> [String] {
        packets.map { String(decoding: $0.frame.webSocket[$0.frame.payloadStart...], as: UTF8.self) }
    }

    @Test("it gives what came behind a number, and knows the number of the last")
    func behind() {
        var log = RecoveryLog(maxPackets: 100, maxBytes: 10_000)
        for number in 1...5 { log.append(packet("\(number)"), to: BroadcastTarget()) }
        let missed = log.events(after: 2, id: "a", rooms: [])
        #expect(texts(missed.packets) == ["3", "4", "5"] && missed.last == 5)
        #expect(log.events(after: 5, id: "a", rooms: []).packets.isEmpty)
        #expect(log.events(after: 5, id: "a", rooms: []).last == nil)
        #expect(log.events(after: 99, id: "a", rooms: []).packets.isEmpty)
    }

    @Test("targets count as they did when the event was emitted")
    func targets() {
        var log = RecoveryLog(maxPackets: 100, maxBytes: 10_000)
        var target = BroadcastTarget(room: "r")
        log.append(packet("room"), to: target)
        target.except = ["muted"]
        log.append(packet("except"), to: target)
        target.sender = "a"
        log.append(packet("sender"), to: target)
        log.append(packet("own"), to: BroadcastTarget(room: "a"))
        log.append(packet("other"), to: BroadcastTarget(room: "s"))
        func missed(_ id: String, _ rooms: Set<String>) -> [String] {
            texts(log.events(after: 0, id: id, rooms: rooms).packets)
        }
        #expect(missed("a", ["r"]) == ["room", "except", "own"])
        #expect(missed("b", ["r", "muted"]) == ["room"])
        #expect(missed("b", []) == [])
        #expect(missed("b", ["s"]) == ["other"])
    }

    @Test("beyond its count and its bytes the oldest go first, and it says up to where")
    func bounds() {
        var log = RecoveryLog(maxPackets: 3, maxBytes: 10_000)
        for number in 1...1000 { log.append(packet("\(number)"), to: BroadcastTarget()) }
        #expect(log.count == 3 && log.dropped == 997 && log.last == 1000)
        #expect(texts(log.events(after: 0, id: "a", rooms: []).packets) == ["998", "999", "1000"])
        var small = RecoveryLog(maxPackets: 100, maxBytes: 200)
        for _ in 0..<50 {
            small.append(packet(), to: BroadcastTarget())
            #expect(small.bytes <= 200)
        }
        #expect(small.count == 2)
        small.append(packet(String(repeating: "x", count: 500)), to: BroadcastTarget())
        #expect(small.count == 0 && small.bytes == 0 && small.dropped == small.last)
        small.append(packet("y"), to: BroadcastTarget())
        #expect(texts(small.events(after: 51, id: "a", rooms: []).packets) == ["y"])
    }

    @Test("what is too old is dropped up to a number")
    func dropping() {
        var log = RecoveryLog(maxPackets: 1000, maxBytes: 1 << 20)
        for number in 1...300 { log.append(packet("\(number)"), to: BroadcastTarget()) }
        log.drop(through: 298)
        #expect(log.dropped == 298)
        #expect(texts(log.events(after: 100, id: "a", rooms: []).packets) == ["299", "300"])
        log.drop(through: 5000)
        #expect(log.count == 0 && log.bytes == 0 && log.last == 300)
    }

    @Test("offsets are read strictly")
    func offsets() {
        let epoch = Array("abcdef".utf8)
        func read(_ text: String) -> RecoveryOffset.Reading { RecoveryOffset.read(text, epoch: epoch) }
        #expect(read("abcdef.17") == .own(17))
        #expect(read("abcdeg.17") == .foreign)
        for text in [
            "", "abcdef", "abcdef.", "abcdef.-1", "abcdef.+1", "abcdef. 1", "abcdef.1x", "hello", "a.1",
            "abcdef.18446744073709551616", "abcdef.000000000000000000001", "abcdéf.1",
        ] {
            #expect(read(text) == .invalid, "\(text)")
        }
        #expect(read("abcdef.18446744073709551615") == .own(.max))
    }
}
