import ParleyWire
import Testing

@Suite("Masking (RFC 6455 5.3)")
struct WebSocketMaskTests {
    @Test("every length, alignment and phase gives what byte by byte gives, and nothing around it changes")
    func reference() {
        let key: UInt32 = 0x4433_2211
        for length in Array(0...45) + [63, 64, 65, 127, 128] {
            for start in 0..<5 {
                for phase in 0..<5 {
                    let original = (0..<(length + 20)).map { UInt8(truncatingIfNeeded: $0 &* 13) }
                    var bytes = original
                    var span = bytes.mutableSpan
                    WebSocketMask.apply(key, phase: phase, to: &span, range: start..<(start + length))
                    var expected = original
                    for index in 0..<length {
                        expected[start + index] ^= UInt8(
                            truncatingIfNeeded: key >> (8 * UInt32((index + phase) % 4)))
                    }
                    if bytes != expected { Issue.record("\(length) \(start) \(phase)") }
                }
            }
        }
    }

    @Test("masking twice gives back the payload, also in two pieces")
    func inverse() {
        let original = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        var bytes = original
        WebSocketMask.apply(0xDEAD_BEEF, to: &bytes, from: 0)
        #expect(bytes != original)
        var span = bytes.mutableSpan
        WebSocketMask.apply(0xDEAD_BEEF, to: &span, range: 0..<333)
        WebSocketMask.apply(0xDEAD_BEEF, phase: 333, to: &span, range: 333..<1000)
        #expect(bytes == original)
    }
}
