import Foundation
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

    @Test("so has a binary message's", arguments: [0, 1, 125, 126, 65_535, 65_536])
    func binaryHeader(_ length: Int) {
        let bytes = [UInt8](repeating: 0x61, count: length)
        let (frame, text) = (EngineFrame(binary: bytes), EngineFrame(textBehindReservation: [0, 0] + bytes))
        #expect(
            frame.webSocket == [0x82] + text.webSocket.dropFirst() && frame.payloadStart == text.payloadStart)
    }

    @Test(
        "a packet's head counts its attachments", arguments: [1, 9, 10, 11, 99, 100, 1_000],
        [("/", ""), ("/chat", "/chat,")])
    func attachments(count: Int, name: (String, String)) throws {
        let namespace = Realtime().namespace(name.0)
        for type in ["5", "6"] {
            var writer =
                type == "5"
                ? try PacketWriter(event: "e", namespace: namespace, id: 12)
                : PacketWriter(acknowledgement: 12, namespace: namespace, into: [])
            for byte in 0..<count { try writer.append(Data([UInt8(truncatingIfNeeded: byte)])) }
            let packet = writer.finishArray()
            let placeholders = (0..<count).map { #"{"_placeholder":true,"num":\#($0)}"# }
            let json = ((type == "5" ? [#""e""#] : []) + placeholders).joined(separator: ",")
            let text = packet.frame.webSocket.dropFirst(packet.frame.payloadStart)
            #expect(String(decoding: text, as: UTF8.self) == "4\(type)\(count)-\(name.1)12[\(json)]")
            #expect(packet.attachments.count == count && packet.attachments[count - 1].webSocket.count == 3)
        }
    }

    @Test("a packet of one byte")
    func control() {
        #expect(EngineFrame(.ping).webSocket == [0x81, 1, 0x32])
    }
}
