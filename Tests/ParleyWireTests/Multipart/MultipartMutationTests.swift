import Testing

@testable import ParleyWire

@Suite("multipart bodies, cut and mutated")
struct MultipartMutationTests {
    private static let alphabet: [[UInt8]] = [
        [13], [10], [13, 10], Array("--".utf8), Array("b".utf8), Array("\r\n--b".utf8),
        Array("\r\n--b--".utf8),
        Array("\r\n--b\r\n".utf8), Array("A: b\r\n".utf8), Array("x".utf8), [0], [255], Array(" ".utf8),
    ]

    @Test(
        "bodies of likely pieces, cut at random, decode as they do whole", arguments: 0..<4 as Range<UInt64>)
    func randomCuts(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var ended = 0
        for _ in 0..<2000 {
            var body = Array("--b\r\n".utf8)
            for _ in 0..<Int.random(in: 0..<24, using: &generator) {
                body += Self.alphabet.randomElement(using: &generator) ?? []
            }
            if Bool.random(using: &generator) { body += Array("\r\n--b--\r\n".utf8) }
            let whole = MultipartTranscript([body[...]])
            #expect(whole == MultipartTranscript(cut(body, &generator)), "seed \(seed): \(body)")
            if whole.isEnded { ended += 1 }
        }
        #expect(ended > 100, "some of them must be well-formed")
    }

    @Test(
        "a lawful body with changed bytes decodes the same however it is cut",
        arguments: 0..<4 as Range<UInt64>)
    func mutations(seed: UInt64) {
        var generator = SeededGenerator(seed: seed &+ 100)
        let lawful = Array(
            ("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--b\r\n"
                + "Content-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n\0\r\n\r\r\n--\r\n--b--\r\n")
                .utf8)
        for _ in 0..<2000 {
            var body = lawful
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: body.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: body[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: body.remove(at: index)
                default:
                    body.insert(contentsOf: Self.alphabet.randomElement(using: &generator) ?? [], at: index)
                }
            }
            #expect(
                MultipartTranscript([body[...]]) == MultipartTranscript(cut(body, &generator)),
                "seed \(seed): \(body)")
        }
    }

    private func cut(_ body: [UInt8], _ generator: inout SeededGenerator) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var rest = body[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 0...6, using: &generator))
            pieces.append(piece)
            rest = rest.dropFirst(piece.count)
        }
        return pieces
    }
}
