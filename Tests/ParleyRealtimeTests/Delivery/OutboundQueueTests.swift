import Testing

@testable import ParleyRealtime

@Suite("What waits for a client that is behind")
struct OutboundQueueTests {
    private func frame(_ text: String) -> EngineFrame {
        EngineFrame(textBehindReservation: [0, 0] + Array(text.utf8))
    }

    private func text(_ frame: EngineFrame) -> String {
        String(decoding: frame.webSocket[frame.payloadStart...], as: UTF8.self)
    }

    private func key(_ name: String) -> CoalescingKey {
        CoalescingKey(namespace: ObjectIdentifier(OutboundQueueTests.self), name: name)
    }

    @Test("packets leave in their order, each with its attachments")
    func order() {
        var queue = OutboundQueue()
        queue.append(frame("a"), attachments: [frame("a1"), frame("a2")])
        queue.append(frame("b"))
        #expect(queue.count == 2 && queue.bytes == 2 * (3 + 64) + 2 * (4 + 64))
        let first = queue.popFirst()
        #expect(first.map { text($0.frame) } == "a" && first?.attachments.map(text) == ["a1", "a2"])
        let rest = queue.takeAll().map(text)
        #expect(rest == ["b"])
        #expect(queue.isEmpty && queue.bytes == 0)
    }

    @Test("the oldest that may be dropped goes first, with its attachments; the others stay")
    func oldest() {
        var queue = OutboundQueue()
        queue.append(frame("control"))
        queue.append(frame("1"), attachments: [frame("x")], isDroppable: true)
        queue.append(frame("ack"))
        queue.append(frame("2"), isDroppable: true)
        let drops = [queue.dropOldest(), queue.dropOldest(), queue.dropOldest()]
        #expect(drops == [true, true, false])
        let rest = queue.takeAll().map(text)
        #expect(rest == ["control", "ack"])
    }

    @Test("a packet replaces the one of its key, and takes its own place")
    func keys() {
        var queue = OutboundQueue()
        queue.append(frame("a1"), key: key("a"))
        queue.append(frame("b1"), key: key("b"))
        let removals = [queue.remove(key("a")), queue.remove(key("a"))]
        #expect(removals == [true, false])
        queue.append(frame("a2"), key: key("a"))
        let rest = queue.takeAll().map(text)
        #expect(rest == ["b1", "a2"])
        let isThere = queue.remove(key("b"))
        #expect(!isThere)
    }

    @Test("a queue that is only replaced in and dropped from does not grow")
    func gaps() {
        var queue = OutboundQueue()
        queue.append(frame("first"))
        for number in 0..<10_000 {
            _ = queue.remove(key("k"))
            queue.append(frame("\(number)"), isDroppable: true, key: key("k"))
            queue.append(frame("x"), isDroppable: true)
            while queue.count > 3 { _ = queue.dropOldest() }
        }
        #expect(queue.count == 3)
        let rest = queue.takeAll().map(text)
        #expect(rest.first == "first")
    }

    @Test("whatever is done to it, it is what a list would be")
    func model() {
        var generator = SystemRandomNumberGenerator()
        var queue = OutboundQueue()
        var model: [(text: String, isDroppable: Bool, key: String?)] = []
        for number in 0..<20_000 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<5:
                let name = Bool.random() ? "\(Int.random(in: 0..<4))" : nil
                if let name {
                    let index = model.firstIndex { $0.key == name }
                    let isRemoved = queue.remove(key(name))
                    #expect(isRemoved == (index != nil))
                    if let index { model.remove(at: index) }
                }
                let isDroppable = Bool.random()
                queue.append(frame("\(number)"), isDroppable: isDroppable, key: name.map(key))
                model.append(("\(number)", isDroppable, name))
            case 5..<8:
                let index = model.firstIndex { $0.isDroppable }
                let isDropped = queue.dropOldest()
                #expect(isDropped == (index != nil))
                if let index { model.remove(at: index) }
            case 8:
                let first = queue.popFirst().map { text($0.frame) }
                #expect(first == model.first?.text)
                if !model.isEmpty { model.removeFirst() }
            default:
                guard Int.random(in: 0..<50) == 0 else { continue }
                let rest = queue.takeAll().map(text)
                #expect(rest == model.map(\.text))
                model = []
            }
            #expect(queue.count == model.count)
        }
    }
}
