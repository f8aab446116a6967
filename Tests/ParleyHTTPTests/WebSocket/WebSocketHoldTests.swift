import ParleyTransport
import ParleyWire
import Testing

@testable import ParleyHTTP

@Suite("WebSockets: what is held while reading is paused, and deadlines meanwhile")
struct WebSocketHoldTests {
    @Test(
        "once reading is paused nothing more of a read is decoded; resuming goes on in order, not from within"
    )
    func paused() async throws {
        let fake = try await FakeConnection(pauses: true)
        await fake.open()
        await fake.receive(FakeConnection.frames([1, 2, 3]))
        #expect(fake.handler.sizes == [1])
        #expect(fake.stream.isPaused)
        let inline = await fake.run { connection in
            connection.resumeReading()
            return fake.handler.sizes
        }
        #expect(inline == [1])
        try await waitUntil { fake.handler.sizes == [1, 2] }
        // A stream that had more in hand than the pause could stop.
        await fake.receive(FakeConnection.frames([4]))
        #expect(fake.handler.sizes == [1, 2])
        for count in 3...4 {
            await fake.run { $0.resumeReading() }
            try await waitUntil { fake.handler.sizes.count == count }
        }
        #expect(fake.handler.sizes == [1, 2, 3, 4])
        await fake.run { $0.resumeReading() }
        #expect(!fake.stream.isPaused)
    }

    @Test("a client can't hold the loop with what inflates a thousandfold")
    func bomb() async throws {
        let fake = try await FakeConnection(isCompressed: true)
        await fake.open()
        let deflater = try Deflater(.raw)
        var payload: [UInt8] = []
        let size = 1 << 20
        try #require(
            deflater.deflateMessage([UInt8](repeating: 0, count: size).span, appendingTo: &payload))
        var frame = WebSocketClient.frame(2, payload)
        frame[0] |= 0x40
        let read = [[UInt8]](repeating: frame, count: 20).flatMap { $0 }
        let ofTurn = Lock(0)
        await fake.run { connection in
            var bytes = read
            var span = bytes.mutableSpan
            connection.received(&span, from: fake.stream)
            fake.stream.loop.execute { ofTurn.withLock { $0 = fake.handler.sizes.count } }
        }
        try await waitUntil { fake.handler.sizes.count == 20 }
        #expect((1...2).contains(ofTurn.withLock { $0 }))
        try await waitUntil { !fake.stream.isPaused }
        #expect(fake.handler.sizes.allSatisfy { $0 == size })
    }

    @Test("closing decodes what was held, for the sake of the peer's close frame")
    func closing() async throws {
        let fake = try await FakeConnection()
        let socket = await fake.openSocket()
        await fake.receive(FakeConnection.frames([100_000, 1]) + WebSocketClient.frame(8, [0x0F, 0xA0]))
        #expect(socket.isOpen && fake.stream.isPaused)
        socket.close()
        try await waitUntil { socket.inbox.closed.code == 4000 }
    }

    @Test("while this side doesn't read, neither pongs nor the rest of a message are waited for")
    func deadlines() async throws {
        let fake = try await FakeConnection(pauses: true) {
            $0.pingInterval = .milliseconds(50)
            $0.pongTimeout = .milliseconds(50)
            $0.messageTimeout = .milliseconds(100)
        }
        await fake.open()
        let bytes = FakeConnection.frames([1, 2])
        await fake.receive(FakeConnection.frames([5]))
        await fake.run { $0.resumeReading() }
        await fake.receive(Array(bytes.dropLast()))
        try await Task.sleep(for: .milliseconds(400))
        #expect(fake.handler.codes == [])
        await fake.run { $0.resumeReading() }
        await fake.receive([bytes[bytes.count - 1]])
        try await waitUntil { fake.handler.sizes == [5, 1, 2] }
        #expect(fake.handler.codes == [])
        // Reading again, both count again.
        await fake.run { $0.resumeReading() }
        try await waitUntil { fake.handler.codes == [1006] }
    }

    @Test("the time to answer a close frame begins when it was sent")
    func slowClose() async throws {
        let fake = try await FakeConnection { $0.closeTimeout = .milliseconds(100) }
        await fake.open()
        fake.stream.state.withLock { $0.pendingBytes = 1_000_000 }
        fake.connection.close()
        for _ in 0..<10 {
            try await Task.sleep(for: .milliseconds(50))
            fake.stream.state.withLock { $0.pendingBytes -= 50_000 }
        }
        #expect(!fake.stream.isReset)
        fake.stream.state.withLock { $0.pendingBytes = 0 }
        try await waitUntil { fake.stream.isReset }
        #expect(fake.handler.codes == [1006])
    }

    @Test("a mebibyte is inflated a turn: what several reads of one turn inflate adds up")
    func budget() {
        var budget = WebSocketInflationBudget()
        let half = WebSocketInflationBudget.bytesPerTurn / 2
        let (first, second) = (MonotonicInstant(milliseconds: 1), MonotonicInstant(milliseconds: 2))
        var spent: [Bool] = []
        spent.append(budget.spend(half, at: first))
        spent.append(budget.spend(half, at: first))
        spent.append(budget.spend(half, at: second))
        budget.renew()
        spent.append(budget.spend(half, at: second))
        spent.append(budget.spend(half, at: second))
        #expect(spent == [false, true, false, false, true])
    }
}
