import Testing

@testable import ParleyRealtime

@Suite("A socket's mailbox")
struct MailboxTests {
    private func event(_ number: Int, bytes: Int = 1) -> Mailbox.Item {
        .event([UInt8](repeating: 0, count: bytes), attachments: [], id: UInt64(number))
    }

    private func id(_ item: Mailbox.Item?) -> UInt64? {
        if case .event(_, _, let id) = item { id } else { nil }
    }

    @Test("one at a time enters; what waits comes out in order; then it is idle again")
    func order() {
        var mailbox = Mailbox(isBusy: false)
        let entered = [mailbox.enter(), mailbox.enter()]
        #expect(entered == [true, false])
        for number in 0..<5 { _ = mailbox.append(event(number)) }
        for number in 0..<5 {
            let item = mailbox.next().item
            #expect(id(item) == UInt64(number))
        }
        let last = mailbox.next().item
        #expect(id(last) == nil)
        let isIdle = mailbox.enter()
        #expect(isIdle)
    }

    @Test("at 1,000 waiting events it is full, once, and has room again at half")
    func count() {
        var mailbox = Mailbox(isBusy: true)
        let full = (1...1200).filter { mailbox.append(event($0)) }
        #expect(full == [1000])
        var roomAt: [Int] = []
        for taken in 1...1200 where mailbox.next().hasRoom { roomAt.append(1200 - taken) }
        #expect(roomAt == [500])
    }

    @Test("one that is never empty does not grow, and keeps its order")
    func neverEmpty() {
        var mailbox = Mailbox(isBusy: true)
        for number in 0..<10 { _ = mailbox.append(event(number)) }
        var most = 0
        for number in 10..<10_000 {
            _ = mailbox.append(event(number))
            let item = mailbox.next().item
            #expect(id(item) == UInt64(number - 10))
            most = max(most, mailbox.places)
        }
        #expect(most < 200)
    }

    @Test("at 1 MiB of waiting events it is full")
    func bytes() {
        var mailbox = Mailbox(isBusy: true)
        let full = (1...5).filter { mailbox.append(event($0, bytes: 300_000)) }
        #expect(full == [4])
    }
}
