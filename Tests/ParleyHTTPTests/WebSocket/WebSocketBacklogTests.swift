import Testing

@testable import ParleyHTTP

@Suite("WebSockets: messages that nobody has taken")
struct WebSocketBacklogTests {
    private func pop(_ backlog: inout WebSocketBacklog) -> WebSocketMessage? { backlog.popFirst() }

    @Test("a backlog that is never empty doesn't grow, and keeps nothing that was taken")
    func bounded() {
        var backlog = WebSocketBacklog()
        backlog.append(.text("0"))
        for number in 1...10_000 {
            backlog.append(.text("\(number)"))
            #expect(pop(&backlog) == .text("\(number - 1)"))
            #expect(backlog.places <= 34)
        }
        #expect(backlog.cost == 5 + 32)
        #expect(pop(&backlog) == .text("10000"))
        #expect(pop(&backlog) == nil)
        #expect(backlog.cost == 0)
    }

    @Test("messages come out in order, however many wait")
    func order() {
        var backlog = WebSocketBacklog()
        var (put, taken) = (0, 0)
        for step in 0..<200 {
            for _ in 0..<(step % 7 * 3) {
                backlog.append(.text("\(put)"))
                put += 1
            }
            for _ in 0..<(step % 5 * 4) where taken < put {
                #expect(pop(&backlog) == .text("\(taken)"))
                taken += 1
            }
        }
        while let message = backlog.popFirst() {
            #expect(message == .text("\(taken)"))
            taken += 1
        }
        #expect(taken == put)
    }
}
