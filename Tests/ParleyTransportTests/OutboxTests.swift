import Glibc
import Testing

@testable import ParleyTransport

/// Bytes that are copied, and such that are not, leave in the order in which they were sent.
@Suite struct OutboxTests {
    private let limits = StreamLimits()

    private func send(_ count: Int, shared: Bool, of total: inout [UInt8], to outbox: inout Outbox) {
        let piece = (0..<count).map { UInt8(truncatingIfNeeded: total.count + $0) }
        total += piece
        if shared {
            _ = outbox.send(shared: piece, limits: limits) { [] }
        } else {
            piece.withUnsafeBufferPointer { bytes in _ = outbox.send(bytes, limits: limits) { [] } }
        }
    }

    @Test(arguments: [false, true]) func `Whatever is sent is taken in order`(hasTail: Bool) {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var outbox = Outbox(hasTail: hasTail)
            var total: [UInt8] = []
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let count = [1, 100, 16 * 1024, 40_000].randomElement(using: &generator) ?? 1
                send(count, shared: .random(using: &generator), of: &total, to: &outbox)
                #expect(outbox.pending == total.count)
            }
            let taken = outbox.take()
            #expect(taken.bytes + taken.tail == total)
            #expect(hasTail || taken.tail.isEmpty)
            #expect(outbox.pending == 0)
        }
    }

    @Test func `A long body behind a head is not copied, what follows it is`() {
        var outbox = Outbox(hasTail: true)
        var total: [UInt8] = []
        send(100, shared: false, of: &total, to: &outbox)
        send(20_000, shared: true, of: &total, to: &outbox)
        #expect(outbox.bytes.count == 100 && outbox.tail.count == 20_000)
        send(10, shared: false, of: &total, to: &outbox)
        #expect(outbox.bytes.count == 20_110 && outbox.tail.isEmpty)
        outbox.discard()
        #expect(outbox.pending == 0)
    }

    @Test func `What is sent begins behind what the kernel took`() throws {
        var pair: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        defer { pair.forEach { close($0) } }
        var outbox = Outbox(hasTail: true)
        var total: [UInt8] = []
        send(5, shared: false, of: &total, to: &outbox)
        send(20_000, shared: true, of: &total, to: &outbox)
        var outgoing = outbox.take()
        for offset in [0, 1, 4, 5, 6, 19_000, 20_004] {
            outgoing.offset = offset
            try #require(outgoing.send(to: pair[0]) == total.count - offset)
            var read = [UInt8](repeating: 0, count: total.count - offset)
            try #require(recv(pair[1], &read, read.count, Int32(MSG_WAITALL)) == read.count)
            #expect(read == Array(total[offset...]), "\(offset)")
        }
    }
}
