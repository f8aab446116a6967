import ParleyWire
import Testing

@testable import ParleyRealtime

@Suite("Frames, encoded once for every transport")
struct EngineFrameTests {
    @Test(
        "the header has the minimal length (RFC 6455 5.2), and the payload lies behind it",
        arguments: [0, 1, 125, 126, 65_535, 65_536])
    func header(_ length: Int) {
        let text = [UInt8](repeating: 0x61, count: length)
        let frame = EngineFrame(textBehindReservation: [0, 0] + text)
        let expected: [UInt8] =
            switch length {
            case ...125: [0x81, UInt8(length)]
            case ...65_535: [0x81, 126, UInt8(length >> 8), UInt8(length & 0xFF)]
            default: [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]
            }
        #expect(Array(frame.webSocket.prefix(frame.payloadStart)) == expected)
        #expect(Array(frame.webSocket.dropFirst(frame.payloadStart)) == text)
        var polling: [UInt8] = []
        frame.appendPollingPacket(to: &polling)
        #expect(polling == text)
    }

    @Test("a binary message is raw in a WebSocket and base64 behind b in polling")
    func binary() {
        let frame = EngineFrame(binary: [1, 2, 3, 4])
        #expect(frame.webSocket == [0x82, 4, 1, 2, 3, 4])
        var polling: [UInt8] = []
        frame.appendPollingPacket(to: &polling)
        #expect(polling == Array("bAQIDBA==".utf8))
    }

    @Test("a packet of one byte")
    func control() {
        #expect(EngineFrame(.ping).webSocket == [0x81, 1, 0x32])
    }
}
