import ParleyWire
import Testing

@Suite("WebSocket decoding of damaged input")
struct WebSocketMutationTests {
    private static let seeds: [[UInt8]] = [
        frame(.text, "Grüße, 日本") + frame(.ping, "p") + frame(.binary, "b")
            + frame(.close, [0x03, 0xE8, 0x61]),
        frame(.text, "añ", isFinal: false) + frame(.pong, "") + frame(.continuation, "b", isFinal: false)
            + frame(.continuation, "c") + frame(.text, ""),
        frame(.binary, [UInt8](repeating: 0x61, count: 130))
            + frame(.text, String(repeating: "ü", count: 70)),
    ]

    @Test("no input traps, and the outcome doesn't depend on how it is cut", arguments: 0..<3)
    func mutations(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed) &+ 6455)
        var small = WebSocketLimits()
        small.messageBytes = 100
        small.fragments = 2
        for index in 0..<4000 {
            let bytes = random.mutate(
                Self.seeds[seed], inserting: [0x00, 0x01, 0x80, 0x81, 0x88, 0xFE, 0xFF, 0x7F])
            let limits = index % 2 == 0 ? small : WebSocketLimits()
            for allowsCompression in [false, true] {
                func run(_ pieces: [[UInt8]]) -> WebSocketTranscript {
                    WebSocketTranscript(pieces, limits: limits, allowsCompression: allowsCompression)
                }
                let whole = run([bytes])
                #expect(whole == run(random.cut(bytes)) && whole == run(bytes.map { [$0] }), "\(bytes)")
            }
        }
    }
}
