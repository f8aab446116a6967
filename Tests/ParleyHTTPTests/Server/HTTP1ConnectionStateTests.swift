import Testing

@testable import ParleyHTTP

@Suite("HTTP/1.1: what follows what in a connection's life (RFC 9112 9)")
struct HTTP1ConnectionStateTests {
    // The macro can't call what changes a value.
    private func expect<Value: Equatable>(
        _ found: Value, _ expected: Value, at location: SourceLocation = #_sourceLocation
    ) {
        #expect(found == expected, sourceLocation: location)
    }

    private var inExchange: HTTP1ConnectionState {
        var state = HTTP1ConnectionState()
        state.beginExchange()
        return state
    }

    @Test("the next request is decoded when both halves have ended, in either order")
    func bothHalves() {
        var state = inExchange
        #expect(state.acceptsInput && state.owesResponse)
        expect(state.endRequest(), .wait)
        #expect(!state.acceptsInput && state.hasWholeRequest)
        expect(state.endResponse(persists: true), .nextRequest)
        #expect(state.acceptsInput && state.isBetweenRequests && !state.owesResponse)
        state.beginExchange()
        expect(state.endResponse(persists: true), .discardContent)
        #expect(state.acceptsInput && state.isDiscarding)
        expect(state.endRequest(), .nextRequest)
    }

    @Test("a response that ends the connection does so, whether its request has ended or not")
    func closingResponse() {
        var whole = inExchange
        expect(whole.endRequest(), .wait)
        expect(whole.endResponse(persists: false), .close)
        #expect(whole.isOver && !whole.acceptsInput)
        var partial = inExchange
        expect(partial.endResponse(persists: false), .close)
        #expect(partial.isOver)
    }

    @Test("no more than the limit is discarded, counted for each exchange")
    func discarding() {
        var state = inExchange
        _ = state.endResponse(persists: true)
        let first = state.discard(60, limit: 100)
        let second = state.discard(40, limit: 100)
        let third = state.discard(1, limit: 100)
        let overflowing = state.discard(.max, limit: 100)
        #expect([first, second, third, overflowing] == [true, true, false, false])
        _ = state.endRequest()
        state.beginExchange()
        let fresh = state.discard(100, limit: 100)
        #expect(fresh)
    }

    @Test("the peer's end closes an idle connection, and cancels an exchange, after which it closes")
    func peerEnds() {
        var idle = HTTP1ConnectionState()
        expect(idle.receivedEnd(), .close)
        var busy = inExchange
        _ = busy.endRequest()
        expect(busy.receivedEnd(), .cancelExchange)
        #expect(!busy.mayPersist && !busy.mayHandOver)
        expect(busy.endResponse(persists: true), .close)
        expect(busy.receivedEnd(), .ignore)
        var discarding = inExchange
        _ = discarding.endResponse(persists: true)
        expect(discarding.receivedEnd(), .close)
    }

    @Test("a shutdown closes what is idle, and everything else with its response")
    func shutdown() {
        var idle = HTTP1ConnectionState()
        let idleCloses = idle.shutDown(isMidRequest: false)
        #expect(idleCloses)
        var midHead = HTTP1ConnectionState()
        let midHeadCloses = midHead.shutDown(isMidRequest: true)
        #expect(!midHeadCloses)
        var busy = inExchange
        let busyCloses = busy.shutDown(isMidRequest: true)
        #expect(!busyCloses)
        #expect(!busy.mayPersist)
        _ = busy.endRequest()
        expect(busy.endResponse(persists: true), .close)
    }
}
