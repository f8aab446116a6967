import ParleyHTTP
import ParleyWire
import Testing

@Suite("WebSocket options are values")
struct WebSocketOptionsTests {
    @Test("what is changed in a copy stays in it, also deep inside, and in the closures that have one")
    func copies() {
        var first = WebSocketOptions()
        first.subprotocols = ["a"]
        var second = first
        let captured = { [first] in first.subprotocols }
        second.limits.messageBytes = 5
        second.subprotocols.append("b")
        second.compression = WebSocketCompression()
        first.pingInterval = nil
        #expect(first.limits.messageBytes == 1 << 20 && second.limits.messageBytes == 5)
        #expect(first.subprotocols == ["a"] && second.subprotocols == ["a", "b"] && captured() == ["a"])
        #expect(first.compression == nil && second.compression != nil)
        #expect(first.pingInterval == nil && second.pingInterval == .seconds(30))
        #expect(WebSocketOptions().pingInterval == .seconds(30))
    }
}
