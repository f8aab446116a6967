import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("WebSockets: when to ping, and what takes too long")
struct WebSocketWatchTests {
    private func at(_ seconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: seconds * 1000) }

    private var watch: WebSocketWatch { WebSocketWatch(options: WebSocketOptions(), now: at(0)) }

    @Test("after 30 silent seconds a ping is due, 20 seconds later the peer is gone")
    func silence() {
        var watch = watch
        #expect(watch.deadline == at(30))
        #expect(watch.check(at: at(29)) == .wait)
        #expect(watch.check(at: at(30)) == .ping)
        #expect(watch.deadline == at(50))
        #expect(watch.check(at: at(49)) == .wait)
        #expect(watch.check(at: at(50)) == .gone)
    }

    @Test("anything that comes in counts as an answer")
    func answer() {
        var watch = watch
        #expect(watch.check(at: at(30)) == .ping)
        watch.received(at: at(31))
        #expect(watch.deadline == at(61))
        #expect(watch.check(at: at(50)) == .wait)
        #expect(watch.check(at: at(61)) == .ping)
    }

    @Test("a message has 60 seconds from its first byte, whatever else comes in")
    func messages() {
        var watch = watch
        watch.messageBegan(at: at(10))
        for second in stride(from: UInt64(20), to: 70, by: 10) {
            watch.received(at: at(second))
            #expect(watch.check(at: at(second)) == .wait)
        }
        #expect(watch.check(at: at(70)) == .messageTimeout)
        watch.messageEnded()
        #expect(watch.check(at: at(70)) == .wait)
    }

    @Test("a close frame has to be answered within 5 seconds, and nothing is pinged meanwhile")
    func closing() {
        var watch = watch
        watch.closeSent(at: at(28))
        watch.received(at: at(30))
        #expect(watch.deadline == at(33))
        #expect(watch.check(at: at(32)) == .wait)
        #expect(watch.check(at: at(33)) == .gone)
    }

    @Test(
        "an answer to a close frame is waited for when the peer has taken what is before it, for as long as it does"
    )
    func closingSlowly() {
        var watch = watch
        watch.closeSent(at: at(10), unsentBytes: 1000)
        #expect(watch.check(at: at(15), unsentBytes: 600) == .wait)
        #expect(watch.check(at: at(20), unsentBytes: 600) == .wait)
        #expect(watch.check(at: at(25), unsentBytes: 500) == .wait)
        #expect(watch.check(at: at(30), unsentBytes: 0) == .wait)
        #expect(watch.deadline == at(35))
        #expect(watch.check(at: at(35), unsentBytes: 0) == .gone)
    }

    @Test("a closing peer that takes nothing is gone after 15 seconds, as the stream has it")
    func closingStalled() {
        var watch = watch
        watch.closeSent(at: at(10), unsentBytes: 1000)
        for second in [15, 20] as [UInt64] {
            #expect(watch.check(at: at(second), unsentBytes: 1000) == .wait)
        }
        #expect(watch.check(at: at(25), unsentBytes: 1000) == .gone)
    }

    @Test("while reading is paused nothing is due but the end of closing; then everything begins anew")
    func paused() {
        var watch = watch
        watch.messageBegan(at: at(10))
        #expect(watch.check(at: at(30)) == .ping)
        watch.paused()
        #expect(watch.deadline == nil)
        #expect(watch.check(at: at(500)) == .wait)
        watch.resumed(at: at(500))
        #expect(watch.deadline == at(530))
        // A second time it changes nothing.
        watch.resumed(at: at(510))
        #expect(watch.check(at: at(530)) == .ping)
        watch.received(at: at(531))
        #expect(watch.check(at: at(560)) == .messageTimeout)
        watch.paused()
        watch.closeSent(at: at(600))
        #expect(watch.check(at: at(605)) == .gone)
    }

    @Test("without a ping interval nothing is ever due")
    func noPings() {
        var options = WebSocketOptions()
        options.pingInterval = nil
        #expect(WebSocketWatch(options: options, now: at(0)).deadline == nil)
    }
}
